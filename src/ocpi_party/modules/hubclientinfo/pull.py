"""How the parties behind a hub are kept when we fetch its list. OCPI 2.2.1, HubClientInfo, "Sender Interface"."""

from collections.abc import Sequence
from dataclasses import dataclass

from ocpi_party.database import WriteTx
from ocpi_party.modules.hubclientinfo import directory
from ocpi_party.ocpi.client_info import ClientInfo
from ocpi_party.ocpi.types import JsonObject, fold
from ocpi_party.owned.pull import Again, Found, Pulled, Refused


def _by_role(info: JsonObject) -> str:
    return fold(info["role"])


@dataclass(frozen=True, slots=True)
class PulledParties(Pulled):
    async def absorb(
        self, tx: WriteTx, found: Sequence[Found], *, since: int, any_age: bool = False
    ) -> Sequence[Refused]:
        for one in found:
            await directory.keep(tx, one.ref.partner_id, one.reading.document, since=since)
        return ()

    @property
    def held(self) -> str:
        """SUSPENDED ones may be left out: a hub cannot delete a party, and this is how it says that one is gone."""
        return """SELECT q.owner || '/' || q.role AS ref, q.owner || '/' || q.role AS name, q.rev FROM partner_parties q
                   WHERE q.partner_id = :partner_id AND q.source = 'hub' AND q.status <> 'SUSPENDED'"""

    async def missed(self, tx: WriteTx, partner_id: int, addressee: str, refs: Sequence[str], before: int) -> Again:
        """A hub whose list is empty for a moment must not cut us off from everybody: two lists have to agree.

        A list of changes would not show a party that is back and did not change.
        """
        return Again.SOON if await directory.unlist(tx, partner_id, refs, before) else Again.NEXT_TIME


PULLED = PulledParties(ClientInfo, None, _by_role)
