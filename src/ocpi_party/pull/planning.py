"""Which lists of a partner we need: each of its parties' in a role that sends, for each of ours in the role that receives."""

from collections.abc import Mapping
from typing import NamedTuple

from ocpi_party.ocpi.modules import FUNCTIONAL, InterfaceRole, ModuleId, Role, role_with
from ocpi_party.outbox.marking import RANK
from ocpi_party.owned.pull import Pulled
from ocpi_party.partners.partner import Partner, PartnerStatus, Party

_FIRST, _LAST = -1, 9


class Wanted(NamedTuple):
    """A list of a partner.

    party      whose it is: the TO of the request; of a hub its own, which stands for all behind it (HUB-16)
    addressee  our party that asks, "" without routing headers
    rank       in what order lists are fetched (OPS-15)
    """

    module: ModuleId
    party: str
    addressee: str
    rank: int


def wanted(partner: Partner, ours: tuple[Party, ...], pulled: Mapping[ModuleId, Pulled]) -> list[Wanted]:
    """The lists of this partner that we fetch. ours  all our parties"""
    if partner.status is not PartnerStatus.CONNECTED or not partner.pull:
        return []
    found = [
        Wanted(module, theirs, our, _rank(module))
        for module in pulled
        if partner.exchanges(module) and partner.endpoint(module, InterfaceRole.SENDER)
        for theirs in _senders(partner, module)
        for our in _receivers(partner, ours, module)
    ]
    return sorted(dict.fromkeys(found), key=lambda one: (one.rank, one.module))


def _rank(module: ModuleId) -> int:
    # Who is behind a hub must be known before their objects come.
    return _FIRST if module is ModuleId.HUB_CLIENT_INFO else RANK.get(module, _LAST)


def _senders(partner: Partner, module: ModuleId) -> list[str]:
    hub = partner.is_hub or module not in FUNCTIONAL
    role = Role.HUB if hub else role_with(module, InterfaceRole.SENDER)
    return [str(party.key) for party in partner.parties if party.role is role and not party.behind_hub]


def _receivers(partner: Partner, ours: tuple[Party, ...], module: ModuleId) -> list[str]:
    if module not in FUNCTIONAL:
        return [""]
    role = role_with(module, InterfaceRole.RECEIVER)
    return [str(party.key) for party in partner.agreed_with(ours) if party.role is role]
