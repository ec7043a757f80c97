"""How partners are told of our Locations: PATCH of what changed in an EVSE first, PUT of the whole on doubt.

OCPI 2.2.1, Locations, "Receiver Interface".
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ocpi_party.database import ReadTx, Row, Statement
from ocpi_party.modules.locations import repository
from ocpi_party.ocpi.connector import Connector
from ocpi_party.ocpi.evse import Evse
from ocpi_party.ocpi.location import Location
from ocpi_party.ocpi.types import House, document_of, encode, fold
from ocpi_party.outbox.telling import Mark
from ocpi_party.owned.push import Pushed, State, Teller
from ocpi_party.partners.answer import Answer

_LEVELS: tuple[type[House], ...] = (Location, Evse, Connector)

_HEADS = Statement(
    """SELECT l.seq, l.owner || '/' || l.key AS ref, l.document->>'country_code' AS country_code,
              l.document->>'party_id' AS party_id, l.document->>'id' AS id
         FROM locations l
        WHERE l.partner_id = 0 AND l.addressee = '' AND NOT l.gone
          AND (l.owner, l.key) IN (SELECT * FROM unnest(CAST(:owners AS text[]), CAST(:keys AS text[])))"""
)
_EVSES = Statement(
    """SELECT e.location_seq, e.key, convert_to(e.document::text, 'UTF8') AS document
         FROM evses e JOIN unnest(CAST(:seqs AS bigint[]), CAST(:keys AS text[])) AS w(seq, key)
           ON e.location_seq = w.seq AND e.key = w.key WHERE NOT e.gone"""
)


class PushedLocations(Pushed):
    """References are OWNER/LOCATION, OWNER/LOCATION/EVSE and OWNER/LOCATION/EVSE/CONNECTOR, folded; ids in them have no slash."""

    async def load(self, tx: ReadTx, refs: Sequence[str]) -> Mapping[str, State]:
        known = await _known(tx, refs)
        whole = {one.head["seq"] for one in known if len(one.ids) == 1}
        documents = {seq: document for seq, _, document in await repository.documents(tx, sorted(whole))}
        found = {}
        for one in known:
            path = (one.head["country_code"], one.head["party_id"], one.head["id"])
            state = _at_level(path, documents.get(one.head["seq"]) if len(one.ids) == 1 else one.evse, one.ids)
            if state is not None:
                found[one.ref] = state
        return found

    async def names(self, tx: ReadTx, refs: Sequence[str]) -> Mapping[str, str]:
        found = {}
        for one in await _known(tx, refs):
            state = _at_level((one.head["id"],), b"{}" if len(one.ids) == 1 else one.evse, one.ids)
            if state is not None:
                found[one.ref] = _joined(one.owner, *state.path)
        return found

    async def tell(self, teller: Teller, mark: Mark, state: State | None) -> Answer | None:
        if state is None:
            return None
        level = len(state.path) - 3
        answer = await teller.put_or_patch(_LEVELS[level], state, mark)
        if level == 0 or not answer.unknown:
            return answer
        # The partner does not know the Location around it: that is told as a whole (AMB-13).
        owner, ids = split_ref(mark.ref)
        async with teller.database.read() as tx:
            around = (await self.load(tx, [f"{owner}/{ids[0]}"])).get(f"{owner}/{ids[0]}")
        teller.ahead = True
        return await teller.put(Location, around) if around else None


def split_ref(ref: str) -> tuple[str, list[str]]:
    """Owner, and the ids behind it; slashes inside ids are written %2F."""
    owner, *ids = ref.split("/")
    return owner, [part.replace("%2F", "/").replace("%25", "%") for part in ids]


def join_ref(owner: str, *ids: str) -> str:
    return _joined(owner, *map(fold, ids))


def _joined(owner: str, *ids: str) -> str:
    return "/".join([owner, *(part.replace("%", "%25").replace("/", "%2F") for part in ids)])


class _Known(NamedTuple):
    """Of what is there. head  of its Location; evse  the document, None for the Location itself and if there is none"""

    ref: str
    owner: str
    ids: list[str]
    head: Row
    evse: bytes | None


async def _known(tx: ReadTx, refs: Sequence[str]) -> list[_Known]:
    split = {ref: split_ref(ref) for ref in refs}
    wanted = sorted({(owner, ids[0]) for owner, ids in split.values()})
    rows = await tx.rows(_HEADS, owners=[o for o, _ in wanted], keys=[k for _, k in wanted])
    heads = {row["ref"]: row for row in rows}
    found = [
        (ref, owner, ids, heads[f"{owner}/{ids[0]}"])
        for ref, (owner, ids) in split.items()
        if f"{owner}/{ids[0]}" in heads
    ]
    below = [(head["seq"], ids[1]) for _, _, ids, head in found if len(ids) > 1]
    rows = await tx.rows(_EVSES, seqs=[s for s, _ in below], keys=[k for _, k in below])
    evses = {(row["location_seq"], row["key"]): row["document"] for row in rows}
    return [
        _Known(ref, owner, ids, head, evses.get((head["seq"], ids[1])) if len(ids) > 1 else None)
        for ref, owner, ids, head in found
    ]


def _at_level(path: tuple[str, ...], document: bytes | None, ids: list[str]) -> State | None:
    if document is None or len(ids) == 1:
        return (document and State(path, document)) or None
    evse = document_of(document)
    if len(ids) == 2:
        return State((*path, evse["uid"]), document)
    connector = next((c for c in evse["connectors"] if fold(c["id"]) == ids[2]), None)
    return connector and State((*path, evse["uid"], connector["id"]), encode(connector))


PUSHED = PushedLocations()
