"""We issue CDRs of our own: each once, never changed, taken back by a Credit CDR. OCPI 2.2.1, CDRs, "Credit CDRs"."""

from dataclasses import dataclass
from datetime import timedelta

from ocpi_party.database import WriteTx
from ocpi_party.dialects.dialect import read_published
from ocpi_party.modules.cdrs import repository
from ocpi_party.modules.cdrs.receiving import payer
from ocpi_party.modules.cdrs.table import CDRS
from ocpi_party.modules.charge import Charge
from ocpi_party.modules.referring import reference_given
from ocpi_party.modules.sessions.table import SESSIONS
from ocpi_party.ocpi.cdr import Cdr, CdrDimensionType
from ocpi_party.ocpi.errors import InvalidObject, Refusal, UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject, document_of, encode, fold, now, parse_time
from ocpi_party.outbox import marking
from ocpi_party.owned import repository as owned
from ocpi_party.owned.publish import ahead, dated, must_be, our_ref, same_content
from ocpi_party.owned.table import Ref
from ocpi_party.partners.secrets import Vault
from ocpi_party.pricing.credit import NotCreditable, negated, takes_back_unsaid
from ocpi_party.pricing.credit import credit as credit_of

FOR_SESSIONS_ONLY = frozenset(
    {
        CdrDimensionType.CURRENT,
        CdrDimensionType.ENERGY_EXPORT,
        CdrDimensionType.ENERGY_IMPORT,
        CdrDimensionType.POWER,
        CdrDimensionType.STATE_OF_CHARGE,
    }
)
"""OCPI 2.2.1, CDRs, "CdrDimensionType": the column Session Only."""


_LATE = timedelta(minutes=5)
"""So much older than the moment in which it is issued a CDR may be by its queue and its clock."""


class AlreadyIssued(Refusal):
    """There is another CDR with this id, and CDRs do not change."""


class AlreadyCredited(Refusal):
    """A CDR can be taken back once."""


@dataclass(frozen=True, slots=True)
class Issued:
    """document  as it is stored; created  it is new"""

    document: JsonObject
    created: bool


async def issue(tx: WriteTx, vault: Vault, ref: Ref, body: JsonObject) -> Issued:
    """Store a CDR of ours, and have it sent to the owner of its token alone. last_updated may be left out: now.

    Raises  InvalidObject; AlreadyIssued; AlreadyCredited; NotCreditable
    """
    document = read_published(Cdr, dated(body))
    document = await _as_the_session_says(tx, vault, ref, document)
    _no_session_only_dimensions(document)
    _ends_after_its_start(document)
    known = await repository.by_id(tx, ref.partner_id, ref.owner, ref.key)
    if known is None and document.get("credit"):
        original = await _creditable(tx, our_ref(ref.owner, document["credit_reference_id"]), "/credit_reference_id")
        _takes_back(original, document)
    audience = str(payer(document))
    if await repository.add(tx, ref, document, audience=audience):
        await marking.mark(tx, ModuleId.CDRS, str(ref), owner=ref.owner, audience=audience)
        return Issued(document, created=True)
    known = await repository.by_id(tx, ref.partner_id, ref.owner, ref.key)
    assert known is not None  # CDRs are kept for a year at least.
    before = document_of(known.document)
    if not same_content(before, document):
        raise AlreadyIssued(f"CDR {before['id']} was issued with another content, and cannot be changed: credit it")
    return Issued(before, created=False)


def warnings(done: Issued) -> list[str]:
    """What is as OCPI has it, and may still keep a partner from getting the CDR, or from taking it as it is meant."""
    if not done.created:
        return []
    found = ahead(done.document)
    if parse_time(done.document["last_updated"]) < now() - _LATE:
        found.append(
            "last_updated lies in the past: partners that fetch what is newer than their last visit may not find this CDR"
        )
    if takes_back_unsaid(done.document):
        found.append("total_cost is negative, but this is no Credit CDR: nobody can tell which CDR it takes back")
    return found


async def _as_the_session_says(tx: WriteTx, vault: Vault, ref: Ref, cdr: JsonObject) -> JsonObject:
    """The CDR with the authorization_reference that the eMSP gave last, as the Session has it, if it does (CDR-R-18)."""
    session_id = cdr.get("session_id")
    stored = await owned.get(tx, SESSIONS, our_ref(ref.owner, session_id)) if session_id else None
    given = document_of(stored.document).get("authorization_reference") if stored else None
    if given is not None and cdr.get("authorization_reference", given) != given:
        raise InvalidObject("/authorization_reference", f"is not {given}, which the eMSP gave last for this session")
    if given is None and "authorization_reference" not in cdr and not cdr.get("credit"):
        given = await _known_otherwise(tx, vault, ref, cdr)
    return cdr if given is None else cdr | {"authorization_reference": given}


