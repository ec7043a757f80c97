"""Message routing headers: which of our parties is meant, and which party asks. OCPI 2.2.1, Message routing."""

from collections.abc import Mapping

from ocpi_party.ocpi import headers
from ocpi_party.ocpi.errors import ForeignSender, InvalidObject, UnknownReceiver
from ocpi_party.ocpi.modules import Role
from ocpi_party.ocpi.types import PartyId
from ocpi_party.partners.partner import Partner, Party


def _pair(given: Mapping[str, str], country_code: str, party_id: str, name: str) -> PartyId | None:
    country, party = given.get(country_code), given.get(party_id)
    if not country and not party:
        return None
    if not country or not party:
        raise InvalidObject("", f"{name} needs both a country code and a party id")
    return PartyId(country, party).folded()


def receivers(given: Mapping[str, str], partner: Partner, fitting: tuple[Party, ...]) -> tuple[Party, ...]:
    """Our parties that OCPI-to means: the one it names, or without it all that fit.

    fitting  our parties in the role of the interface that this partner deals with
    Raises   UnknownReceiver, if it names one that is not among them (AMB-18)
    """
    to = _pair(given, headers.TO_COUNTRY_CODE, headers.TO_PARTY_ID, "OCPI-to")
    named = tuple(party for party in fitting if party.key == to)
    if to is not None and not named and not partner.has_party(to):
        raise UnknownReceiver(f"{to} is no party of ours in this role")
    # A widespread client sends its own party in OCPI-to: as good as nothing.
    wanted = named or fitting
    if not wanted:
        raise UnknownReceiver("we have no party in this role for you")
    return wanted


def sender(given: Mapping[str, str], partner: Partner, ours: Role, owner: PartyId | None) -> PartyId | None:
    """The party that asks; None if it does not say and could be several (AMB-18).

    ours    the role of ours that is asked: a CPO is asked by the others, the others by a CPO
    owner   named by the URL, if it names one
    Raises  ForeignSender, if it is none of this partner's: neither its own nor, for a hub, one behind it
    """
    named = _pair(given, headers.FROM_COUNTRY_CODE, headers.FROM_PARTY_ID, "OCPI-from")
    if named is None:
        direct = [party for party in partner.parties if not party.behind_hub]
        fitting = {party.key for party in direct if (party.role is Role.CPO) is not (ours is Role.CPO)}
        keys = fitting & {owner} or fitting or {party.key for party in direct}
        return next(iter(keys)) if len(keys) == 1 else None
    if not partner.has_party(named) and not (partner.is_hub and partner.quirks.get("any_party")):
        raise ForeignSender(f"{named} is no party of yours")
    return named


def answer_headers(sender: PartyId | None, ours: PartyId | None) -> list[tuple[bytes, bytes]]:
    """The routing headers of the answer: swapped against the request."""
    found = []
    if sender is not None:
        found += [
            (b"ocpi-to-country-code", sender.country_code.encode()),
            (b"ocpi-to-party-id", sender.party_id.encode()),
        ]
    if ours is not None:
        found += [
            (b"ocpi-from-country-code", ours.country_code.encode()),
            (b"ocpi-from-party-id", ours.party_id.encode()),
        ]
    return found
