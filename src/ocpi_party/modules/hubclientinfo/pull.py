"""How the parties behind a hub are kept when we fetch its list. OCPI 2.2.1, HubClientInfo, "Sender Interface"."""

from collections.abc import Sequence
from dataclasses import dataclass

from ocpi_party.database import WriteTx
from ocpi_party.modules.hubclientinfo import directory
from ocpi_party.ocpi.client_info import ClientInfo
from ocpi_party.ocpi.types import JsonObject, fold
from ocpi_party.owned.pull import Found, Pulled, Refused


def _by_role(info: JsonObject) -> str:
    return fold(info["role"])


@dataclass(frozen=True, slots=True)
class PulledParties(Pulled):
    async def absorb(self, tx: WriteTx, found: Sequence[Found], *, any_age: bool = False) -> Sequence[Refused]:
        for one in found:
            await directory.keep(tx, one.ref.partner_id, one.reading.document)
        return ()


PULLED = PulledParties(ClientInfo, None, _by_role)
