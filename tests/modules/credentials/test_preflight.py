"""A handshake tried beforehand: what is wrong at the other end is told with who must mend it, and nothing is changed."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
import time_machine
from tests.own import fill
from tests.partner import FakePartner, basic, envelope
from tests.server import Server, start_server

from ocpi_party.modules.credentials import preflight
from ocpi_party.modules.credentials.preflight import Preflight, Step
from ocpi_party.ocpi.types import now, parse_time, wire_time
from ocpi_party.partners import repository
from ocpi_party.partners.reach import UnknownAuthority
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


async def test_certificate_of_an_unknown_authority_leads_to_the_setting_that_trusts_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody_vouches(*_given: Any, **_more: Any) -> None:
        raise UnknownAuthority("its certificate cannot be trusted: self-signed certificate")

    monkeypatch.setattr(preflight, "certificate", nobody_vouches)
    async with start_server(database_url, allow_private_urls=True) as ours:
        look = Preflight(ours.app.building, "https://127.0.0.1/ocpi/versions", "a-token")
        *_, last = [one async for one in look.steps()]

    assert (last.step, last.who_must_mend) == ("tls", "the partner, or you")
    assert "OCPI_CA_BUNDLE" in last.words


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


async def _look(database_url: str, partner: FakePartner) -> dict[str, Step]:
    """By an eMSP that has the token a-token."""
    async with start_server(database_url, allow_private_urls=True) as ours:
        ours.internet.add(partner)
        await ours.add_party("NL", "OWM", "EMSP")
        return {one.step: one async for one in Preflight(ours.app.building, URL, "a-token").steps()}


REFUSALS = {
    "401": httpx.Response(401),
    "403": httpx.Response(403, text="Forbidden"),
    "2001": envelope(code=2001, message="Unknown token"),
    "400 and 2001": envelope(code=2001, http_status=400),
    "3000": envelope(code=3000, message="Unknown token"),
}


@pytest.mark.requirement("TRN-05")
@pytest.mark.parametrize("refusal", REFUSALS)
async def test_raw_token_is_tried_whatever_the_other_form_is_refused_with(database_url: str, refusal: str) -> None:
    partner = AtHome(host="127.0.0.1")

    def wants_it_raw(request: httpx.Request) -> httpx.Response:
        if request.headers["authorization"] == basic("a-token"):
            return REFUSALS[refusal]
        return envelope([{"version": "2.2.1", "url": f"{partner.base}/2.2.1"}])

    partner.on("GET", "/ocpi/versions", wants_it_raw)

    steps = await _look(database_url, partner)

    assert "token_encoding to raw" in steps["token"].words
    assert steps["details"].ok


@pytest.mark.parametrize(
    ("refusal", "step", "words"),
    [
        ("401", "token", "it is refused, in Base64 and raw (HTTP 401): ask for a new one"),
        ("403", "token", "it is refused, in Base64 and raw (HTTP 403 Forbidden): ask for a new one"),
        ("2001", "token", "it is refused, in Base64 and raw (HTTP 200, OCPI 2001 Unknown token): ask for a new one"),
        ("400 and 2001", "token", "it is refused, in Base64 and raw (HTTP 400, OCPI 2001): ask for a new one"),
        ("3000", "versions", f"GET versions: {URL}: HTTP 200, OCPI 3000 Unknown token; the token in the other form"),
    ],
)
async def test_token_that_is_refused_in_both_forms_is_told_as_the_partner_says_it(
    database_url: str, refusal: str, step: str, words: str
) -> None:
    partner = AtHome(host="127.0.0.1")
    partner.on("GET", "/ocpi/versions", REFUSALS[refusal])

    steps = await _look(database_url, partner)

    assert list(steps) == ["dns", "tls", step]
    assert steps[step].words.startswith(words)
    assert steps[step].who_must_mend == "the partner"


async def test_url_at_which_there_is_nothing_is_no_refused_token(database_url: str) -> None:
    partner = AtHome(host="127.0.0.1")
    partner.on("GET", "/ocpi/versions", httpx.Response(404, json={"detail": "Not Found"}))

    steps = await _look(database_url, partner)

    assert list(steps) == ["dns", "tls", "versions"]
    assert f'GET versions: {URL} answered HTTP 404 {{"detail":"Not Found"}}' in steps["versions"].words


def _details(partner: FakePartner, *, version: str | None = "2.2.1", role: str | None = "SENDER") -> dict[str, Any]:
    listed = [{"identifier": one, "url": f"{partner.base}/{one}"} for one in ("credentials", "locations", "cdrs")]
    given = {"role": role} if role else {}
    return {"endpoints": [one | given for one in listed]} | ({"version": version} if version else {})


async def test_details_in_a_list_are_the_partners_to_mend(database_url: str) -> None:
    partner = AtHome(host="127.0.0.1")
    partner.on("GET", "/ocpi/2.2.1", envelope([_details(partner)]))

    steps = await _look(database_url, partner)

    assert steps["details"].who_must_mend == "the partner"
    assert "`data` is a list, and not an object" in steps["details"].words
    assert steps["endpoints"].ok


@pytest.mark.parametrize(
    ("wrong", "words", "useful"),
    [
        ({}, None, True),
        ({"role": None}, "`role` is missing, as in OCPI before 2.2: cdrs, locations", False),
        ({"role": "sender"}, "`role` is sender, neither SENDER nor RECEIVER: cdrs, locations", False),
        ({"version": "2.1.1"}, "`version` is 2.1.1, and not 2.2.1", True),
        ({"version": None}, "`version` is missing", True),
    ],
)
async def test_details_that_stray_from_this_version_are_the_partners_to_mend(
    database_url: str, wrong: dict[str, Any], words: str | None, useful: bool
) -> None:
    partner = AtHome(host="127.0.0.1")
    partner.on("GET", "/ocpi/2.2.1", envelope(_details(partner, **wrong)))

    steps = await _look(database_url, partner)

    assert steps["details"].who_must_mend == (None if words is None else "the partner")
    assert (words or "") in steps["details"].words
    assert steps["endpoints"].who_must_mend == (None if useful else "the partner")
