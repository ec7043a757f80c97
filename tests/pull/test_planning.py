"""Which lists of a partner we fetch."""

from typing import Any

import pytest

from ocpi_party.ocpi.location import Location
from ocpi_party.ocpi.modules import InterfaceRole, ModuleId, Role
from ocpi_party.owned.pull import Pulled
from ocpi_party.partners.partner import Partner, PartnerStatus, Party
from ocpi_party.pull.planning import wanted

M = ModuleId
OURS = (Party("NL", "OWA", Role.CPO), Party("NL", "OWM", Role.EMSP))
PULLED = {m: Pulled(Location, None) for m in (M.CDRS, M.HUB_CLIENT_INFO, M.LOCATIONS, M.SESSIONS, M.TARIFFS, M.TOKENS)}


def a_partner(*roles: Role, **changes: Any) -> Partner:
    given: dict[str, Any] = {
        "id": 1,
        "name": "tnm",
        "status": PartnerStatus.CONNECTED,
        "version": "2.2.1",
        "versions_url": None,
        "is_hub": Role.HUB in roles,
        "token_sent": None,
        "token_encoding": "base64",
        "quirks": {},
        "modules": None,
        "agreed": None,
        "push": True,
        "pull": True,
        "parties": tuple(Party("NL", f"TN{number}", role) for number, role in enumerate(roles)),
        "endpoints": {(module, InterfaceRole.SENDER): "https://tnm.example" for module in PULLED},
    }
    return Partner(**given | changes)


def of(partner: Partner, ours: tuple[Party, ...] = OURS) -> list[tuple[ModuleId, str, str]]:
    return [(one.module, one.party, one.addressee) for one in wanted(partner, ours, PULLED)]


@pytest.mark.requirement("OPS-15", "LOC-S-09")
def test_an_emsp_fetches_tariffs_then_locations_then_sessions_then_cdrs_of_a_cpo() -> None:
    lists = of(a_partner(Role.CPO))

    assert lists == [(module, "NL*TN0", "NL*OWM") for module in (M.TARIFFS, M.LOCATIONS, M.SESSIONS, M.CDRS)]


@pytest.mark.requirement("OPS-15")
def test_a_cpo_fetches_tokens_of_an_emsp() -> None:
    assert of(a_partner(Role.EMSP)) == [(M.TOKENS, "NL*TN0", "NL*OWA")]


@pytest.mark.requirement("HUB-16")
def test_of_a_hub_its_own_party_is_asked_for_all_behind_it_once_those_are_known() -> None:
    behind = Party("NL", "BEH", Role.CPO, behind_hub=True)

    lists = of(a_partner(parties=(Party("NL", "HUB", Role.HUB), behind), is_hub=True))

    assert lists[0] == (M.HUB_CLIENT_INFO, "NL*HUB", "")
    assert {party for _, party, _ in lists} == {"NL*HUB"}
    assert {(module, ours) for module, _, ours in lists[1:]} == {
        (M.TARIFFS, "NL*OWM"),
        (M.LOCATIONS, "NL*OWM"),
        (M.SESSIONS, "NL*OWM"),
        (M.CDRS, "NL*OWM"),
        (M.TOKENS, "NL*OWA"),
    }


def test_each_of_their_parties_is_asked_by_each_of_ours() -> None:
    ours = (*OURS, Party("NL", "OW2", Role.EMSP))

    lists = [one for one in of(a_partner(Role.CPO, Role.CPO), ours) if one[0] is M.LOCATIONS]

    assert lists == [(M.LOCATIONS, theirs, our) for theirs in ("NL*TN0", "NL*TN1") for our in ("NL*OWM", "NL*OW2")]


@pytest.mark.parametrize(
    "changes",
    [{"pull": False}, {"status": PartnerStatus.UNREGISTERED}, {"modules": frozenset({"tokens"})}, {"endpoints": {}},
     {"agreed": frozenset({"NL*OWA"})}],
    ids=["not to be pulled", "gone", "other modules", "no endpoint", "other parties of ours"],
)  # fmt: skip
@pytest.mark.requirement("OPS-01")
def test_nothing_is_fetched(changes: dict[str, Any]) -> None:
    assert of(a_partner(Role.CPO, **changes)) == []
