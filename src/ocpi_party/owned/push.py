"""The request that tells a partner of one of our objects: PUT or PATCH {url}/{country_code}/{party_id}/{id}.

OCPI 2.2.1, Client owned objects, "Client Owned Object Push".
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ocpi_party.database import Database, ReadTx
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import InterfaceRole
from ocpi_party.ocpi.types import House, decode, document_of, parse_time
from ocpi_party.outbox.telling import Mark
from ocpi_party.partners.answer import Answer, PartnerUnreachable
from ocpi_party.partners.audience import EVERYBODY
from ocpi_party.partners.urls import join


@dataclass(frozen=True, slots=True)
class State:
    """An object as it stands now.

    path      country_code, party_id and ids as the owner spells them: the end of its URL
    gone      it was taken away
    audience  who may see it: for any other party it is gone
    """

    path: tuple[str, ...]
    document: bytes
    params: Mapping[str, str] | None = None
    gone: bool = False
    audience: str = EVERYBODY

    def is_there_for(self, party: str) -> bool:
        return not self.gone and self.audience in (EVERYBODY, party)


@dataclass(slots=True)
class Teller:
    """Sends to one party of a partner.

    url      of the partner's Receiver interface
    send     method, URL, body, query parameters → answer; raises PartnerUnreachable
    spell    a document of ours as the partner's version spells it
    careful  the last holder of this lane vanished: nobody knows what the partner knows
    partner_id, party  who is told
    broadcast  the party is a hub, which passes it on to everybody: nobody can be asked with GET (HUB-12)
    failures  to reach the party, up to now
    ahead    set when more was told than asked for: what is loaded of other objects may be older than what the partner knows now
    """

    url: str
    send: Callable[[str, str, Any, Mapping[str, str] | None], Awaitable[Answer]]
    spell: Callable[[type[House], bytes], bytes]
    database: Database
    careful: bool
    partner_id: int
    party: str
    broadcast: bool = False
    failures: int = 0
    ahead: bool = False

    async def put(self, kind: type[House], state: State) -> Answer:
        answer = await self.send("PUT", join(self.url, *state.path), self.spell(kind, state.document), state.params)
        return await self._made_sure(answer, state)

    async def patch(self, state: State, changes: Mapping[str, Any]) -> Answer:
        answer = await self.send("PATCH", join(self.url, *state.path), changes, state.params)
        return await self._made_sure(answer, state)

    async def _made_sure(self, answer: Answer, state: State) -> Answer:
        """An empty answer does not say whether the object was taken: the partner shows what it has. Raises PartnerUnreachable"""
        ours = document_of(state.document).get("last_updated")
        if not answer.empty or self.broadcast or ours is None:
            return answer
        try:
            seen = await self.get(state)
        except PartnerUnreachable as fault:
            fault.maybe_done = True
            raise
        if seen.empty:
            raise PartnerUnreachable(f"{answer}, nor to the GET behind it", maybe_done=True)
        return answer.taken() if seen.ok and _is_of(seen.object, str(ours)) else answer

    async def delete(self, state: State) -> Answer:
        return await self.send("DELETE", join(self.url, *state.path), None, state.params)

    async def get(self, state: State) -> Answer:
        return await self.send("GET", join(self.url, *state.path), None, state.params)

    async def put_or_patch(self, kind: type[House], state: State, mark: Mark) -> Answer:
        """PATCH of what changed on the first attempt; on doubt GET, and PUT of the whole (OWN-16)."""
        if mark.patch is None or mark.attempts or self.careful or _is_stale(mark.patch, state):
            return await self.put(kind, state)
        answer = await self.patch(state, mark.patch)
        if answer.done or answer.unauthorized:
            return answer
        if not self.broadcast and not answer.empty:
            await self.get(state)
        return await self.put(kind, state)


def _is_of(shown: Any, last_updated: str) -> bool:
    """Whether what a partner shows is the state of this moment; fields that it has no use for it may leave out."""
    try:
        return isinstance(shown, dict) and parse_time(str(shown.get("last_updated"))) == parse_time(last_updated)
    except InvalidObject:
        return False


def _is_stale(patch: Mapping[str, Any], state: State) -> bool:
    """It changed again since the mark was read: the patch would take the object back if its newer state was told already."""
    document = decode(state.document)
    return not isinstance(document, dict) or document.get("last_updated") != patch.get("last_updated")


class Pushed(Protocol):
    """How the objects of a module are told.

    interface  of the partner, to which they are told
    by_moment  the patch of a mark says when each part changed, not what it is now: so that nothing is told twice where
               a PATCH adds
    """

    interface: InterfaceRole = InterfaceRole.RECEIVER
    by_moment: bool = False

    async def load(self, tx: ReadTx, refs: Sequence[str]) -> Mapping[str, State]:
        """Our objects as they stand now; one that is not there any more is left out."""

    async def names(self, tx: ReadTx, refs: Sequence[str]) -> Mapping[str, str]:
        """How references are shown: with the ids as we spell them; one that is not there any more may be left out."""

    async def tell(self, teller: Teller, mark: Mark, state: State | None) -> Answer | None:
        """Tell one; None, if there is nothing to tell. Raises PartnerUnreachable"""

    async def take_away(self, teller: Teller, mark: Mark, state: State) -> Answer | None:
        """Tell that one is gone; None, as here, where OCPI has no words for it. Raises PartnerUnreachable"""
        return None
