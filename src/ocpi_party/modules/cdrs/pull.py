"""How the CDRs of a partner's list are kept: like those it sends. OCPI 2.2.1, CDRs, "Pull model"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocpi_party.database import WriteTx
from ocpi_party.dialects.dialect import Dialect, Reading
from ocpi_party.modules.cdrs.agreed import read_cdr
from ocpi_party.modules.cdrs.receiving import Taken, take
from ocpi_party.modules.cdrs.table import CDRS
from ocpi_party.ocpi.cdr import Cdr
from ocpi_party.ocpi.errors import ForeignToken, InvalidObject
from ocpi_party.ocpi.modules import Role
from ocpi_party.owned.pull import Found, Pulled, Refused
from ocpi_party.partners.parties import own_parties


@dataclass(frozen=True, slots=True)
class PulledCdrs(Pulled):
    def read(self, spoken: Dialect, wire: object, quirks: Mapping[str, Any]) -> Reading:
        return read_cdr(spoken, wire, quirks)

    async def absorb(
        self, tx: WriteTx, found: Sequence[Found], *, since: int, any_age: bool = False
    ) -> Sequence[Refused]:
        """Neither since nor any_age counts: a CDR that we have never changes."""
        ours = {party.key for party in await own_parties(tx) if party.role is Role.EMSP}
        refused = []
        for one in found:
            try:
                taken = await take(tx, one.ref, one.reading.document, ours)
            except ForeignToken as fault:
                refused.append(Refused(one.ref, InvalidObject("/cdr_token", str(fault))))
            else:
                if taken is Taken.OTHER:
                    refused.append(Refused(one.ref, InvalidObject("/id", "is known with another content")))
        return refused


PULLED = PulledCdrs(Cdr, CDRS, page_size=200)
