"""We change our own object, and mark in the same transaction who does not know it yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table

from ocpi_party.database import WriteTx
from ocpi_party.dialects.dialect import read_published
from ocpi_party.ocpi.errors import InvalidObject, Refusal, UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import House, JsonObject, document_of, encode, now, parse_time, wire_time
from ocpi_party.outbox import marking
from ocpi_party.owned import repository
from ocpi_party.owned.receive import CLOCK_AHEAD, Merge, is_ahead, replaced
from ocpi_party.owned.table import Ref
from ocpi_party.partners.audience import EVERYBODY, OURS

_TICK = timedelta(milliseconds=1)


class OlderThanKnown(Refusal):
    """The state that is reported is older than the one we have; nothing was changed."""


def our_ref(owner: str, key: str) -> Ref:
    """Names an object of ours. key  its id, in any case"""
    return Ref(OURS, "", owner, key.upper())


def moment(given: object, known: datetime | None) -> datetime:
    """When our object changed: what is told, else now; later than what partners may know already, unless that was a wrong clock.

    Raises InvalidObject, if what is told is no moment; OlderThanKnown, if it is an older one
    """
    at = now() if given is None else _told(given)
    if known is None or at > known or known > now() + CLOCK_AHEAD:
        return at
    if given is not None and at < known:
        raise OlderThanKnown(f"last_updated {given} is older than the state of {wire_time(known)} that we have")
    return known + _TICK


def _told(last_updated: object) -> datetime:
    if not isinstance(last_updated, str):
        raise InvalidObject("/last_updated", "must be a moment in UTC, such as 2015-06-29T20:39:09Z")
    try:
        return parse_time(last_updated)
    except InvalidObject as fault:
        raise InvalidObject("/last_updated", fault.rule) from None


def same_content(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether nothing but last_updated differs: then nobody needs to be told (AMB-29)."""
    return {k: v for k, v in one.items() if k != "last_updated"} == {
        k: v for k, v in other.items() if k != "last_updated"
    }


def as_patch(changes: Mapping[str, Any], then: JsonObject) -> JsonObject | None:
    """The PATCH that tells a change, as the object stands then.

    None, if a field was taken away: PATCH cannot tell that (OWN-12).
    """
    return {name: then[name] for name in changes} if changes.keys() <= then.keys() else None


@dataclass(frozen=True, slots=True)
class Published:
    """document  as it stands now; created  it is new; changed  partners are told"""

    document: JsonObject
    created: bool
    changed: bool


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes the objects of one module."""

    module: ModuleId
    table: Table
    kind: type[House]

    async def put(self, tx: WriteTx, ref: Ref, body: JsonObject, *, audience: str | None = None) -> Published:
        """Store an object of ours, new or in place of the one we have. last_updated may be left out: now.

        audience  None leaves it as it was, for a new object EVERYBODY
        Raises    InvalidObject; OlderThanKnown
        """
        known = await repository.lock_or_hold(tx, self.table, ref)
        if audience is None:
            audience = known.audience if known else EVERYBODY
        at = moment(body.get("last_updated"), known.last_updated if known else None)
        if known is None:
            at = _behind(await repository.hidden_at(tx, self.table, ref), at)
        document = read_published(self.kind, body | {"last_updated": wire_time(at)})
        if known is not None and known.audience == audience:
            before = document_of(known.document)
            if same_content(before, document):
                return Published(before, created=False, changed=False)
        done = await repository.put(tx, self.table, ref, encode(document), at, audience=audience, any_age=True)
        assert done is not None  # any age is stored
        if known is not None and known.audience != audience:
            await self._mark(tx, ref, known.audience, None)  # Whoever may not see it any more has to hear of that too.
        await self._mark(tx, ref, audience, None)
        return Published(document, created=known is None, changed=True)

    async def patch(self, tx: WriteTx, ref: Ref, changes: JsonObject, *, merge: Merge = replaced) -> Published:
        """Change fields of an object of ours. Raises UnknownObject; InvalidObject; OlderThanKnown"""
        known = await repository.lock(tx, self.table, ref)
        if known is None:
            raise UnknownObject(ref)
        before = document_of(known.document)
        at = moment(changes.get("last_updated"), known.last_updated)
        told = changes | {"last_updated": wire_time(at)}
        document = read_published(self.kind, merge(before, told))
        if same_content(before, document):
            return Published(before, created=False, changed=False)
        await repository.put(tx, self.table, ref, encode(document), at, audience=known.audience, any_age=True)
        await self._mark(tx, ref, known.audience, as_patch(told, document))
        return Published(document, created=False, changed=True)

    async def delete(self, tx: WriteTx, ref: Ref) -> None:
        """Take an object of ours away; partners hear of it after everything else. Raises UnknownObject"""
        known = await repository.lock(tx, self.table, ref)
        if known is None:
            raise UnknownObject(ref)
        await repository.hide(tx, self.table, ref)
        await marking.mark(tx, self.module, str(ref), owner=ref.owner, audience=known.audience, rank=marking.LAST)

    async def _mark(self, tx: WriteTx, ref: Ref, audience: str, patch: JsonObject | None) -> None:
        await marking.mark(tx, self.module, str(ref), owner=ref.owner, audience=audience, patch=patch)


def _behind(hidden: datetime | None, at: datetime) -> datetime:
    """When an object is there again: later than its state before it was taken away, which a partner may have missed."""
    return at if hidden is None or at > hidden else hidden + _TICK


def must_be(document: JsonObject, **from_url: str) -> JsonObject:
    """The body, with the identifiers of the URL where it leaves them out. Raises InvalidObject, where it has others"""
    told = {name: value for name, value in document.items() if value is not None or name not in from_url}
    return _named(from_url) | must_name(told, **from_url)


def must_name(changes: JsonObject, **from_url: str) -> JsonObject:
    """The fields of a PATCH. Raises InvalidObject, where identifiers among them are not those of the URL"""
    for name, value in from_url.items():
        if str(changes.get(name, value)).upper() != value.upper():
            raise InvalidObject(f"/{name}", f"is {changes[name]!s}, but the URL says {value}")
    return changes | _named({name: changes[name] for name in from_url.keys() & changes.keys()})


def _named(identifiers: Mapping[str, Any]) -> JsonObject:
    """Our parties are named as in our credentials, in capitals; ids as whoever wrote them last."""
    owner = {name: str(identifiers[name]).upper() for name in ("country_code", "party_id") if name in identifiers}
    return {**identifiers, **owner}


def ahead(told: JsonObject) -> list[str]:
    """A warning, if what the operator told comes from a wrong clock: it is taken, but partners hold to it."""
    last_updated = told.get("last_updated")
    if last_updated is None or not is_ahead(last_updated):
        return []
    return ["last_updated lies in the future: what changes until then, partners may take for older and refuse"]


def dated(document: JsonObject) -> JsonObject:
    """The body, with a last_updated where it leaves that out: now."""
    return document if document.get("last_updated") is not None else document | {"last_updated": wire_time(now())}
