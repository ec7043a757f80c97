"""Tokens that eMSPs sent with commands: authorized by that. OCPI 2.2.1, Commands, "StartSession" and "ReserveNow"."""

from datetime import datetime, timedelta

from ocpi_party.database import Statement, WriteTx
from ocpi_party.modules.tokens.decision import COMMAND_COUNTS_FOR
from ocpi_party.modules.tokens.keys import token_key
from ocpi_party.ocpi.token import TokenType
from ocpi_party.ocpi.types import JsonObject, PartyId, encode, fold, now

_APP_COUNTS_FOR = timedelta(days=1)
"""The specification sets tokens of apps no limit; after a day the charge point has long asked what it had to ask."""

_NOTE = Statement(
    """INSERT INTO command_tokens (partner_id, addressee, owner, key, location_id, evse_uid, reference, document, good_until,
                                   request_id)
       VALUES (:partner_id, :addressee, :owner, :key, :location_id, :evse_uid, :reference, CAST(:document AS json), :good_until,
               CAST(:request_id AS bigint))"""
)
_FORGET = Statement("DELETE FROM command_tokens WHERE good_until < now()")


async def note_command(
    tx: WriteTx, partner_id: int, addressee: str, command: JsonObject,
    *, request_id: int | None = None, reserved_until: datetime | None = None,
) -> None:  # fmt: skip
    """Remember the token of a START_SESSION or RESERVE_NOW that we took.

    partner_id      whose connection it came through; addressee is our CPO that it was sent to, COUNTRY*PARTY
    command         StartSession or ReserveNow, in the house form and checked
    request_id      under which the command is kept, if it may yet turn out that nobody takes it
    reserved_until  expiry_date of a reservation: so long an app's token counts in any case
    """
    token = command["token"]
    is_app = token["type"] in (TokenType.APP_USER, TokenType.AD_HOC_USER)
    good_until = now() + (_APP_COUNTS_FOR if is_app else COMMAND_COUNTS_FOR)
    if is_app and reserved_until is not None:
        good_until = max(good_until, reserved_until)
    evse_uid = command.get("evse_uid")
    await tx.run(_FORGET)
    await tx.run(
        _NOTE,
        partner_id=partner_id,
        addressee=addressee,
        owner=str(PartyId(token["country_code"], token["party_id"]).folded()),
        key=token_key(token["uid"], token["type"]),
        location_id=fold(command["location_id"]),
        evse_uid=None if evse_uid is None else fold(evse_uid),
        reference=command.get("authorization_reference") or None,
        document=encode(token).decode(),
        good_until=good_until,
        request_id=request_id,
    )


_NOT_TAKEN = Statement("DELETE FROM command_tokens WHERE request_id = :request_id")


async def forget_command(tx: WriteTx, request_id: int) -> None:
    """The command was not taken after all."""
    await tx.run(_NOT_TAKEN, request_id=request_id)
