"""Sessions, Sender interface: partners read ours, and tell what their drivers prefer. OCPI 2.2.1, Sessions, "Sender Interface"."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.modules.sessions import charging_preferences, repository
from ocpi_party.modules.sessions.table import SESSIONS
from ocpi_party.ocpi.errors import InvalidObject, UnknownObject
from ocpi_party.ocpi.session import ChargingPreferences, Session
from ocpi_party.ocpi.types import encode
from ocpi_party.owned.listing import Listing, Scope
from ocpi_party.owned.repository import own_by_key
from ocpi_party.transport.asked import CurrentAsked, IdInUrl, json_object
from ocpi_party.transport.envelope import page, success
from ocpi_party.transport.pagination import window

router = APIRouter()
LISTING = Listing(SESSIONS, repository.documents)


@router.get("")
async def get_sessions(request: Request, asked: CurrentAsked) -> Response:
    """The sessions of the asker's own drivers; only this list needs a date_from (AMB-39)."""
    required = not asked.partner.quirks.get("sessions_date_from_optional")
    size = {"size": asked.house.page_size, "size_max": asked.house.page_size_max}
    wanted = window(request, **size, date_from_required=required)
    async with asked.database.read() as tx:
        found = await LISTING.page(tx, asked.house.documents, Scope.of(asked.owners, asked.audiences), wanted)
    return page(request, asked, Session, wanted, found)


@router.put("/{session_id}/charging_preferences")
async def put_charging_preferences(request: Request, asked: CurrentAsked, session_id: IdInUrl) -> Response:
    wish = asked.spoken.read(ChargingPreferences, await json_object(request, asked)).document
    async with asked.database.write() as tx:
        found = await own_by_key(tx, SESSIONS, session_id.upper(), asked.owners, asked.audiences)
        if not found:
            raise UnknownObject(session_id)
        if len(found) > 1:
            raise InvalidObject("", "several of our parties have this id: OCPI-to must say which is meant")
        response = await charging_preferences.consider(tx, found[0].ref, wish)
    return success(encode(response))
