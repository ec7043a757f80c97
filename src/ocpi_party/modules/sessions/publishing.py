"""We change our own sessions; only the eMSP of the driver hears of it. OCPI 2.2.1, Sessions, "Push model"."""

from datetime import datetime

from ocpi_party.database import WriteTx
from ocpi_party.dialects.dialect import read_published
from ocpi_party.modules.charge import Charge
from ocpi_party.modules.referring import reference_given
from ocpi_party.modules.sessions.charging_periods import with_new_periods
from ocpi_party.modules.sessions.push import news
from ocpi_party.modules.sessions.status import ends_before_its_start, must_not_reopen, starts_charging
from ocpi_party.modules.sessions.table import SESSIONS
from ocpi_party.ocpi.errors import InvalidObject, UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.session import Session
from ocpi_party.ocpi.types import JsonObject, PartyId, document_of, encode, parse_time, wire_time
from ocpi_party.outbox import marking
from ocpi_party.owned import repository
from ocpi_party.owned.publish import Published, moment, same_content
from ocpi_party.owned.table import Ref
from ocpi_party.partners.secrets import Vault


async def put_session(tx: WriteTx, vault: Vault, ref: Ref, body: JsonObject) -> Published:
    """Store a session of ours, new or in place of the one we have.

    last_updated may be left out: now; authorization_reference too, where we know it.

    Raises InvalidObject; OlderThanKnown
    """
    known, before = await _locked(tx, ref)
    at = moment(body.get("last_updated"), known)
    document = read_published(Session, body | {"last_updated": wire_time(at)})
    return await _store(tx, ref, before, await _referring(tx, vault, ref, before, document), at)


async def patch_session(tx: WriteTx, vault: Vault, ref: Ref, changes: JsonObject) -> Published:
    """Change fields of a session of ours, and add charging periods to it.

    When it becomes ACTIVE, start_date_time becomes that moment, unless another is told (SES-R-12).
    Raises UnknownObject; InvalidObject; OlderThanKnown
    """
    known, before = await _locked(tx, ref)
    if before is None:
        raise UnknownObject(ref)
    at = moment(changes.get("last_updated"), known)
    started = {"start_date_time": wire_time(at)} if starts_charging(before, changes) else {}
    document = read_published(Session, with_new_periods(before, started | changes | {"last_updated": wire_time(at)}))
    if "authorization_reference" not in changes:
        document = await _referring(tx, vault, ref, before, document)
    return await _store(tx, ref, before, document, at)


async def _locked(tx: WriteTx, ref: Ref) -> tuple[datetime | None, JsonObject | None]:
    known = await repository.lock_or_hold(tx, SESSIONS, ref)
    if known is None:
        return None, None
    return known.last_updated, document_of(known.document)


async def _referring(tx: WriteTx, vault: Vault, ref: Ref, before: JsonObject | None, session: JsonObject) -> JsonObject:
    """The session with the authorization_reference that we know already, or that its eMSP gave (SES-R-15)."""
    if "authorization_reference" in session:
        return session
    given = before.get("authorization_reference") if before else None
    if given is None:
        given = await reference_given(tx, vault, _charge(ref, session))
    return session if given is None else session | {"authorization_reference": given}


def _charge(ref: Ref, session: JsonObject) -> Charge:
    return Charge(
        ref.owner, ref.key, session["cdr_token"], session["auth_method"],
        session["location_id"], session["evse_uid"], parse_time(session["start_date_time"]),
    )  # fmt: skip


async def _store(tx: WriteTx, ref: Ref, before: JsonObject | None, document: JsonObject, at: datetime) -> Published:
    audience = emsp_of(document)
    if ends_before_its_start(document):
        raise InvalidObject("/end_date_time", f"lies before start_date_time, {document['start_date_time']}")
    if before is not None:
        must_not_reopen(before, document)
        if emsp_of(before) != audience:
            # What waits to be told would otherwise show the session of one eMSP to another.
            raise InvalidObject("/cdr_token", f"must stay one of {emsp_of(before)}: a session has one driver")
        if same_content(before, document):
            return Published(before, created=False, changed=False)
    done = await repository.put(tx, SESSIONS, ref, encode(document), at, audience=audience, any_age=True)
    assert done is not None  # any age is stored
    patch = None if before is None else news(before, document)
    await marking.mark(tx, ModuleId.SESSIONS, str(ref), owner=ref.owner, audience=audience, patch=patch)
    return Published(document, created=done.created, changed=True)


def emsp_of(session: JsonObject) -> str:
    """The one party that may see the session: whose token it is."""
    token = session["cdr_token"]
    return str(PartyId(token["country_code"], token["party_id"]).folded())
