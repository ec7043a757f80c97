"""Tokens that came with commands: the eMSP has authorized them already, so nobody asks it again (TOK-W-14, TOK-W-15)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ocpi_party.database import ReadTx, Statement, WriteTx
from ocpi_party.ocpi.token import TokenType
from ocpi_party.ocpi.types import JsonObject, encode, fold

GOOD_FOR: Final = timedelta(minutes=15)
"""How long an RFID token of a command needs no real-time authorization at its EVSE. OCPI 2.2.1, Commands, "StartSession"."""

_KEEP = Statement(
    """INSERT INTO command_tokens AS t
         (ours, owner, key, location_key, evse_key, partner_id, authorization_reference, document)
       VALUES (:ours, :owner, :key, :location_key, :evse_key, :partner_id, :reference, CAST(:document AS json))
       ON CONFLICT (ours, owner, key, location_key, evse_key) DO UPDATE
          SET received_at = now(), partner_id = excluded.partner_id, document = excluded.document,
              authorization_reference = excluded.authorization_reference"""
)
_FIND = Statement(
    """SELECT partner_id, owner, authorization_reference, convert_to(document::text, 'UTF8') AS document
         FROM command_tokens
        WHERE ours = :ours AND key = :key AND location_key = :location_key
          AND (evse_key = '' OR CAST(:evse_key AS text) IS NULL OR evse_key = :evse_key)
          AND (:at_any_time OR received_at > now() - CAST(:good_for AS interval))
        ORDER BY received_at DESC LIMIT 1"""
)
_OF_COMMANDS_ONLY = (TokenType.APP_USER, TokenType.AD_HOC_USER)


@dataclass(frozen=True, slots=True)
class CommandToken:
    """owner  the eMSP, COUNTRY*PARTY; document  the Token"""

    partner_id: int
    owner: str
    authorization_reference: str | None
    document: bytes


def token_key(uid: str, kind: str) -> str:
    return f"{fold(uid)} {fold(kind)}"


async def keep(tx: WriteTx, partner_id: int, ours: str, owner: str, command: JsonObject) -> None:
    """Remember the token of a START_SESSION or RESERVE_NOW that we took on."""
    token = command["token"]
    await tx.run(
        _KEEP,
        ours=ours,
        owner=owner,
        key=token_key(token["uid"], token["type"]),
        location_key=fold(command["location_id"]),
        evse_key=fold(command.get("evse_uid") or ""),
        partner_id=partner_id,
        reference=command.get("authorization_reference"),
        document=encode(token).decode(),
    )


async def recent_token(
    tx: ReadTx, ours: str, uid: str, kind: str, location_id: str, evse_uid: str | None
) -> CommandToken | None:
    """The token, if a command brought it for this place: within 15 minutes, an app's or ad hoc one at any time.

    ours      our CPO, COUNTRY*PARTY
    evse_uid  None, if the charge point does not tell
    """
    row = await tx.row(
        _FIND,
        ours=ours,
        key=token_key(uid, kind),
        location_key=fold(location_id),
        evse_key=None if evse_uid is None else fold(evse_uid),
        at_any_time=fold(kind) in _OF_COMMANDS_ONLY,
        good_for=GOOD_FOR,
    )
    return CommandToken(**row) if row else None
