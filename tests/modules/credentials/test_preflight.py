"""A handshake tried beforehand: what is wrong at the other end is told with who must mend it, and nothing is changed."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
import time_machine
from tests.own import fill
from tests.partner import FakePartner
from tests.server import Server, start_server

from ocpi_party.modules.credentials.preflight import Preflight
from ocpi_party.ocpi.types import now, parse_time, wire_time
from ocpi_party.partners import repository
from ocpi_party.sandbox.faults import Fault, Faults, Faulty

AT_HOME = "http://127.0.0.1"
URL = f"{AT_HOME}/ocpi/versions"


@dataclass
class Pair:
    """ours looks at theirs, which has faults"""

    ours: Server
    theirs: Server
    faults: Faults

    async def look(self, token: str) -> dict[str, Any]:
        answer = await self.ours.operator.post(
            "/api/partners/preflight", json={"versions_url": URL, "credentials_token": token}
        )
        assert answer.status_code == 200, answer.text
        return {one["step"]: one for one in answer.json()}


@pytest.fixture
async def pair(database_url: str, new_database: Callable[[], str]) -> AsyncIterator[Pair]:
    async with (
        start_server(database_url, allow_private_urls=True) as ours,
        start_server(new_database(), allow_private_urls=True, public_url=AT_HOME) as theirs,
    ):
        faulty = Faulty(theirs.app, Faults())
        ours.internet.hosts["127.0.0.1"] = faulty
        theirs.internet.hosts["ours.example"] = ours.app
        await ours.add_party("NL", "OWM", "EMSP")
        await theirs.add_party("NL", "TNM", "CPO")
        yield Pair(ours, theirs, faulty.faults)


async def test_good_partner_passes_each_step_and_stays_invited(pair: Pair) -> None:
    steps = await pair.look(await pair.theirs.invite())

    assert list(steps) == ["dns", "tls", "token", "clock", "versions", "details", "endpoints", "paging"]
    assert [one["words"] for one in steps.values() if not one["ok"]] == []
    assert "before registration" in steps["paging"]["words"]
    assert [one["status"] for one in (await pair.theirs.operator.get("/api/partners")).json()] == ["INVITED"]
    assert (await pair.ours.operator.get("/api/partners")).json() == []


@pytest.mark.parametrize(
    ("fault", "step", "words"),
    [
        (Fault.GARBAGE, "versions", "is not JSON"),
        (Fault.ERROR_500, "versions", "HTTP 500"),
        (Fault.WRONG_ENVELOPE, "versions", "no OCPI envelope"),
    ],
)
async def test_step_that_fails_is_the_last(pair: Pair, fault: Fault, step: str, words: str) -> None:
    pair.faults.change([fault])

    steps = await pair.look(await pair.theirs.invite())

    assert list(steps) == ["dns", "tls", step]
    assert (steps[step]["ok"], steps[step]["who_must_mend"]) == (False, "the partner")
    assert words in steps[step]["words"]


async def test_token_that_is_refused(pair: Pair) -> None:
    steps = await pair.look("not-theirs")

    assert steps["token"]["who_must_mend"] == "the partner"
    assert "not-theirs" not in str(steps)


@pytest.mark.requirement("TRN-05")
@pytest.mark.parametrize("told", [{"token_encoding": "raw"}, {}], ids=["as we are told", "as we find out"])
async def test_partner_that_wants_raw_tokens_is_seen_and_can_be_connected_to(pair: Pair, told: dict[str, str]) -> None:
    pair.faults.change([Fault.RAW_TOKEN])
    token = await pair.theirs.invite()

    steps = await pair.look(token)
    connected = await pair.ours.operator.post(
        "/api/partners",
        json={"name": "TNM", "versions_url": URL, "credentials_token": token} | told,
    )

    assert steps["token"]["who_must_mend"] == "you"
    assert "token_encoding to raw" in steps["token"]["words"]
    assert steps["endpoints"]["ok"]
    assert (connected.status_code, connected.json()["token_encoding"]) == (201, "raw")


async def test_list_of_a_connected_partner_is_paged(pair: Pair) -> None:
    await fill(pair.theirs, 3, owner=(await pair.theirs.app.building.directory.own_parties())[0].key)
    invitation = {"versions_url": URL, "credentials_token": await pair.theirs.invite()}
    await pair.ours.operator.post("/api/partners", json={"name": "TNM"} | invitation)
    house = pair.ours.app.building
    async with house.database.read() as tx:
        [partner] = await repository.every(tx)
    token = await house.token_of(partner.id)
    assert token is not None

    steps = {one.step: one async for one in Preflight(house, URL, *token, partner).steps()}

    assert [one.words for one in steps.values() if not one.ok] == []
    assert steps["paging"].words == "locations SENDER: its 3 objects are paged as they should be"
    pair.faults.change([Fault.ERROR_500], modules=["locations"])
    spoilt = {one.step: one async for one in Preflight(house, URL, *token, partner).steps()}
    assert spoilt["paging"].who_must_mend == "the partner"


async def test_url_that_may_not_be_called_is_not_called(server: Server) -> None:
    body = {"versions_url": URL, "credentials_token": "a-token"}

    answer = await server.operator.post("/api/partners/preflight", json=body)

    assert [(one["step"], one["ok"]) for one in answer.json()] == [("url", False)]


class AtHome(FakePartner):
    @property
    def base(self) -> str:
        return f"{AT_HOME}/ocpi"


@pytest.mark.parametrize(
    ("date", "timestamp", "words"),
    [
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z", None),
        ("2026-03-01T12:01:40Z", "2026-03-01T12:00:00Z", "Date is 100 seconds ahead of"),
        ("2026-03-01T12:00:00Z", "2026-03-01T10:59:59Z", "timestamp is 3600 seconds behind"),
        ("2026-03-01T12:00:00Z", "noon", "no timestamp"),
    ],
)
async def test_clock_of_the_partner_is_compared(
    database_url: str, date: str, timestamp: str, words: str | None
) -> None:
    partner = AtHome(host="127.0.0.1")
    body = {"data": [{"version": "2.2.1", "url": f"{partner.base}/2.2.1"}], "status_code": 1000, "timestamp": timestamp}
    told = {"date": format_datetime(parse_time(date), usegmt=True)}
    partner.on("GET", "/ocpi/versions", lambda _request: httpx.Response(200, json=body, headers=told))
    async with start_server(database_url, allow_private_urls=True) as ours:
        ours.internet.add(partner)
        with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
            assert wire_time(now()) == "2026-03-01T12:00:00Z"
            steps = {one.step: one async for one in Preflight(ours.app.building, URL, "a-token").steps()}

    assert steps["clock"].ok is (words is None)
    assert (words or "") in steps["clock"].words
