"""The operator's own system is asked whether one of our tokens may be used, if it wants to be; else our rules decide."""

import json
import logging
from typing import Any, Literal

from ocpi_party.database import Row
from ocpi_party.dialects.dialect import read_own
from ocpi_party.events.questions import NoAnswer, Question
from ocpi_party.modules.tokens.place import Place
from ocpi_party.modules.tokens.rules import Judgement
from ocpi_party.ocpi.fields import CiString36
from ocpi_party.ocpi.token import AllowedType, LocationReferences
from ocpi_party.ocpi.types import DisplayText, House
from ocpi_party.transport.asked import Asked

log = logging.getLogger(__name__)


class OperatorsAnswer(House):
    """AuthorizationInfo without the token, which is known. authorization_reference  by default one of ours"""

    allowed: Literal["ALLOWED", "BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED"]
    location: LocationReferences | None = None
    authorization_reference: CiString36 | None = None
    info: DisplayText | None = None


async def ask_operator(asked: Asked, token: Row, place: Place | None) -> tuple[Judgement | None, str | None]:
    """The answer of the operator's system, or None and, if it should have answered, why there is none."""
    about: dict[str, Any] = {
        "token": json.loads(token["document"]),
        "location": place.document if place else None,
        "cpo": str(asked.sender) if asked.sender else None,
        "partner": asked.partner.id,
        "correlation_id": asked.correlation_id,
    }
    try:
        return await asked.house.ask(Question.AUTHORIZATION, about, lambda answer: _judgement(answer, place)), None
    except NoAnswer as fault:
        log.warning("our rules decide on a token: %s", fault)
        return None, str(fault)


def _judgement(answer: dict[str, Any], place: Place | None) -> Judgement:
    """Raises InvalidObject"""
    told = read_own(OperatorsAnswer, {name: value for name, value in answer.items() if value is not None})
    allowed = AllowedType(told["allowed"])
    location = None
    if place is not None and allowed is AllowedType.ALLOWED:
        location = told.get("location") or place.document
    why = f"the operator's system answers {allowed}"
    return Judgement(allowed, why, location, told.get("info"), told.get("authorization_reference"))
