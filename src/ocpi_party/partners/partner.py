"""Our own parties, and a partner: a platform that we are connected to, with parties of its own."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ocpi_party.dialects.tolerance import Finding
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, Role, senders_of
from ocpi_party.ocpi.types import PartyId


@dataclass(frozen=True, slots=True)
class Party:
    """A party in a role: one of ours, or one of a partner's.

    elsewhere  it is behind this hub, but connected to us directly too, or our own: the hub does not speak for it
    key        folded, as parties are compared
    """

    country_code: str
    party_id: str
    role: Role
    business_details: Mapping[str, Any] | None = None
    status: str = "CONNECTED"
    behind_hub: bool = False
    elsewhere: bool = False
    key: PartyId = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", PartyId(self.country_code, self.party_id).folded())


class PartnerStatus(StrEnum):
    INVITED = "INVITED"
    CONNECTING = "CONNECTING"
    CONNECTED = "CONNECTED"
    UNREGISTERED = "UNREGISTERED"


@dataclass(frozen=True, slots=True)
class Partner:
    """What we know of a partner; a snapshot, shared between requests.

    modules  the modules exchanged with it, None for all
    agreed   our own parties that it may see, None for all
    """

    id: int
    name: str
    status: PartnerStatus
    version: str | None
    versions_url: str | None
    is_hub: bool
    token_sent: bytes | None
    token_encoding: str
    quirks: Mapping[str, Any]
    modules: frozenset[str] | None
    agreed: frozenset[str] | None
    push: bool
    pull: bool
    parties: tuple[Party, ...] = ()
    endpoints: Mapping[tuple[ModuleId, InterfaceRole], str] = field(default_factory=dict)

    def endpoint(self, module: ModuleId, interface: InterfaceRole) -> str | None:
        return self.endpoints.get((module, interface))

    def exchanges(self, module: ModuleId) -> bool:
        return self.modules is None or module in self.modules

    def has_party(self, key: PartyId) -> bool:
        return any(party.key == key and not party.elsewhere for party in self.parties)

    def may_own(self, owner: PartyId, role: Role, direct: Collection[str]) -> bool:
        """Whether objects of this party may come over this connection.

        Its roles do not decide that: platforms register one role and act in two, or in roles that say little (`strays` tells).

        A hub speaks for the parties it told us of, not for those that we reach directly (AMB-19); with the quirk `any_party` for
        parties it did not tell us of as well, with `over_direct` even for direct ones.

        role    in which the party has such objects, CPO or EMSP
        direct  the parties that we reach directly and our own, if this is a hub
        """
        known = [party for party in self.parties if party.key == owner]
        if self.quirks.get("over_direct") and known:
            return True
        if any(party.elsewhere and party.role is role for party in known):
            return False
        if any(not party.elsewhere for party in known):
            return True
        allowed = str(owner) not in direct or self.quirks.get("over_direct")
        return bool(self.is_hub and self.quirks.get("any_party") and allowed)

    def strays(self, owner: PartyId, module: ModuleId) -> tuple[Finding, ...]:
        """Where objects of this party may come, but not by a role of its that usually sends them (Typical OCPI implementations)."""
        roles = {party.role for party in self.parties if party.key == owner and not party.elsewhere}
        if not roles or roles & senders_of(module):
            return ()
        return (Finding("/party_id", f"is a party that has no {module}: its role is {', '.join(sorted(roles))}"),)

    def reaches(self, key: PartyId, *, as_cpo: bool) -> bool:
        """Whether requests may be sent to this party: a hub tells who is OFFLINE, PLANNED or SUSPENDED (HubClientInfo)."""
        found = [p for p in self.parties if p.key == key and (p.role is Role.CPO) == as_cpo]
        return not found or any(party.status == "CONNECTED" for party in found)

    def deals_with(self, ours: PartyId) -> bool:
        """Whether the operator lets this party of ours, folded, have to do with the partner."""
        return self.agreed is None or str(ours) in self.agreed

    def agreed_with(self, ours: tuple[Party, ...]) -> tuple[Party, ...]:
        """Those of our own parties that this partner deals with."""
        return ours if self.agreed is None else tuple(party for party in ours if self.deals_with(party.key))
