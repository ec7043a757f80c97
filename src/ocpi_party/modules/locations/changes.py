"""Changing a Location, an EVSE or a Connector, a partner's or our own: merge, check the whole, let last_updated travel up.

OCPI 2.2.1, Locations, "Receiver Interface".
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ocpi_party.database import WriteTx
from ocpi_party.modules.locations import repository
from ocpi_party.modules.locations.repository import EvseRow, LockedLocation
from ocpi_party.ocpi.connector import Connector
from ocpi_party.ocpi.errors import InvalidObject, UnknownLocation
from ocpi_party.ocpi.evse import Evse
from ocpi_party.ocpi.location import Location
from ocpi_party.ocpi.types import House, JsonObject, encode, fold, now, parse_time, wire_time
from ocpi_party.owned.receive import CLOCK_AHEAD, must_have_last_updated
from ocpi_party.owned.table import Ref
from ocpi_party.partners.audience import EVERYBODY

Check = Callable[[type[House], JsonObject], JsonObject]
"""Checks a whole object, and gives it back as it is stored; raises InvalidObject."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What was written.

    path      ids of the Location, and of the EVSE and the connector if it is one, as their owner spells them
    document  the whole of it, of a Location that is patched all but its EVSEs
    created   it is new
    """

    path: tuple[str, ...]
    document: JsonObject
    created: bool = False


def later(known: datetime, at: datetime) -> datetime:
    """The later of two moments, unless the one that we know comes from a wrong clock."""
    return at if known > now() + CLOCK_AHEAD else max(known, at)


@dataclass(frozen=True, slots=True)
class Changing:
    """The one who changes.

    check    a partner's objects are read with leniency, ours are strictly checked
    any_age  older states are taken too
    moved_to last_updated of a Location or an EVSE, from what it was and that of its part that changed
    """

    tx: WriteTx
    ref: Ref
    check: Check
    any_age: bool = False
    moved_to: Callable[[datetime, datetime], datetime] = later

    async def put_location(self, document: JsonObject, *, audience: str = EVERYBODY) -> Changed:
        """Create or replace the whole tree."""
        document = self.check(Location, document)
        whole = taken_apart(document)
        done = await repository.put(
            self.tx, self.ref, whole.head, whole.at, whole.stamp, whole.evses, audience=audience, any_age=self.any_age
        )
        if done is None:
            raise InvalidObject("/last_updated", "is older than the state that we have")
        return Changed((document["id"],), document, done.created)

    async def patch_location(self, changes: JsonObject) -> Changed:
        """Change fields of the Location.

        EVSEs among the changes are merged by uid and never removed (AMB-26); one that we know in a newer state keeps it.
        """
        location = await self._locked()
        must_have_last_updated(changes)
        evses = changes.pop("evses", None)
        if not isinstance(evses, list | None):
            raise InvalidObject("/evses", "must be a list")
        head = location.document | changes | {"evses": []}
        head = self.check(Location, head)
        at = self._newer(head["last_updated"], location.last_updated)
        stamp = head.pop("last_updated")
        head.pop("evses", None)
        await repository.store(self.tx, location, encode(head), at, stamp)
        for number, evse in enumerate(evses or ()):
            if not isinstance(evse, dict) or not isinstance(evse.get("uid"), str):
                raise InvalidObject(f"/evses/{number}/uid", "is required")
            await self._merge_evse(location, evse["uid"], {"last_updated": stamp} | evse, f"/evses/{number}")
        return Changed((head["id"],), head | {"last_updated": stamp})

    async def _merge_evse(self, location: LockedLocation, evse_uid: str, changes: JsonObject, where: str) -> None:
        known = await repository.known_evse(self.tx, location, evse_uid)
        before = known.document if known else {}
        try:
            whole = self.check(Evse, before | _with_connectors(before, changes))
        except InvalidObject as fault:
            raise InvalidObject(where + fault.pointer, fault.rule) from None
        if known is None or not self._is_older(parse_time(whole["last_updated"]), known.last_updated):
            await self._store(location, whole)

    async def put_evse(self, evse_uid: str, document: JsonObject) -> Changed:
        """Create or replace one EVSE. UnknownLocation, if its Location is new (AMB-13)."""
        location = await self._locked()
        whole = self.check(Evse, document)
        _must_tell_connectors_apart(whole)
        known = await repository.known_evse(self.tx, location, evse_uid)
        if known is not None:
            self._newer(whole["last_updated"], known.last_updated)
        await self._store(location, whole)
        return Changed((location.document["id"], whole["uid"]), whole, known is None)

    async def patch_evse(self, evse_uid: str, changes: JsonObject) -> Changed:
        """Change fields of one EVSE."""
        location, known = await self._known(evse_uid)
        must_have_last_updated(changes)
        whole = self.check(Evse, known.document | _with_connectors(known.document, changes))
        self._newer(whole["last_updated"], known.last_updated)
        await self._store(location, whole)
        return Changed((location.document["id"], whole["uid"]), whole)

    async def put_connector(self, evse_uid: str, connector_id: str, document: JsonObject) -> Changed:
        """Create or replace one connector. UnknownLocation, if its EVSE is new."""
        location, known = await self._known(evse_uid)
        connector = self.check(Connector, document)
        old = _connector(known.document, connector_id)
        if old is not None:
            self._newer(connector["last_updated"], parse_time(old["last_updated"]))
        await self._store_connector(location, known.document, connector)
        return Changed((location.document["id"], known.document["uid"], connector["id"]), connector, old is None)

    async def patch_connector(self, evse_uid: str, connector_id: str, changes: JsonObject) -> Changed:
        """Change fields of one connector."""
        location, known = await self._known(evse_uid)
        old = _connector(known.document, connector_id)
        if old is None:
            raise UnknownLocation(f"{self.ref}/{evse_uid}/{connector_id}")
        must_have_last_updated(changes)
        connector = self.check(Connector, old | changes)
        self._newer(connector["last_updated"], parse_time(old["last_updated"]))
        await self._store_connector(location, known.document, connector)
        return Changed((location.document["id"], known.document["uid"], connector["id"]), connector)

    async def _locked(self) -> LockedLocation:
        location = await repository.lock(self.tx, self.ref)
        if location is None:
            raise UnknownLocation(self.ref)
        return location

    async def _known(self, evse_uid: str) -> tuple[LockedLocation, repository.KnownEvse]:
        location = await self._locked()
        known = await repository.known_evse(self.tx, location, evse_uid)
        if known is None:
            raise UnknownLocation(f"{self.ref}/{evse_uid}")
        return location, known

    def _newer(self, told: str, known: datetime) -> datetime:
        """The time told, unless we know a newer state (AMB-28)."""
        at = parse_time(told)
        if self._is_older(at, known):
            raise InvalidObject("/last_updated", "is older than the state that we have")
        return at

    def _is_older(self, at: datetime, known: datetime) -> bool:
        """A state from the future is a wrong clock and blocks nothing."""
        return not self.any_age and at < known <= now() + CLOCK_AHEAD

    async def _store(self, location: LockedLocation, evse: JsonObject) -> None:
        row = _row(evse)
        moved_to = self.moved_to(location.last_updated, row.last_updated)
        await repository.store_evse(self.tx, location, row, moved_to, _stamp(evse["last_updated"], moved_to))

    async def _store_connector(self, location: LockedLocation, evse: JsonObject, connector: JsonObject) -> None:
        """A connector's change is a change of its EVSE and of its Location."""
        others = list(evse["connectors"])
        place = next((i for i, c in enumerate(others) if fold(c["id"]) == fold(connector["id"])), len(others))
        connectors = [*others[:place], connector, *others[place + 1 :]]
        at, known = parse_time(connector["last_updated"]), parse_time(evse["last_updated"])
        stamp = connector["last_updated"] if at >= known else _stamp(evse["last_updated"], self.moved_to(known, at))
        await self._store(location, evse | {"connectors": connectors, "last_updated": stamp})


