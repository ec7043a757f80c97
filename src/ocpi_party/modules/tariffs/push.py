"""How partners are told of our Tariffs: PUT of the whole, DELETE of what is gone. OCPI 2.2.1, Tariffs, "Push model"."""

from collections.abc import Mapping, Sequence

from ocpi_party.database import ReadTx
from ocpi_party.modules.tariffs.table import TARIFFS
from ocpi_party.ocpi.tariff import Tariff
from ocpi_party.outbox.telling import Mark
from ocpi_party.owned.names import load_names
from ocpi_party.owned.push import Pushed, State, Teller
from ocpi_party.owned.states import load_states
from ocpi_party.partners.answer import Answer


class PushedTariffs(Pushed):
    """References are OWNER/TARIFF, folded."""

    async def load(self, tx: ReadTx, refs: Sequence[str]) -> Mapping[str, State]:
        return await load_states(tx, TARIFFS, refs)

    async def names(self, tx: ReadTx, refs: Sequence[str]) -> Mapping[str, str]:
        return await load_names(tx, TARIFFS, refs)

    async def tell(self, teller: Teller, mark: Mark, state: State | None) -> Answer | None:
        return None if state is None else await teller.put(Tariff, state)

    async def take_away(self, teller: Teller, mark: Mark, state: State) -> Answer | None:
        answer = await teller.delete(state)
        if answer.unknown:
            return None  # It does not know it: that is as good as taken away (AMB-16).
        if answer.empty and not teller.broadcast and (await teller.get(state)).unknown:
            return answer.taken()
        return answer


PUSHED = PushedTariffs()
