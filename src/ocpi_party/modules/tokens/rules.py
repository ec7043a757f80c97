"""What an operator may say about one of our tokens beside its `valid`, and what we answer a CPO that asks.

OCPI 2.2.1, Tokens, "POST Method": no answer depends on opening hours or the status of an EVSE, which we may know too late.
"""

from dataclasses import dataclass
from typing import Literal

from ocpi_party.modules.tokens.place import Place, folded
from ocpi_party.ocpi.errors import NotEnoughInformation
from ocpi_party.ocpi.fields import CountryCode, Many, PartyCode
from ocpi_party.ocpi.token import AllowedType, LocationReferences
from ocpi_party.ocpi.types import DisplayText, House, JsonObject, PartyId, fold


class AllowedLocation(LocationReferences):
    """A Location where the token may be used; without evse_uids all of it, without a party that of any CPO."""

    country_code: CountryCode | None = None
    party_id: PartyCode | None = None


class TokenRules(House):
    """Limits of a token of ours. No partner is told of them.

    allowed            what every CPO is answered; without it the token is ALLOWED, or BLOCKED if it is not valid
    locations          the only places where it may be used; a CPO has to say where the driver stands
    location_required  a CPO has to say so in any case
    info               is told to the driver
    """

    allowed: Literal["BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED"] | None = None
    locations: Many[AllowedLocation] | None = None
    location_required: bool = False
    info: DisplayText | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a token may be used.

    location   only if one was asked about and the driver may charge there: with the EVSEs where that is so
    reference  authorization_reference, if whoever decided gave one
    """

    allowed: AllowedType
    why: str
    location: JsonObject | None = None
    info: JsonObject | None = None
    reference: str | None = None


def judge(*, valid: bool, rules: JsonObject, cpo: PartyId | None, place: Place | None) -> Judgement:
    """Whether one of our tokens may be used.

    rules   TokenRules; empty if there are none
    cpo     who asks, None if nobody said
    Raises  NotEnoughInformation (2002), if only the place can tell
    """
    info = rules.get("info")
    if rules.get("allowed"):
        return Judgement(AllowedType(rules["allowed"]), "a rule of the token says so", info=info)
    if not valid:
        return Judgement(AllowedType.BLOCKED, "the token is not valid", info=info)
    limits = rules.get("locations")
    if place is None:
        if limits or rules.get("location_required"):
            raise NotEnoughInformation("LocationReferences are needed to decide on this token")
        return Judgement(AllowedType.ALLOWED, "the token is valid", info=info)
    if not limits:
        return Judgement(AllowedType.ALLOWED, "the token is valid", place.document, info)
    location = _allowed_part(limits, cpo, place)
    if location is None:
        return Judgement(AllowedType.NOT_ALLOWED, "the token is limited to other places", info=info)
    return Judgement(AllowedType.ALLOWED, "the token may be used there", location, info)


def _allowed_part(limits: list[JsonObject], cpo: PartyId | None, place: Place) -> JsonObject | None:
    """What of the place lies within the limits; None, if nothing does."""
    fitting = [one for one in limits if fold(one["location_id"]) == place.location and _is_of(one, cpo)]
    if not fitting:
        return None
    if any(not one.get("evse_uids") for one in fitting):
        return place.document
    within = {uid for one in fitting for uid in folded(one["evse_uids"])}
    if not place.evses:
        # The CPO asks about the whole Location, and learns of which EVSEs that is true.
        return place.document | {"evse_uids": [uid for one in fitting for uid in one["evse_uids"]]}
    allowed = [uid for uid in place.evses if uid in within]
    return place.only(allowed) if allowed else None


def _is_of(limit: JsonObject, cpo: PartyId | None) -> bool:
    country_code, party_id = limit.get("country_code"), limit.get("party_id")
    if country_code is None and party_id is None:
        return True
    return cpo is not None and all(
        wanted is None or fold(wanted) == fold(given)
        for wanted, given in ((country_code, cpo.country_code), (party_id, cpo.party_id))
    )
