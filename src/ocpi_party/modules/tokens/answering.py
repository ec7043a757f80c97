"""As eMSP: a CPO asks in real time whether one of our tokens may be used. OCPI 2.2.1, Tokens, "Real-time authorization"."""

import json
import uuid
from dataclasses import replace

from ocpi_party.database import Row, Statement
from ocpi_party.modules.tokens import journal
from ocpi_party.modules.tokens.decision import Source
from ocpi_party.modules.tokens.journal import Authorization
from ocpi_party.modules.tokens.keys import token_key
from ocpi_party.modules.tokens.operator import ask_operator
from ocpi_party.modules.tokens.place import Place
from ocpi_party.modules.tokens.rules import Judgement, judge
from ocpi_party.modules.tokens.table import TOKENS
from ocpi_party.ocpi.errors import NotEnoughInformation, UnknownToken
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.token import AllowedType, TokenType
from ocpi_party.ocpi.types import encode
from ocpi_party.partners.audience import NOBODY
from ocpi_party.transport.asked import Asked

# A token that no CPO is told of is what real-time authorization is for; one told to others alone is unknown here.
_KNOWN = Statement(
    f"""SELECT t.key, {TOKENS.info["name"]} AS name, t.owner, t.audience, t.rev, t.document->>'valid' = 'true' AS valid, r.rules,
              convert_to(t.document::text, 'UTF8') AS document,
              EXISTS (SELECT FROM webhooks w WHERE w.asked = 'authorization' AND w.enabled) AS operator_answers
         FROM tokens t LEFT JOIN token_rules r ON r.token_seq = t.seq
        WHERE t.partner_id = 0 AND t.addressee = '' AND t.key = ANY(:keys) AND NOT t.gone"""
)


async def answer(
    asked: Asked, uid: str, token_type: str | None, place: Place | None, owner: str | None = None
) -> bytes:
    """AuthorizationInfo as JSON text: as the operator's system says, else as our own rules do.

    owner   the party of ours that must have the token; None for any that is addressed
    Raises  UnknownToken (404 and 2004, AMB-52); NotEnoughInformation (2002)
    """
    key = token_key(uid, token_type or TokenType.RFID)
    token = await _only(asked, key, owner)
    found, silence = await ask_operator(asked, token, place) if token["operator_answers"] else (None, None)
    if found is None:
        found = _by_rules(asked, token, place, silence)
    reference = None
    if found.allowed is AllowedType.ALLOWED:
        reference = found.reference or str(uuid.uuid4())
    entry = _entry(asked, key, token, found, reference, place)
    await journal.keep_and_tell(asked.database, entry, f"{ModuleId.TOKENS}/{entry.owner}/{token['name']}")
    return info(found, token["document"], reference)


def _by_rules(asked: Asked, token: Row, place: Place | None, silence: str | None) -> Judgement:
    rules = json.loads(token["rules"]) if token["rules"] else {}
    found = judge(valid=token["valid"], rules=rules, cpo=asked.sender, place=place)
    return found if silence is None else replace(found, why=f"{silence}; {found.why}")


async def _only(asked: Asked, key: str, owner: str | None) -> Row:
    """The one token that is meant: the URL of the specification names no owner."""
    owners, audiences = asked.owners, (*asked.audiences, NOBODY)
    rows = await asked.database.find_together(_KNOWN, key)
    rows = [row for row in rows if row["owner"] in owners and row["audience"] in audiences]
    rows = [row for row in rows if owner is None or row["owner"] == owner]
    if not rows:
        raise UnknownToken(key)
    if len(rows) > 1:
        raise NotEnoughInformation("several of our parties have this token: OCPI-to must say which is meant")
    return rows[0]


def info(found: Judgement, token: bytes, reference: str | None) -> bytes:
    """AuthorizationInfo. token  as it is stored"""
    more = {"location": found.location, "authorization_reference": reference, "info": found.info}
    told = b"".join(b',"%s":%s' % (name.encode(), encode(value)) for name, value in more.items() if value is not None)
    return b'{"allowed":"%s","token":%s%s}' % (found.allowed.encode(), token, told)


def _entry(
    asked: Asked, key: str, token: Row, found: Judgement, reference: str | None, place: Place | None
) -> Authorization:
    return Authorization(
        as_emsp=True,
        partner_id=asked.partner.id,
        cpo=str(asked.sender) if asked.sender else None,
        owner=token["owner"],
        token=asked.house.vault.digest(key),
        token_rev=token["rev"],
        allowed=found.allowed,
        source=Source.AUTH_REQUEST,
        why=found.why,
        reference=reference,
        place=place,
        correlation_id=asked.correlation_id,
    )