async def _known_otherwise(tx: WriteTx, vault: Vault, ref: Ref, cdr: JsonObject) -> str | None:
    issued = await repository.by_id(tx, ref.partner_id, ref.owner, ref.key)
    if issued is not None:
        reference: str | None = document_of(issued.document).get("authorization_reference")
        return reference
    place = cdr["cdr_location"]
    charge = Charge(
        ref.owner, cdr.get("session_id") or "", cdr["cdr_token"], cdr["auth_method"],
        place["id"], place["evse_uid"], parse_time(cdr["start_date_time"]),
    )  # fmt: skip
    return await reference_given(tx, vault, charge)


def _no_session_only_dimensions(cdr: JsonObject) -> None:
    for number, period in enumerate(cdr["charging_periods"]):
        for place, dimension in enumerate(period["dimensions"]):
            if dimension["type"] in FOR_SESSIONS_ONLY:
                pointer = f"/charging_periods/{number}/dimensions/{place}/type"
                raise InvalidObject(pointer, f"{dimension['type']} is for Sessions only")


def _ends_after_its_start(cdr: JsonObject) -> None:
    if parse_time(cdr["end_date_time"]) < parse_time(cdr["start_date_time"]):
        raise InvalidObject("/end_date_time", f"lies before start_date_time, {cdr['start_date_time']}")


async def credit(
    tx: WriteTx, vault: Vault, ref: Ref, credit_id: str | None, replacement: JsonObject | None
) -> list[JsonObject]:
    """Take a CDR of ours back, and issue the corrected one in its place: both or none of them.

    credit_id  by default the id of the original with -C behind it
    Returns    the Credit CDR, and the corrected one if there is one
    Raises     UnknownObject; NotCreditable; AlreadyCredited; AlreadyIssued; InvalidObject
    """
    original = await _creditable(tx, ref)
    issued = [await _issue_new(tx, vault, ref, credit_of(original, credit_id or f"{original['id']}-C", now()))]
    if replacement is not None:
        if replacement.get("credit"):
            raise InvalidObject("/replacement/credit", "must be left out: the corrected CDR is an ordinary one")
        owner = {name: original[name] for name in ("country_code", "party_id")}
        issued.append(await _issue_new(tx, vault, ref, must_be(replacement, **owner)))
    return issued


def _takes_back(original: JsonObject, credit_cdr: JsonObject) -> None:
    """It takes all of it back, from who was to pay it: OCPI knows no other Credit CDR. Raises InvalidObject"""
    if fold(credit_cdr["currency"]) != fold(original["currency"]):
        raise InvalidObject("/currency", f"must be {original['currency']}, as in the CDR that it credits")
    if payer(credit_cdr) != payer(original):
        raise InvalidObject("/cdr_token", f"must be one of {payer(original)}, as in the CDR that it credits")
    if credit_cdr["total_cost"] != (taken_back := negated(original["total_cost"])):
        raise InvalidObject("/total_cost", f"must be {encode(taken_back).decode()}, all of the CDR that it credits")


async def _issue_new(tx: WriteTx, vault: Vault, ref: Ref, body: JsonObject) -> JsonObject:
    done = await issue(tx, vault, our_ref(ref.owner, str(body.get("id"))), body)
    if not done.created:
        raise AlreadyIssued(f"there is a CDR {done.document['id']} already: this one needs an id of its own")
    return done.document


async def _creditable(tx: WriteTx, ref: Ref, pointer: str | None = None) -> JsonObject:
    """The CDR, nobody else crediting it until the transaction ends.

    pointer  where it is named; None for the URL
    Raises   UnknownObject, or InvalidObject for a pointer; NotCreditable; AlreadyCredited
    """
    known = await owned.lock(tx, CDRS, ref)
    if known is None:
        raise UnknownObject(ref) if pointer is None else InvalidObject(pointer, "names no CDR of ours")
    original = document_of(known.document)
    if original.get("credit"):
        raise NotCreditable(f"CDR {original['id']} is a Credit CDR")
    for one in await repository.family(tx, ref.partner_id, ref.owner, original):
        if one.get("credit") and fold(one["credit_reference_id"]) == ref.key:
            raise AlreadyCredited(f"CDR {original['id']} was credited by {one['id']} already")
    return original
