"""What an operator should look at in a received CDR. Nothing is refused for it. OCPI 2.2.1, CDRs, "Credit CDRs"."""

from collections.abc import Sequence

from ocpi_party.database import ReadTx
from ocpi_party.dialects.dialect import Finding
from ocpi_party.modules.cdrs import repository
from ocpi_party.modules.locations.facts import time_zone
from ocpi_party.modules.sessions.table import SESSIONS
from ocpi_party.modules.tokens.keys import token_key
from ocpi_party.modules.tokens.table import TOKENS
from ocpi_party.ocpi.session import SessionStatus
from ocpi_party.ocpi.types import JsonObject, PartyId, document_of, fold
from ocpi_party.owned import repository as owned
from ocpi_party.owned.publish import our_ref
from ocpi_party.owned.table import Ref
from ocpi_party.pricing.check import check_cdr
from ocpi_party.pricing.exact import Unpriceable
from ocpi_party.pricing.net import Net, net


async def audit(tx: ReadTx, ref: Ref, cdr: JsonObject) -> list[Finding]:
    """Its token, its session, its costs as we compute them, and how it goes with the other CDRs of its session."""
    zone = await time_zone(tx, ref.partner_id, ref.owner, cdr["cdr_location"]["id"])
    costs = [Finding(f"/{one.field}" if one.field else "", one.words) for one in check_cdr(cdr, zone)]
    family = await repository.family(tx, ref.partner_id, ref.owner, cdr)
    others = [one for one in family if one["id"] != cdr["id"]]
    odd = await _token(tx, cdr["cdr_token"]) + await _session(tx, ref, cdr) + costs
    return odd + [Finding("/id", flag) for flag in _flags([*others, cdr]) if flag not in _flags(others)]


async def _token(tx: ReadTx, token: JsonObject) -> list[Finding]:
    owner = str(PartyId(token["country_code"], token["party_id"]).folded())
    if await owned.get(tx, TOKENS, our_ref(owner, token_key(token["uid"], token["type"]))):
        return []
    return [Finding("/cdr_token/uid", f"{token['uid']} is no {token['type']} token of {owner}")]


async def _session(tx: ReadTx, ref: Ref, cdr: JsonObject) -> list[Finding]:
    session_id = cdr.get("session_id")
    if session_id is None or cdr.get("credit"):
        return []
    known = await owned.get(tx, SESSIONS, ref._replace(key=fold(session_id)))
    if known is None or document_of(known.document)["status"] != SessionStatus.INVALID:
        return []
    return [Finding("/session_id", f"session {session_id} is INVALID, and such a session is not billed")]


def _flags(cdrs: Sequence[JsonObject]) -> list[str]:
    return [flag for one in netted(cdrs) for flag in one.flags]


def netted(cdrs: Sequence[JsonObject]) -> list[Net]:
    """What each session costs in the end; nothing, if an amount is beyond all measure."""
    try:
        return net(cdrs)
    except Unpriceable:
        return []
