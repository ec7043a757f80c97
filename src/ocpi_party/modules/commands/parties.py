"""Which of our parties a command concerns where nobody said: the one that has what the command is about (AMB-09)."""

from collections.abc import Sequence
from typing import Final

from ocpi_party.database import ReadTx, Statement
from ocpi_party.modules.commands.kinds import AT_LOCATION, subject_of
from ocpi_party.modules.sessions import repository as sessions
from ocpi_party.modules.sessions.publishing import emsp_of
from ocpi_party.ocpi.command import CommandType
from ocpi_party.ocpi.types import JsonObject, PartyId, document_of, fold
from ocpi_party.transport.asked import Asked

_OWN: Final = """SELECT DISTINCT owner FROM {table}
                  WHERE partner_id = 0 AND addressee = '' AND owner = ANY(:ours) AND key = :key AND NOT gone"""
_OF_LOCATION: Final = Statement(_OWN.format(table="locations"))
_OF_SESSION: Final = Statement(_OWN.format(table="sessions"))
_OF_RESERVATION: Final = Statement(
    """SELECT DISTINCT ours AS owner FROM reservations
        WHERE partner_id = :partner_id AND ours = ANY(:ours) AND reservation_key = :key
          AND state IN ('REQUESTED', 'ACTIVE') AND expires_at > now()"""
)
_RESERVED: Final = Statement(
    """SELECT ours FROM outbound_requests
        WHERE kind = 'RESERVE_NOW' AND module = 'commands' AND theirs = :cpo
          AND upper(request ->> 'reservation_id') = :key
        ORDER BY id DESC LIMIT 1"""
)


async def narrow_to_owner(tx: ReadTx, asked: Asked, command: CommandType, document: JsonObject) -> None:
    """Leave of our CPOs that may be meant the one whose charge points these are.

    Where several have what the command is about all of them stay, and nobody guesses; where none has it, it is unknown to any.
    """
    if len(asked.ours) == 1:
        return
    wanted = {"ours": asked.owners, "key": fold(subject_of(command, document))}
    if command in AT_LOCATION:
        rows = await tx.rows(_OF_LOCATION, **wanted)
    elif command is CommandType.STOP_SESSION:
        rows = await tx.rows(_OF_SESSION, **wanted)
    else:
        rows = await tx.rows(_OF_RESERVATION, **wanted, partner_id=asked.partner.id)
    found = {row["owner"] for row in rows}
    having = tuple(party for party in asked.ours if str(party.key) in found)
    if len(having) < 2:
        asked.ours = having or asked.ours[:1]


async def emsp_for(
    tx: ReadTx, command: CommandType, cpo: PartyId, document: JsonObject, ours: Sequence[PartyId]
) -> PartyId:
    """Our eMSP whose driver a command is about; where that is nobody's, as for a connector, the one that we are longest.

    ours  our eMSPs, oldest first, at least one
    """
    known: str | None = None
    if command is CommandType.STOP_SESSION:
        session = await sessions.newest_of_a_partner(tx, str(cpo), str(document.get("session_id")), None)
        known = emsp_of(document_of(session.document)) if session else None
    elif command is CommandType.CANCEL_RESERVATION:
        known = await tx.value(_RESERVED, cpo=str(cpo), key=fold(str(document.get("reservation_id"))))
    return next((party for party in ours if str(party) == known), ours[0])