@dataclass(frozen=True, slots=True)
class TakenApart:
    """A whole Location as it is stored.

    head   without evses and last_updated
    at     when it or one of its EVSEs changed last; stamp is how the wire spells that
    """

    head: bytes
    at: datetime
    stamp: str
    evses: list[EvseRow]


def taken_apart(whole: JsonObject) -> TakenApart:
    """Raises InvalidObject, if two of its EVSEs have the same uid, or two connectors of one the same id"""
    for number, evse in enumerate(whole.get("evses") or ()):
        _must_tell_connectors_apart(evse, f"/evses/{number}")
    evses = [_row(evse) for evse in whole.get("evses") or ()]
    if len({evse.key for evse in evses}) < len(evses):
        raise InvalidObject("/evses", "has the same uid twice")
    head = {name: value for name, value in whole.items() if name not in ("evses", "last_updated")}
    at = max([parse_time(whole["last_updated"]), *(evse.last_updated for evse in evses)])
    return TakenApart(encode(head), at, _stamp(whole["last_updated"], at), evses)


def _must_tell_connectors_apart(evse: JsonObject, where: str = "") -> None:
    """A connector's id is unique within its EVSE: the second one with it could never be named."""
    connectors = evse["connectors"]
    if len({fold(connector["id"]) for connector in connectors}) < len(connectors):
        raise InvalidObject(f"{where}/connectors", "has the same id twice")


def _row(evse: JsonObject) -> EvseRow:
    return EvseRow(fold(evse["uid"]), parse_time(evse["last_updated"]), encode(evse))


def _stamp(told: str, at: datetime) -> str:
    return told if parse_time(told) == at else wire_time(at)


def _connector(evse: JsonObject, connector_id: str) -> JsonObject | None:
    return next((c for c in evse["connectors"] if fold(c["id"]) == fold(connector_id)), None)


def _with_connectors(evse: JsonObject, changes: JsonObject) -> JsonObject:
    """The changes with all connectors in them: those given are merged by id into those we know (AMB-26).

    One that changes without saying when, changed with its EVSE.
    """
    given = changes.get("connectors")
    if not isinstance(given, list):
        return changes
    known: list[JsonObject] = list(evse.get("connectors") or ())
    for change in given:
        if not isinstance(change, dict) or not isinstance(change.get("id"), str):
            raise InvalidObject("/connectors", "each needs an id")
        place = next((i for i, c in enumerate(known) if fold(c["id"]) == fold(change["id"])), len(known))
        before = known[place] if place < len(known) else {}
        when = {"last_updated": changes["last_updated"]} if before | change != before else {}
        known[place : place + 1] = [before | when | change]
    return changes | {"connectors": known}
