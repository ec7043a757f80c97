"""We change our own Locations, EVSEs and connectors: times travel up, and partners are marked in the same transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ocpi_party.database import WriteTx
from ocpi_party.dialects.dialect import read_published
from ocpi_party.dialects.spelling import in_our_spelling
from ocpi_party.modules.locations import repository
from ocpi_party.modules.locations.changes import Changing
from ocpi_party.modules.locations.push import join_ref
from ocpi_party.modules.locations.repository import LockedLocation
from ocpi_party.modules.locations.table import LOCATIONS
from ocpi_party.ocpi.connector import Connector
from ocpi_party.ocpi.errors import InvalidObject, UnknownLocation
from ocpi_party.ocpi.evse import Evse
from ocpi_party.ocpi.location import Location
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import House, JsonObject, fold, parse_time, wire_time
from ocpi_party.outbox import marking
from ocpi_party.owned.publish import as_patch, moment, same_content
from ocpi_party.owned.repository import hold_place
from ocpi_party.owned.table import Ref
from ocpi_party.partners.audience import EVERYBODY


@dataclass(frozen=True, slots=True)
class PublishedLocation:
    """changed  partners are told; created  201"""

    created: bool
    changed: bool


_UNCHANGED = PublishedLocation(created=False, changed=False)


@dataclass(frozen=True, slots=True)
class Publishing:
    """Changes one Location of ours. ref  names it"""

    tx: WriteTx
    ref: Ref

    @property
    def _changing(self) -> Changing:
        return Changing(self.tx, self.ref, read_published, any_age=True, moved_to=_moved_to)

    async def put_location(self, body: JsonObject, audience: str | None) -> PublishedLocation:
        """Store the whole Location; parts that did not change keep their times (AMB-29).

        audience  None leaves it as it was, for a new Location EVERYBODY
        """
        body = in_our_spelling(Location, body)
        location = await repository.lock(self.tx, self.ref)
        if location is None:
            await hold_place(self.tx, LOCATIONS, self.ref)
            location = await repository.lock(self.tx, self.ref)
        known = [evse.document for evse in await repository.known_evses(self.tx, location)] if location else []
        at = moment(body.get("last_updated"), location.last_updated if location else None)
        whole = _timed(body, {"evses": known}, "evses", "uid", at)
        seen_by = audience if audience is not None else location.audience if location else EVERYBODY
        if location and seen_by == location.audience and _is_known(whole, location, known):
            return _UNCHANGED
        done = await self._changing.put_location(whole | {"last_updated": wire_time(at)}, audience=seen_by)
        await self._mark(seen_by)
        return PublishedLocation(done.created, changed=True)

    async def patch_location(self, changes: JsonObject) -> PublishedLocation:
        location = await self._locked()
        at = moment(changes.get("last_updated"), location.last_updated)
        told = changes | {"last_updated": wire_time(at)}
        if "evses" not in changes and _changes_nothing(Location, location.document, changes):
            return _UNCHANGED
        # EVSEs are told with their own pushes or with the whole, never inside a PATCH (AMB-26): here they are not among what
        # stands then.
        then = await self._changing.patch_location(dict(told))
        await self._mark(location.audience, patch=as_patch(told, then.document))
        return PublishedLocation(created=False, changed=True)

    async def remove_location(self) -> PublishedLocation:
        """All EVSEs become REMOVED: that is how OCPI takes a Location away."""
        location = await self._locked()
        known = await repository.known_evses(self.tx, location)
        if not any(evse.document["status"] != "REMOVED" for evse in known):
            return _UNCHANGED
        at = wire_time(moment(None, location.last_updated))
        for evse in known:
            if evse.document["status"] != "REMOVED":
                await self._changing.patch_evse(evse.document["uid"], {"status": "REMOVED", "last_updated": at})
        await self._mark(location.audience)
        return PublishedLocation(created=False, changed=True)

    async def put_evse(self, evse_uid: str, body: JsonObject) -> PublishedLocation:
        body = in_our_spelling(Evse, body)
        location = await self._locked()
        known = await repository.known_evse(self.tx, location, evse_uid)
        at = moment(body.get("last_updated"), known.last_updated if known else None)
        evse = _timed(body, known.document if known else {}, "connectors", "id", at) | {"last_updated": wire_time(at)}
        if known and same_content(known.document, evse):
            return _UNCHANGED
        done = await self._changing.put_evse(evse_uid, evse)
        await self._mark(location.audience, evse_uid)
        return PublishedLocation(done.created, changed=True)

    async def patch_evse(self, evse_uid: str, changes: JsonObject) -> PublishedLocation:
        location = await self._locked()
        known = await repository.known_evse(self.tx, location, evse_uid)
        if known is None:
            raise UnknownLocation(f"{self.ref}/{evse_uid}")
        told = changes | {"last_updated": wire_time(moment(changes.get("last_updated"), known.last_updated))}
        if "connectors" not in changes and _changes_nothing(Evse, known.document, changes):
            return _UNCHANGED
        then = await self._changing.patch_evse(evse_uid, told)
        patch = None if "connectors" in changes else as_patch(told, then.document)
        await self._mark(location.audience, evse_uid, patch=patch)
        return PublishedLocation(created=False, changed=True)

    async def put_connector(self, evse_uid: str, connector_id: str, body: JsonObject) -> PublishedLocation:
        location, _, known = await self._connector(evse_uid, connector_id)
        connector = in_our_spelling(Connector, body) | {
            "last_updated": wire_time(moment(body.get("last_updated"), _last_updated(known)))
        }
        if known and same_content(known, connector):
            return _UNCHANGED
        done = await self._changing.put_connector(evse_uid, connector_id, connector)
        await self._mark(location.audience, evse_uid, connector_id)
        return PublishedLocation(done.created, changed=True)

    async def patch_connector(self, evse_uid: str, connector_id: str, changes: JsonObject) -> PublishedLocation:
        location, _, known = await self._connector(evse_uid, connector_id)
        if known is None:
            raise UnknownLocation(f"{self.ref}/{evse_uid}/{connector_id}")
        told = changes | {"last_updated": wire_time(moment(changes.get("last_updated"), _last_updated(known)))}
        if _changes_nothing(Connector, known, changes):
            return _UNCHANGED
        then = await self._changing.patch_connector(evse_uid, connector_id, told)
        await self._mark(location.audience, evse_uid, connector_id, patch=as_patch(told, then.document))
        return PublishedLocation(created=False, changed=True)

    async def remove_connector(self, evse_uid: str, connector_id: str) -> PublishedLocation:
        """Raises InvalidObject for the last connector of an EVSE"""
        _, evse, known = await self._connector(evse_uid, connector_id)
        if known is None:
            raise UnknownLocation(f"{self.ref}/{evse_uid}/{connector_id}")
        others = [one for one in evse.document["connectors"] if fold(one["id"]) != fold(connector_id)]
        if not others:
            raise InvalidObject("/connectors", "must keep one: set the EVSE to REMOVED instead")
        without = {k: v for k, v in evse.document.items() if k != "last_updated"} | {"connectors": others}
        return await self.put_evse(evse_uid, without)

    async def _locked(self) -> LockedLocation:
        location = await repository.lock(self.tx, self.ref)
        if location is None:
            raise UnknownLocation(self.ref)
        return location

    async def _connector(
        self, evse_uid: str, connector_id: str
    ) -> tuple[LockedLocation, repository.KnownEvse, JsonObject | None]:
        location = await self._locked()
        evse = await repository.known_evse(self.tx, location, evse_uid)
        if evse is None:
            raise UnknownLocation(f"{self.ref}/{evse_uid}")
        found = (one for one in evse.document["connectors"] if fold(one["id"]) == fold(connector_id))
        return location, evse, next(found, None)

    async def _mark(self, audience: str, *part: str, patch: JsonObject | None = None) -> None:
        ref = join_ref(self.ref.owner, self.ref.key, *part)
        await marking.mark(self.tx, ModuleId.LOCATIONS, ref, owner=self.ref.owner, audience=audience, patch=patch)


def _moved_to(known: datetime, at: datetime) -> datetime:
    """last_updated of what has a part that changed: always a later one, for by it partners find what changed since they asked.

    at  of the part: a report that comes late, behind another of the same Location, is older than what partners have seen already
    """
    return at if at > known else max(known, moment(None, known))


def _changes_nothing(kind: type[House], known: JsonObject, changes: JsonObject) -> bool:
    return same_content(known, in_our_spelling(kind, known | changes))


def _last_updated(document: JsonObject | None) -> datetime | None:
    return parse_time(document["last_updated"]) if document else None


def _timed(body: JsonObject, known: JsonObject, children: str, key: str, at: datetime) -> JsonObject:
    """The body with a last_updated on each child that lacks one: its old one if it did not change, else the new one."""
    given = body.get(children)
    if not isinstance(given, list):
        return body
    before = {fold(str(child[key])): child for child in known.get(children) or ()}
    return body | {children: [_child_timed(child, before, key, at) for child in given]}


def _child_timed(child: Any, before: Mapping[str, JsonObject], key: str, at: datetime) -> Any:
    if not isinstance(child, dict):
        return child  # The check of the whole says what is wrong with it.
    known = before.get(fold(str(child.get(key))))
    child = _timed(child, known or {}, "connectors", "id", at)
    if child.get("last_updated") is not None:
        return child
    kept = known is not None and same_content(known, child)
    return child | {"last_updated": known["last_updated"] if known is not None and kept else wire_time(at)}


def _is_known(whole: JsonObject, location: LockedLocation, evses: list[JsonObject]) -> bool:
    given = {k: v for k, v in whole.items() if k != "evses"}
    return same_content(given, location.document) and (whole.get("evses") or []) == evses
