"""As CPO: ask eMSPs in real time whether a token may be used. OCPI 2.2.1, Tokens, "Real-time authorization"."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ocpi_party.dialects.dialect import Dialect, dialect_of
from ocpi_party.modules.tokens.place import Place
from ocpi_party.modules.tokens.push import type_parameter
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, Role
from ocpi_party.ocpi.status import StatusCode
from ocpi_party.ocpi.token import AllowedType, AuthorizationInfo, LocationReferences
from ocpi_party.ocpi.types import JsonObject, PartyId, encode, fold
from ocpi_party.partners.answer import Answer, PartnerUnreachable
from ocpi_party.partners.exchange import Route
from ocpi_party.partners.partner import Partner
from ocpi_party.partners.urls import join
from ocpi_party.transport.asked import Building


@dataclass(frozen=True, slots=True)
class Asking:
    """One question: may this token be used?

    stored  the token as we know it, None if we do not
    """

    uid: str
    token_type: str
    place: Place | None
    stored: JsonObject | None
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Whom:
    """A party of a partner, or with a route to nobody whoever a hub finds."""

    partner: Partner
    route: Route


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    allowed  None, if there was no answer that decides anything: then it is as if nobody could be reached
    info     AuthorizationInfo
    """

    allowed: AllowedType | None
    why: str
    partner_id: int | None = None
    info: JsonObject | None = None

    @property
    def rank(self) -> int:
        """Of several replies the lowest counts: ALLOWED, then an eMSP that knows the token, then one that does not."""
        if self.allowed is AllowedType.ALLOWED:
            return 0
        return 3 if self.allowed is None else 1 if self.info is not None else 2


NOBODY_TO_ASK = Reply(None, "there is nobody to ask")


async def ask_first(house: Building, whom: Sequence[Whom], asking: Asking, within: timedelta) -> Reply:
    """Ask all at once: the first ALLOWED counts, and the others are not waited for.

    whom    somebody
    within  for all together
    """
    ends_at = asyncio.get_running_loop().time() + within.total_seconds()
    asked = {asyncio.create_task(_ask(house, one, asking, within)): one.partner for one in whom}
    pending = set(asked)
    replies: list[Reply] = []
    try:
        while pending and not any(one.rank == 0 for one in replies):
            left = ends_at - asyncio.get_running_loop().time()
            done, pending = await asyncio.wait(pending, timeout=max(left, 0), return_when=asyncio.FIRST_COMPLETED)
            if not done:
                silent = ", ".join(sorted({asked[one].name for one in pending}))
                replies.append(Reply(None, f"no answer of {silent} within {within.total_seconds():.3g} s"))
                break
            replies += [task.result() for task in done]
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
    return best_of(replies)


def best_of(replies: Sequence[Reply]) -> Reply:
    """The one that counts; the first of several that count the same."""
    return min(replies, key=lambda one: one.rank, default=NOBODY_TO_ASK)


async def _ask(house: Building, whom: Whom, asking: Asking, within: timedelta) -> Reply:
    partner = whom.partner
    url = partner.endpoint(ModuleId.TOKENS, InterfaceRole.SENDER)
    assert url is not None  # whom_to_ask() leaves out partners without it
    dialect = dialect_of(house.dialects, partner.version)
    place = asking.place
    body: dict[str, Any] = {} if place is None else {"body": dialect.write(LocationReferences, encode(place.document))}
    try:
        answer = await house.client.call(
            partner,
            "POST",
            join(url, asking.uid, "authorize"),
            route=whom.route,
            params=type_parameter(asking.token_type),
            correlation_id=asking.correlation_id,
            within=within,
            **body,
        )
    except PartnerUnreachable as fault:
        return Reply(None, f"{partner.name} cannot be reached: {fault}", partner.id)
    return read_reply(partner, dialect, answer, asking)


