"""As CPO: a driver wants to charge. Look up the token, decide by the table, ask its eMSP where that says so.

OCPI 2.2.1, Tokens, "Real-time authorization". No transaction is open while partners answer.
"""

import asyncio
import json
import uuid
from dataclasses import dataclass
from datetime import timedelta

from ocpi_party.database import ReadTx, Row, Statement
from ocpi_party.modules.tokens import journal
from ocpi_party.modules.tokens.asking import Asking, Reply, Whom, ask_first, best_of, whom_to_ask
from ocpi_party.modules.tokens.decision import UNKNOWN, Command, Source, Step, Use, Verdict, decide, use_of
from ocpi_party.modules.tokens.journal import Authorization
from ocpi_party.modules.tokens.keys import token_key
from ocpi_party.modules.tokens.place import Place
from ocpi_party.modules.tokens.rules import judge
from ocpi_party.ocpi.errors import NotEnoughInformation
from ocpi_party.ocpi.modules import Role
from ocpi_party.ocpi.token import AllowedType, WhitelistType
from ocpi_party.ocpi.types import JsonObject, PartyId
from ocpi_party.partners import repository as partners
from ocpi_party.partners.audience import OURS
from ocpi_party.transport.asked import Building

# One row in any case. Of several tokens with this uid a valid one that came directly and last is meant; those of a partner that
# left count no more: nobody would pay. Two CPOs of ours may call two places the same: a command is for one of them.
_LOOK_UP = Statement(
    """
    SELECT t.partner_id, t.addressee, t.owner, t.rev, t.whitelist, t.valid, t.document, t.rules,
           c.owner AS command_owner, c.addressee AS command_addressee, c.document AS command_document, c.reference,
           c.partner_id AS command_partner, c.age, c.same_location, c.same_evse
      FROM (SELECT 1) one
      LEFT JOIN LATERAL (
           SELECT t.partner_id, t.addressee, t.owner, t.rev, t.document->>'whitelist' AS whitelist,
                  t.document->>'valid' = 'true' AS valid, t.document::text AS document, r.rules
             FROM tokens t
             LEFT JOIN partners p ON p.id = t.partner_id
             LEFT JOIN token_rules r ON r.token_seq = t.seq
            WHERE t.key = :key AND (CAST(:owner AS text) IS NULL OR t.owner = :owner) AND NOT t.gone
              AND (t.partner_id = 0 OR p.status = 'CONNECTED')
            ORDER BY t.partner_id <> 0, t.addressee IS DISTINCT FROM CAST(:cpo AS text), p.is_hub,
                     t.document->>'valid' <> 'true', t.last_updated DESC
            LIMIT 1) t ON true
      LEFT JOIN LATERAL (
           SELECT c.*, now() - c.at AS age, c.location_id = CAST(:location AS text) AS same_location,
                  c.evse_uid IS NULL OR c.evse_uid = ANY(CAST(:evses AS text[])) AS same_evse
             FROM command_tokens c
            WHERE c.key = :key AND (CAST(:owner AS text) IS NULL OR c.owner = :owner) AND c.good_until > now()
              AND (CAST(:cpo AS text) IS NULL OR c.addressee = :cpo)
            ORDER BY c.location_id = CAST(:location AS text) DESC NULLS LAST,
                     c.evse_uid IS NULL OR c.evse_uid = ANY(CAST(:evses AS text[])) DESC, c.at DESC
            LIMIT 1) c ON true
    """
)


@dataclass(frozen=True, slots=True)
class Swipe:
    """A driver at a charge point.

    owner  of the token, None if only the uid is known
    cpo    our party where the driver stands, None if that is not told
    """

    uid: str
    token_type: str
    owner: PartyId | None
    place: Place | None
    cpo: PartyId | None

    @property
    def key(self) -> str:
        return token_key(self.uid, self.token_type)


@dataclass(frozen=True, slots=True)
class Outcome:
    """token  as far as it is known"""

    allowed: AllowedType
    source: Source
    why: str
    token: JsonObject | None = None
    location: JsonObject | None = None
    reference: str | None = None
    info: JsonObject | None = None
    partner_id: int | None = None


