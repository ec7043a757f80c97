"""The operator's own system is asked whether one of our tokens may be used, if it wants to be; else our rules decide."""

import json
import logging
from typing import Any, Literal

from ocpi_party.database import Row
from ocpi_party.dialects.dialect import read_own
from ocpi_party.events.questions import NoAnswer, Question
from ocpi_party.modules.tokens.place import Place
from ocpi_party.modules.tokens.rules import Judgement
from ocpi_party.ocpi.errors import NotEnoughInformation
from ocpi_party.ocpi.fields import CiString36
from ocpi_party.ocpi.token import AllowedType, LocationReferences
from ocpi_party.ocpi.types import DisplayText, House, JsonObject
from ocpi_party.transport.asked import Asked

log = logging.getLogger(__name__)


class OperatorsAnswer(House):
    """AuthorizationInfo without the token, which is known. authorization_reference  by default one of ours"""

    allowed: Literal["ALLOWED", "BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED"]
    location: LocationReferences | None = None
    authorization_reference: CiString36 | None = None
    info: DisplayText | None = None


async def ask_operator(asked: Asked, token: Row, place: Place | None) -> tuple[Judgement | None, str | None]:
    """The answer of the operator's system, or None and, if it should have answered, why there is none.

    Raises  NotEnoughInformation, if it allows only places and nobody said where the driver stands
    """
    about: dict[str, Any] = {
        "token": json.loads(token["document"]),
        "location": place.document if place else None,
        "cpo": str(asked.sender) if asked.sender else None,
        "partner": asked.partner.id,
        "correlation_id": asked.correlation_id,
    }
    try:
        told = await asked.house.ask(Question.AUTHORIZATION, about, _read)
    except NoAnswer as fault:
        log.warning("our rules decide on a token: %s", fault)
        return None, str(fault)
    return None if told is None else _judgement(told, place), None


def _read(answer: JsonObject) -> JsonObject:
    """OperatorsAnswer. Raises InvalidObject"""
    return read_own(OperatorsAnswer, {name: value for name, value in answer.items() if value is not None})


def _judgement(told: JsonObject, place: Place | None) -> Judgement:
    """Raises NotEnoughInformation"""
    allowed = AllowedType(told["allowed"])
    why = f"the operator's system answers {allowed}"
    location = None
    if allowed is AllowedType.ALLOWED:
        location = _where(told.get("location"), place)
        if location is None and place is not None:
            allowed, why = AllowedType.NOT_ALLOWED, "the operator's system allows it, but not there"
    return Judgement(allowed, why, location, told.get("info"), told.get("authorization_reference"))


def _where(limit: JsonObject | None, place: Place | None) -> JsonObject | None:
    """Where of the place the driver may charge; None, if nowhere, or if there is no place. Raises NotEnoughInformation"""
    if limit is None:
        return place.document if place else None
    if place is None:
        raise NotEnoughInformation("LocationReferences are needed to decide on this token")
    return place.part(limit)