def read_reply(partner: Partner, dialect: Dialect, answer: Answer, asking: Asking) -> Reply:
    """What an answer means. 404, 2004 with any HTTP status, and success without data: an unknown token (AMB-52)."""
    if answer.unknown or (answer.ok and answer.object is None):
        return Reply(AllowedType.NOT_ALLOWED, f"{partner.name} does not know this token", partner.id)
    if answer.status_code == StatusCode.NOT_ENOUGH_INFORMATION:
        return Reply(AllowedType.NOT_ALLOWED, f"{partner.name} needs to know where the driver stands", partner.id)
    if not answer.ok:
        return Reply(None, f"{partner.name} gives no answer: {answer}", partner.id)
    wire = answer.object
    if isinstance(wire, dict) and wire.get("token") is None and asking.stored is not None:
        wire = wire | {"token": asking.stored}  # We know which token we asked about.
    try:
        info = dialect.read(AuthorizationInfo, wire).document
    except InvalidObject as fault:
        return Reply(AllowedType.NOT_ALLOWED, f"the answer of {partner.name} is not valid: {fault}", partner.id)
    if _of_another(info["token"], partner, asking):
        return Reply(AllowedType.NOT_ALLOWED, f"the answer of {partner.name} is about another token", partner.id)
    if info["allowed"] not in set(AllowedType):
        why = f"{partner.name} answers {info['allowed']}, which is no permission"
        return Reply(AllowedType.NOT_ALLOWED, why, partner.id, info)
    if info["allowed"] == AllowedType.ALLOWED and asking.place is not None and info.get("location") is not None:
        location = asking.place.part(info["location"])
        if location is None:
            return Reply(AllowedType.NOT_ALLOWED, f"{partner.name} allows it, but not at this EVSE", partner.id, info)
        info = info | {"location": location}
    return Reply(AllowedType(info["allowed"]), f"{partner.name} answers {info['allowed']}", partner.id, info)


def _of_another(token: JsonObject, partner: Partner, asking: Asking) -> bool:
    """Whether an answer is not about the token that we asked about: somebody else would pay for the Session.

    Its type is not compared: eMSPs leave the parameter aside. A hub finds the owner of a token that nobody told us of.
    """
    if fold(token["uid"]) != fold(asking.uid):
        return True
    owner = PartyId(token["country_code"], token["party_id"])
    if asking.stored is not None:
        return not owner.is_same(PartyId(asking.stored["country_code"], asking.stored["party_id"]))
    return not partner.is_hub and not partner.has_party(owner.folded())


def whom_to_ask(
    partners: Sequence[Partner], ours: Sequence[PartyId], owner: PartyId | None, order: str
) -> list[list[Whom]]:
    """Whom to ask, those of one list at the same time, the next list if none of them allows it.

    partners  that are connected
    ours      our CPO where the driver stands, or those where that may be, the likeliest first
    owner     of the token; None if nobody knows: then each eMSP that we reach directly is asked, and hubs find it (open routing)
    order     partners and hubs, as the setting says it, for an owner that nobody knows
    """
    able = [
        one
        for one in partners
        if one.endpoint(ModuleId.TOKENS, InterfaceRole.SENDER) and one.exchanges(ModuleId.TOKENS)
    ]
    if owner is not None and any(one.has_party(owner) for one in able):
        known = [Whom(one, route) for one in able for route in _routes(one, ours, owner)]
        # A party that we reach directly is not asked through a hub as well.
        return [[one for one in known if not one.partner.is_hub] or known]
    if owner is not None:
        return [_through_hubs(able, ours, owner)]
    groups = {
        "partners": [Whom(one, route) for one in able if not one.is_hub for route in _routes(one, ours, None)],
        "hubs": _through_hubs(able, ours, None),
    }
    return [groups[name] for name in order.split(",") if groups.get(name)]


def _routes(partner: Partner, ours: Sequence[PartyId], owner: PartyId | None) -> list[Route]:
    sender = _sender(partner, ours)
    return [
        Route(sender, PartyId(party.country_code, party.party_id))
        for party in partner.parties
        if party.role not in (Role.CPO, Role.HUB)
        and party.status == "CONNECTED"
        and owner in (None, party.key)
        and sender
    ]


def _through_hubs(able: Sequence[Partner], ours: Sequence[PartyId], owner: PartyId | None) -> list[Whom]:
    found = [(one, _sender(one, ours)) for one in able if one.is_hub]
    return [Whom(one, Route(sender, owner)) for one, sender in found if sender]


def _sender(partner: Partner, ours: Sequence[PartyId]) -> PartyId | None:
    """The first of our parties that this partner deals with."""
    return next((one for one in ours if partner.deals_with(one.folded())), None)
