"""CPOs read our tokens."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.objects import NOON, a_token
from tests.partner import Caller, FakePartner
from tests.server import Server

from ocpi_party.ocpi.types import JsonObject, PartyId

OWM = PartyId("NL", "OWM")
Put = Callable[..., Awaitable[JsonObject]]


@pytest.fixture
async def tnm(server: Server) -> Caller:
    """The CPO NL/TNM, calling our eMSP."""
    caller = await server.connect(server.internet.add(FakePartner()))
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


@pytest.fixture
def put(server: Server) -> Put:
    async def put(params: dict[str, str] | None = None, **changes: Any) -> JsonObject:
        token = a_token(OWM, **changes)
        answer = await server.operator.put(f"/api/tokens/NL/OWM/{token['uid']}", json=token, params=params)
        assert answer.status_code == 201, answer.text
        return token

    return put


@pytest.mark.requirement("TOK-S-01", "PAG-04", "PAG-06", "PAG-07", "PAG-08")
async def test_the_list_has_pages_and_keeps_invalid_tokens(tnm: Caller, put: Put) -> None:
    tokens = [await put(uid=f"{number}", valid=number != 1) for number in range(3)]

    first = await tnm.get("/tokens", params={"limit": "2"})
    rest = await tnm.get(first.headers["link"].partition(">")[0][1:])

    assert first.data + rest.data == tokens
    assert (first.headers["x-total-count"], first.headers["x-limit"], "link" in rest.headers) == ("3", "2", False)


@pytest.mark.requirement("PAG-02", "PAG-03")
async def test_a_window_begins_with_date_from_and_ends_before_date_to(tnm: Caller, put: Put) -> None:
    await put(uid="before", last_updated="2026-03-01T11:59:59Z")
    await put(uid="in", last_updated=NOON)
    await put(uid="after", last_updated="2026-03-01T12:00:01Z")

    seen = await tnm.get("/tokens", params={"date_from": NOON, "date_to": "2026-03-01T12:00:01Z"})

    assert [token["uid"] for token in seen.data] == ["in"]
    assert seen.headers["x-total-count"] == "1"


@pytest.mark.requirement("PAG-18")
async def test_a_token_for_one_party_is_not_shown_to_others(tnm: Caller, put: Put) -> None:
    await put(uid="all")
    await put({"audience": "NL*TNM"}, uid="theirs")
    await put({"audience": "FR*CCC"}, uid="others")
    await put({"audience": "-"}, uid="nobody")

    seen = await tnm.get("/tokens")

    assert [token["uid"] for token in seen.data] == ["all", "theirs"]


@pytest.mark.requirement("TOK-S-03")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_our_tokens_are_ours_to_change(tnm: Caller, put: Put, method: str) -> None:
    await put(uid="1")

    answers = [await tnm.request(method, url, a_token(OWM)) for url in ("/tokens", "/tokens/1/authorize")]

    assert [one.http_status for one in answers] == [405, 405]


@pytest.mark.requirement("TOK-A-13")
async def test_version_details_offer_both_interfaces(tnm: Caller) -> None:
    offered = (await tnm.get("/ocpi/2.2.1")).data["endpoints"]

    assert [(one["role"], one["url"]) for one in offered if one["identifier"] == "tokens"] == [
        ("SENDER", "https://ours.example/ocpi/emsp/2.2.1/tokens"),
        ("RECEIVER", "https://ours.example/ocpi/cpo/2.2.1/tokens"),
    ]
