"""OCPI 2.2.1, which is the house form."""

from ocpi_party.dialects.dialect import Dialect
from ocpi_party.ocpi.modules import VersionNumber

V2_2_1 = Dialect(VersionNumber.V2_2_1)