_AUTH_METHOD = {Source.AUTH_REQUEST: "AUTH_REQUEST", Source.COMMAND: "COMMAND"}


def told(outcome: Outcome) -> JsonObject:
    """AuthorizationInfo, and beside it what it rests on; auth_method is for the Session and the CDR."""
    found = {
        "allowed": outcome.allowed,
        "token": outcome.token,
        "location": outcome.location,
        "authorization_reference": outcome.reference,
        "info": outcome.info,
        "source": outcome.source,
        "why": outcome.why,
        "auth_method": _AUTH_METHOD.get(outcome.source, "WHITELIST"),
    }
    return {name: value for name, value in found.items() if value is not None}


async def authorize(house: Building, swipe: Swipe) -> Outcome:
    """Whether this driver may charge here; kept in the journal."""
    correlation_id = str(uuid.uuid4())
    async with house.database.read() as tx:
        known = await _look_up(tx, swipe)
        before = await _allowed_before(tx, house, swipe, known)
    outcome = before or await _decided(house, swipe, known, correlation_id)
    async with house.database.write() as tx:
        await journal.keep(tx, _entry(house, swipe, known, outcome, correlation_id))
    return outcome


async def _look_up(tx: ReadTx, swipe: Swipe) -> Row:
    place = swipe.place
    row = await tx.row(
        _LOOK_UP,
        key=swipe.key,
        owner=str(swipe.owner) if swipe.owner else None,
        cpo=str(swipe.cpo) if swipe.cpo else None,
        location=place.location if place else None,
        evses=place.evses if place else [],
    )
    assert row is not None  # it begins with a row of its own
    return row


async def _allowed_before(tx: ReadTx, house: Building, swipe: Swipe, known: Row) -> Outcome | None:
    """The same question was answered ALLOWED just now, and its eMSP does not insist on being asked each time."""
    reuse = house.authorizing.reuse
    if not reuse or not known["partner_id"] or known["whitelist"] not in _MAY_BE_KEPT:
        return None
    token = house.vault.digest(swipe.key)
    cpo = str(swipe.cpo) if swipe.cpo else None
    found, reference = await journal.recently_allowed(tx, token, known["rev"], cpo, swipe.place, reuse)
    if not found:
        return None
    return Outcome(
        AllowedType.ALLOWED,
        Source.AUTH_REQUEST,
        "its eMSP allowed it just now",
        json.loads(known["document"]),
        swipe.place.document if swipe.place else None,
        reference,
        partner_id=known["partner_id"],
    )


_MAY_BE_KEPT = (WhitelistType.ALLOWED, WhitelistType.ALLOWED_OFFLINE)


async def _decided(house: Building, swipe: Swipe, known: Row, correlation_id: str) -> Outcome:
    if known["partner_id"] == OURS:
        return _of_our_own(swipe, known)
    verdict = _verdict(house, swipe, known, reachable=True)
    if verdict.step is not Step.ASK:
        return _without_asking(swipe, known, verdict)
    reply = await _asked(house, swipe, known, correlation_id)
    if reply.allowed is None:
        verdict = _verdict(house, swipe, known, reachable=False)
        return _without_asking(swipe, known, verdict._replace(why=f"{verdict.why} ({reply.why})"))
    return _as_answered(swipe, known, reply)


def _verdict(house: Building, swipe: Swipe, known: Row, *, reachable: bool) -> Verdict:
    return decide(
        _use(swipe, known),
        known["whitelist"] or UNKNOWN,
        valid=bool(known["valid"]),
        reachable=reachable,
        ask_first=house.authorizing.ask_first,
    )


def _use(swipe: Swipe, known: Row) -> Use:
    if known["age"] is None:
        return Use.PRESENTED
    return use_of(swipe.token_type, Command(known["age"], known["same_location"], known["same_evse"]))


def _of_our_own(swipe: Swipe, known: Row) -> Outcome:
    """The token is of an eMSP of ours: its rules are at hand."""
    rules = json.loads(known["rules"]) if known["rules"] else {}
    token = json.loads(known["document"])
    try:
        found = judge(valid=known["valid"], rules=rules, cpo=swipe.cpo, place=swipe.place)
    except NotEnoughInformation as refusal:
        return Outcome(AllowedType.NOT_ALLOWED, Source.OWN, str(refusal), token)
    reference = str(uuid.uuid4()) if found.allowed is AllowedType.ALLOWED else None
    return Outcome(found.allowed, Source.OWN, found.why, token, found.location, reference, found.info)


