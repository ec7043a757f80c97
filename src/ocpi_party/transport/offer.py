"""What we offer to a partner: the endpoints of our version details, and our roles. OCPI 2.2.1, Version information endpoint."""

from collections.abc import Iterable

from ocpi_party.ocpi.modules import FUNCTIONAL, InterfaceRole, ModuleId, Role, role_with
from ocpi_party.ocpi.types import JsonObject
from ocpi_party.partners.partner import Partner, PartnerStatus, Party

Mounted = Iterable[tuple[ModuleId, InterfaceRole]]
_PATH = {Role.CPO: "cpo", Role.EMSP: "emsp"}


def versions_url(public_url: str) -> str:
    return f"{public_url}/ocpi/versions"


def interface_path(role: Role, version: str, module: ModuleId) -> str:
    return f"/ocpi/{_PATH[role]}/{version}/{module}"


def endpoints(
    public_url: str, version: str, mounted: Mounted, partner: Partner, ours: tuple[Party, ...]
) -> list[JsonObject]:
    """The endpoints of our version details for one partner: what is mounted, as far as our parties that deal with it need it.

    ours  our parties that this partner deals with
    """
    roles = {party.role for party in ours}
    found = [_endpoint(ModuleId.CREDENTIALS, InterfaceRole.SENDER, f"{public_url}/ocpi/{version}/credentials")]
    for module, interface in mounted:
        if not partner.exchanges(module):
            continue
        if module in FUNCTIONAL:
            role = role_with(module, interface)
            if role in roles:
                found.append(_endpoint(module, interface, public_url + interface_path(role, version, module)))
        elif roles and _may_be_hub(partner):
            role = Role.CPO if Role.CPO in roles else Role.EMSP
            found.append(_endpoint(module, interface, public_url + interface_path(role, version, module)))
    return found


def _may_be_hub(partner: Partner) -> bool:
    """A hub asks for our endpoints while it registers, before its credentials tell us what it is."""
    return partner.is_hub or partner.status in (PartnerStatus.INVITED, PartnerStatus.CONNECTING)


def _endpoint(module: ModuleId, interface: InterfaceRole, url: str) -> JsonObject:
    return {"identifier": module, "role": interface, "url": url}


def roles(ours: tuple[Party, ...]) -> list[JsonObject]:
    """Our roles, as Credentials carry them."""
    return [
        {
            "role": party.role,
            "business_details": party.business_details,
            "party_id": party.party_id,
            "country_code": party.country_code,
        }
        for party in ours
    ]
