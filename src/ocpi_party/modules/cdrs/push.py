"""How a partner is told of the CDRs that it has to pay: POST, once each. OCPI 2.2.1, CDRs, "Push model".

What it refuses stays for an operator: CDRs are money, and never dropped (AMB-58).
"""

from collections.abc import Mapping, Sequence

from ocpi_party.database import ReadTx
from ocpi_party.modules.cdrs import urls
from ocpi_party.modules.cdrs.table import CDRS
from ocpi_party.ocpi.cdr import Cdr
from ocpi_party.ocpi.headers import LOCATION
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import document_of
from ocpi_party.outbox.telling import Mark
from ocpi_party.owned.names import load_names
from ocpi_party.owned.publish import same_content
from ocpi_party.owned.push import Pushed, State, Teller
from ocpi_party.owned.states import load_states
from ocpi_party.partners.answer import Answer
from ocpi_party.partners.findings import note
from ocpi_party.partners.urls import resolve, same_origin


class PushedCdrs(Pushed):
    """References are OWNER/CDR, folded."""

    async def load(self, tx: ReadTx, refs: Sequence[str]) -> Mapping[str, State]:
        return await load_states(tx, CDRS, refs)

    async def names(self, tx: ReadTx, refs: Sequence[str]) -> Mapping[str, str]:
        return await load_names(tx, CDRS, refs)

    async def tell(self, teller: Teller, mark: Mark, state: State | None) -> Answer | None:
        """On doubt the same POST again: a CDR never changes, so it is always its current state."""
        if state is None:
            return None
        answer = await teller.send("POST", teller.url, teller.spell(Cdr, state.document), None)
        url = location_of(answer)
        if answer.done:
            await _keep(teller, mark, url)
        elif (answer.empty or mark.attempts or teller.careful) and url and await _is_there(teller, url, state):
            await _keep(teller, mark, url)
            return answer.taken() if answer.empty else None
        return answer


def location_of(answer: Answer) -> str | None:
    """Where the partner keeps the CDR: in the header, absolute or relative, or as a string in the body (AMB-46)."""
    told = answer.headers.get(LOCATION) or (answer.data if isinstance(answer.data, str) else None)
    if not told or not told.strip().startswith(("http://", "https://", "/")):
        return None
    return resolve(answer.url, told.strip())


async def _keep(teller: Teller, mark: Mark, url: str | None) -> None:
    async with teller.database.write() as tx:
        await urls.keep(tx, mark.ref, teller.partner_id, url, max(mark.attempts, teller.failures) + 1)
        if url is None:
            rule = "the answer to POST has no header Location: we cannot ask for the CDR"
            names = await PUSHED.names(tx, [mark.ref])
            await note(tx, teller.partner_id, ModuleId.CDRS, names.get(mark.ref, mark.ref), [("", rule)])


async def _is_there(teller: Teller, url: str, state: State) -> bool:
    """Whether a CDR came through that is refused after a doubtful POST, or of which the answer says nothing."""
    if not same_origin(url, teller.url):
        return False
    seen = await teller.send("GET", url, None, None)
    ours = document_of(teller.spell(Cdr, state.document))
    return seen.ok and isinstance(seen.object, dict) and same_content(ours, seen.object)


PUSHED = PushedCdrs()
