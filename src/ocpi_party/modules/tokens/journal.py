"""What is kept of authorizations: enough to match a later Session or CDR by its reference, and no personal data."""

from dataclasses import dataclass
from datetime import timedelta

from ocpi_party.database import Database, ReadTx, Statement, WriteTx
from ocpi_party.events.repository import EVENTS, NUMBERED, EventType
from ocpi_party.modules.tokens.place import Place
from ocpi_party.ocpi.types import encode

_INSERT = """INSERT INTO authorizations (as_emsp, partner_id, cpo, owner, token, token_rev, allowed, source, why, reference,
                                   location_id, evse_uids, correlation_id)
       VALUES (:as_emsp, :partner_id, :cpo, :owner, :token, :token_rev, :allowed, :source, :why, :reference,
               :location_id, :evse_uids, :correlation_id)"""
_KEEP = Statement(_INSERT)
# Both in one statement, which many drivers share: each stands at the plug, and waits for every round trip.
_KEEP_AND_TELL = Statement(
    f"""WITH kept AS ({_INSERT})
        INSERT INTO events (xact, type, subject, partner_id, data)
        SELECT xact, '{EventType.AUTHORIZATION_ASKED}', :subject, :partner_id, CAST(:data AS json) FROM {NUMBERED}"""
)
_RECENT = Statement(
    """SELECT reference, at FROM authorizations
        WHERE token = :token AND at > now() - CAST(:within AS interval) AND NOT as_emsp AND source = 'AUTH_REQUEST'
          AND allowed = 'ALLOWED' AND token_rev = :token_rev AND (CAST(:cpo AS text) IS NULL OR cpo = :cpo)
          AND location_id IS NOT DISTINCT FROM CAST(:location_id AS text)
          AND evse_uids IS NOT DISTINCT FROM CAST(:evse_uids AS text[])
        ORDER BY at DESC LIMIT 1"""
)


@dataclass(frozen=True, slots=True)
class Authorization:
    """An authorization given or taken.

    token      HMAC of its key; token_rev  the revision of its row, None if there is none
    place      where the driver stands; of a swipe that was allowed, the part where that is so
    """

    as_emsp: bool
    partner_id: int | None
    cpo: str | None
    owner: str | None
    token: bytes
    token_rev: int | None
    allowed: str
    source: str
    why: str
    reference: str | None
    place: Place | None
    correlation_id: str | None


async def keep(tx: WriteTx, done: Authorization) -> None:
    await tx.run(_KEEP, **_columns(done))


async def keep_and_tell(database: Database, done: Authorization, subject: str) -> None:
    """Keep it, and tell the operator's systems that we were asked. subject  the token"""
    data = {
        "allowed": done.allowed,
        "why": done.why,
        "cpo": done.cpo,
        "authorization_reference": done.reference,
        "location": done.place.document if done.place else None,
    }
    await database.write_together(_KEEP_AND_TELL, **_columns(done), subject=subject, data=encode(data).decode())
    database.announce(EVENTS)


def _columns(done: Authorization) -> dict[str, object]:
    return {
        "as_emsp": done.as_emsp,
        "partner_id": done.partner_id,
        "cpo": done.cpo,
        "owner": done.owner,
        "token": done.token,
        "token_rev": done.token_rev,
        "allowed": done.allowed,
        "source": done.source,
        "why": done.why,
        "reference": done.reference,
        "correlation_id": done.correlation_id,
        **_where(done.place),
    }


async def recently_allowed(
    tx: ReadTx, token: bytes, token_rev: int, cpo: str | None, place: Place | None, within: timedelta
) -> tuple[bool, str | None]:
    """Whether its eMSP allowed this token at all of this place of that CPO within that time, and with which reference.

    A token that changed since has another revision: what was allowed before does not count any more (TOK-R-13).
    """
    row = await tx.row(_RECENT, token=token, token_rev=token_rev, cpo=cpo, within=within, **_where(place))
    return (True, row["reference"]) if row else (False, None)


def _where(place: Place | None) -> dict[str, object]:
    return {"location_id": place and place.location, "evse_uids": place and sorted(place.evses)}