def _without_asking(swipe: Swipe, known: Row, verdict: Verdict) -> Outcome:
    by_command = verdict.source is Source.COMMAND
    document = known["command_document"] if by_command else known["document"]
    token = json.loads(document) if document else None
    partner_id = known["command_partner"] if by_command else known["partner_id"]
    if verdict.step is Step.DENY:
        blocked = known["valid"] is False
        denied = AllowedType.BLOCKED if blocked else AllowedType.NOT_ALLOWED
        return Outcome(denied, verdict.source, verdict.why, token, partner_id=partner_id)
    location = swipe.place.document if swipe.place else None
    reference = known["reference"] if by_command else None
    return Outcome(AllowedType.ALLOWED, verdict.source, verdict.why, token, location, reference, None, partner_id)


def _as_answered(swipe: Swipe, known: Row, reply: Reply) -> Outcome:
    assert reply.allowed is not None
    info = reply.info or {}
    stored = json.loads(known["document"]) if known["document"] else None
    allowed = reply.allowed is AllowedType.ALLOWED
    place = swipe.place.document if swipe.place else None
    return Outcome(
        reply.allowed,
        Source.AUTH_REQUEST,
        reply.why,
        info.get("token") or stored,
        (info.get("location") or place) if allowed and place else None,
        info.get("authorization_reference") or None,
        info.get("info"),
        reply.partner_id,
    )


async def _asked(house: Building, swipe: Swipe, known: Row, correlation_id: str) -> Reply:
    """Ask the eMSP of the token, or for a token that nobody knows one after another those who might."""
    stored = json.loads(known["document"]) if known["document"] else None
    uid = stored["uid"] if stored else swipe.uid
    asking = Asking(uid, swipe.token_type, swipe.place, stored, correlation_id)
    replies: list[Reply] = []
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + house.authorizing.timeout.total_seconds()
    rounds = await _rounds(house, swipe, known)
    for number, whom in enumerate(rounds):
        # Each round has its share of the time that is left, so that slow partners leave some for the hubs.
        within = timedelta(seconds=max(ends_at - loop.time(), 0) / (len(rounds) - number))
        replies.append(await ask_first(house, whom, asking, within))
        if replies[-1].rank == 0:
            break
    return best_of(replies)


async def _rounds(house: Building, swipe: Swipe, known: Row) -> list[list[Whom]]:
    ours = [party.key for party in await house.directory.own_parties() if party.role is Role.CPO]
    ours.sort(key=lambda one: str(one) != known["addressee"])
    if swipe.cpo is not None:
        ours = [swipe.cpo]  # In the name of another one nobody may ask about its places, whoever it deals with.
    owner = PartyId.parse(known["owner"]) if known["owner"] else swipe.owner
    async with house.database.read() as tx:
        if known["partner_id"]:
            # The connection that told us of the token is the way back to its eMSP.
            through = await partners.get(tx, known["partner_id"])
            connected = [through] if through else []
        else:
            connected = await partners.connected(tx)
    return [whom for whom in whom_to_ask(connected, ours, owner, house.authorizing.unknown) if whom]


def _entry(house: Building, swipe: Swipe, known: Row, outcome: Outcome, correlation_id: str) -> Authorization:
    token = outcome.token
    owner = str(PartyId(token["country_code"], token["party_id"]).folded()) if token else None
    cpo = str(swipe.cpo) if swipe.cpo else known["addressee"] or known["command_addressee"]
    return Authorization(
        as_emsp=False,
        partner_id=outcome.partner_id,
        cpo=cpo or None,
        owner=owner,
        token=house.vault.digest(swipe.key),
        token_rev=known["rev"],
        allowed=outcome.allowed,
        source=outcome.source,
        why=outcome.why[:500],
        reference=outcome.reference,
        place=Place(outcome.location) if outcome.location else swipe.place,
        correlation_id=correlation_id,
    )
