"""A partner changes its own object. OCPI 2.2.1, Client owned objects."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Table

from ocpi_party.database import WriteTx
from ocpi_party.dialects.dialect import Dialect, Finding, Reading
from ocpi_party.events import repository as events
from ocpi_party.events.repository import EventType
from ocpi_party.ocpi.errors import InvalidObject, UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import House, JsonObject, PartyId, document_of, encode, fold, now, parse_time
from ocpi_party.owned import repository
from ocpi_party.owned.names import spelt
from ocpi_party.owned.table import Ref
from ocpi_party.partners.audience import EVERYBODY
from ocpi_party.partners.findings import note

CLOCK_AHEAD = timedelta(minutes=5)
"""What is said to have changed further in the future than this comes from a wrong clock, and blocks nothing (AMB-28)."""

_AHEAD = Finding("/last_updated", "lies in the future: it comes from a clock that is ahead")

Merge = Callable[[JsonObject, JsonObject], JsonObject]
"""(what we have, what changed) → the whole object afterwards"""


def is_ahead(last_updated: str) -> bool:
    return parse_time(last_updated) > now() + CLOCK_AHEAD


def clock_ahead(document: JsonObject) -> tuple[Finding, ...]:
    """A Finding, if the clock of whoever changed it is wrong."""
    return (_AHEAD,) if is_ahead(document["last_updated"]) else ()


def replaced(known: JsonObject, changes: JsonObject) -> JsonObject:
    """Each given field takes the place of the one we have; arrays and sub-objects as a whole (AMB-26)."""
    return known | changes


def must_match(document: JsonObject, **from_url: str) -> None:
    """Raise InvalidObject if an identifier in the body is not the one in the URL (AMB-14); compared as CiStrings."""
    for name, value in from_url.items():
        if fold(str(document.get(name, value))) != fold(value):
            raise InvalidObject(f"/{name}", f"is {document[name]!s}, but the URL says {value}")


def must_have_last_updated(changes: JsonObject) -> None:
    """Raise InvalidObject for a PATCH that does not say when (2001, Status codes)."""
    if "last_updated" not in changes:
        raise InvalidObject("/last_updated", "is required in a PATCH")


async def put(
    tx: WriteTx,
    table: Table,
    module: ModuleId,
    ref: Ref,
    reading: Reading,
    *,
    audience: str = EVERYBODY,
    any_age: bool = False,
) -> repository.Put:
    """Store what the partner sent, and where it deviates from the specification.

    Raises  InvalidObject if we have a newer state: pushes may overtake each other
    """
    at = parse_time(reading.document["last_updated"])
    done = await repository.put(tx, table, ref, encode(reading.document), at, audience=audience, any_age=any_age)
    if done is None:
        raise InvalidObject("/last_updated", "is older than the state that we have")
    shown = spelt(module, ref, reading.document)
    await tell(tx, module, shown, new=done.created)
    if reading.findings:
        await note(tx, ref.partner_id, module, str(shown), reading.findings)
    return done


async def delete(tx: WriteTx, table: Table, module: ModuleId, ref: Ref) -> None:
    """Take the partner's object away; a list that is fetched at this moment does not bring it back. Raises UnknownObject"""
    known = await repository.lock(tx, table, ref)
    if known is None:
        raise UnknownObject(ref)
    await repository.hide(tx, table, ref)
    await tell(tx, module, spelt(module, ref, document_of(known.document)), kind=EventType.OBJECT_REMOVED)


async def tell(
    tx: WriteTx, module: ModuleId, ref: Ref, *part: str, new: bool = False, kind: EventType | None = None
) -> None:
    """The operator's systems hear that a partner's object came or changed.

    ref   as it is shown
    part  EVSE and connector within a Location, likewise
    kind  what else happened to it
    """
    kind = kind or (EventType.OBJECT_RECEIVED if new else EventType.OBJECT_CHANGED)
    subject, data = _news(module, ref, *part)
    await events.tell(tx, kind, subject, data, partner_id=ref.partner_id)


async def tell_many(tx: WriteTx, module: ModuleId, changed: Sequence[tuple[Ref, bool]]) -> None:
    """The same for many objects of one partner. changed  (object as it is shown, whether it is new)"""
    for kind, new in ((EventType.OBJECT_RECEIVED, True), (EventType.OBJECT_CHANGED, False)):
        about = [_news(module, ref) for ref, created in changed if created is new]
        if about:
            await events.tell_many(tx, kind, about, partner_id=changed[0][0].partner_id)


def _news(module: ModuleId, ref: Ref, *part: str) -> tuple[str, JsonObject]:
    owner = PartyId.parse(ref.owner)
    data = {
        "module": module,
        "country_code": owner.country_code,
        "party_id": owner.party_id,
        **_named(module, ref.key),
        "for": ref.addressee,
        "part": list(part),
    }
    return "/".join([module, str(ref), *part]), data


def _named(module: ModuleId, key: str) -> dict[str, str]:
    """The object as the operator's API names it: the key of a token is its uid and its type."""
    if module is not ModuleId.TOKENS:
        return {"id": key}
    uid, _, token_type = key.rpartition(" ")
    return {"id": uid, "type": token_type}


async def patch(
    tx: WriteTx,
    table: Table,
    module: ModuleId,
    ref: Ref,
    kind: type[House],
    spoken: Dialect,
    changes: JsonObject,
    *,
    merge: Merge = replaced,
    unknown: type[UnknownObject] = UnknownObject,
    any_age: bool = False,
) -> JsonObject:
    """Change what we have of the partner's object and tell the whole of it; other fields stay as they are.

    changes  in the house form, without nulls
    Raises   UnknownObject if there is nothing to change; InvalidObject if the whole is not valid afterwards, or is newer already
    """
    known = await repository.lock(tx, table, ref)
    if known is None:
        raise unknown(ref)
    must_have_last_updated(changes)
    reading = spoken.read(kind, merge(document_of(known.document), changes))
    reading = replace(reading, findings=(*reading.findings, *clock_ahead(reading.document)))
    await put(tx, table, module, ref, reading, audience=known.audience, any_age=any_age)
    return reading.document
