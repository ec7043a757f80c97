"""The versions and endpoints that a platform offers. OCPI 2.2.1, Version information endpoint."""

from typing import Annotated

from ocpi_party.ocpi.fields import Descriptive, MayBeMissing, Some, Url
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, VersionNumber
from ocpi_party.ocpi.types import House


class Version(House):
    version: Annotated[VersionNumber, Descriptive()]
    url: Url


class Endpoint(House):
    identifier: Annotated[ModuleId, Descriptive()]
    role: Annotated[InterfaceRole, Descriptive(), MayBeMissing(lambda: InterfaceRole.SENDER)]
    url: Url


class VersionDetails(House):
    version: Annotated[VersionNumber, Descriptive()]
    endpoints: Some[Endpoint]
