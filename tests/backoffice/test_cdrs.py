"""The operator issues and credits our CDRs, and their payers get them."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from tests.objects import LATER, a_cdr, a_cdr_token, a_charging_period, a_location, a_session, a_tariff
from tests.partner import FakePartner, envelope
from tests.pricing.charging import EXAMPLES
from tests.server import Server

from ocpi_party.ocpi.types import PartyId
from ocpi_party.outbox import lanes

OWA = PartyId("NL", "OWA")
URL = "/api/cdrs/NL/OWA/CDR1"
_UNNAMED = {name: value for name, value in a_charging_period().items() if name != "tariff_id"}
_AD_HOC = a_tariff(OWA, type="AD_HOC_PAYMENT")
THEIRS = "https://tnm.example/ocpi/2.2.1/receiver/cdrs"


def ours(**changes: Any) -> dict[str, Any]:
    """A CDR of ours, for DE/TNM to pay."""
    return a_cdr(OWA, cdr_token=a_cdr_token(PartyId("DE", "TNM"))) | changes


@pytest.fixture
async def tnm(server: Server) -> FakePartner:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    partner.asked.clear()
    return partner


async def delivery(server: Server, cdr_id: str = "CDR1") -> list[dict[str, Any]]:
    answer = await server.operator.get(f"/api/cdrs/NL/OWA/{cdr_id}/delivery")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


async def failures_are_over(server: Server) -> None:
    """The pause after a failure is over, without waiting for it."""
    async with server.app.building.database.write() as tx:
        for row in await server.rows("SELECT id FROM partners"):
            await lanes.wake(tx, row["id"])


@pytest.mark.requirement("TYP-11")
async def test_a_cdr_is_rounded_before_its_costs_are_calculated_and_before_it_is_issued(server: Server) -> None:
    element = {"price_components": [{"type": "ENERGY", "price": 0.123456, "step_size": 1}]}
    volume = {"charging_periods": [a_charging_period(dimensions=[{"type": "ENERGY", "volume": 10000.00004}])]}
    cdr = ours(tariffs=[a_tariff(OWA, elements=[element])], **volume)

    priced = (await server.operator.post("/api/cdrs/price", json=cdr)).json()["cdr"]
    issued = await server.operator.put(URL, json=priced)
    again = await server.operator.put(URL, json=cdr | {n: v for n, v in priced.items() if n.startswith("total_")})

    assert priced["total_cost"] == {"excl_vat": 1235}
    assert priced["total_energy"] == 10000
    assert (issued.status_code, again.status_code, again.json()) == (201, 200, issued.json())
    assert issued.json() == priced


@pytest.mark.requirement("CDR-R-01", "CDR-R-21", "CDR-R-25", "HUB-13")
async def test_a_cdr_is_posted_to_its_payer_alone(server: Server, tnm: FakePartner) -> None:
    abc = server.internet.add(FakePartner("abc", "abc.example", "token-of-abc", roles=(("EMSP", "DE", "ABC"),)))
    await server.connect(abc)
    abc.asked.clear()

    answer = await server.operator.put(URL, json=ours())
    await server.push()

    assert (answer.status_code, answer.json()) == (201, ours())
    (told,) = tnm.asked
    assert (told.method, str(told.url)) == ("POST", THEIRS)
    assert json.loads(told.content) == ours()
    assert (told.headers["ocpi-from-party-id"], told.headers["ocpi-to-party-id"]) == ("OWA", "TNM")
    assert abc.asked == []


async def test_the_same_cdr_again_changes_nothing_and_another_content_is_a_conflict(
    server: Server, tnm: FakePartner
) -> None:
    body = {name: value for name, value in ours().items() if name != "last_updated"}
    first = await server.operator.put(URL, json=body)
    await server.push()
    tnm.asked.clear()

    again = await server.operator.put(URL, json=body)
    other = await server.operator.put(URL, json=body | {"remark": "changed"})
    await server.push()

    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    assert (other.status_code, other.headers["content-type"]) == (409, "application/problem+json")
    assert (await server.operator.get(URL)).json() == first.json()
    assert tnm.asked == []


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_cdr_is_neither_changed_nor_deleted(server: Server, method: str) -> None:
    await server.operator.put(URL, json=ours())

    answer = await server.operator.request(method, URL, json={"remark": "changed"})

    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    assert (await server.operator.get(URL)).json() == ours()


@pytest.mark.requirement("CDR-R-16")
async def test_our_cdrs_have_no_dimensions_of_sessions(server: Server) -> None:
    periods = [a_charging_period(), a_charging_period(dimensions=[{"type": "STATE_OF_CHARGE", "volume": 80}])]

    answer = await server.operator.put(URL, json=ours(charging_periods=periods))

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/charging_periods/1/dimensions/0/type")


@pytest.mark.requirement("CDR-R-24")
async def test_our_cdrs_have_times(server: Server) -> None:
    answer = await server.operator.put(URL, json=ours(start_date_time="1970-01-01T00:00:00Z"))

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/start_date_time")


@pytest.mark.requirement("CDR-R-20")
async def test_our_cdrs_do_not_end_before_they_start(server: Server) -> None:
    answer = await server.operator.put(URL, json=ours(end_date_time="2026-03-01T11:59:59Z"))

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/end_date_time")
    assert (await server.operator.get(URL)).status_code == 404


@pytest.mark.requirement("CDR-R-14")
async def test_a_cdr_keeps_what_was_true_at_the_start_of_the_session(server: Server, tnm: FakePartner) -> None:
    await server.operator.put("/api/locations/NL/OWA/LOC1", json=a_location(OWA))
    await server.operator.put("/api/tariffs/NL/OWA/12", json=a_tariff(OWA))
    await server.operator.patch("/api/locations/NL/OWA/LOC1", json={"address": "Renamed street 1"})
    await server.operator.patch("/api/tariffs/NL/OWA/12", json={"currency": "CHF"})

    await server.operator.put(URL, json=ours())
    await server.push()

    (told,) = tnm.requests("POST")
    assert json.loads(told.content)["cdr_location"]["address"] == "F.Rooseveltlaan 3A"
    assert json.loads(told.content)["tariffs"] == [a_tariff(OWA)]


@pytest.mark.requirement("CDR-R-04")
@pytest.mark.parametrize(
    ("answer", "url"),
    [
        (envelope(headers={"Location": f"{THEIRS}/1"}, http_status=201), f"{THEIRS}/1"),
        (
            envelope(headers={"Location": "/ocpi/2.2.1/receiver/cdrs/2"}),
            "https://tnm.example/ocpi/2.2.1/receiver/cdrs/2",
        ),
        (envelope(f"{THEIRS}/3"), f"{THEIRS}/3"),
        (envelope("thanks"), None),
        (envelope(), None),
    ],
)
async def test_the_url_that_the_partner_tells_is_kept_and_none_is_guessed(
    server: Server, tnm: FakePartner, answer: httpx.Response, url: str | None
) -> None:
    tnm.on("POST", "/cdrs", answer)

    await server.operator.put(URL, json=ours())
    await server.push()

    (seen,) = await delivery(server)
    assert (seen["state"], seen["url"]) == ("DELIVERED", url)
    warned = await server.rows("SELECT rule FROM findings WHERE ref = 'NL*OWA/CDR1'")
    assert bool(warned) == (url is None)
    assert len(tnm.asked) == 1


@pytest.mark.requirement("CDR-R-28", "CDR-R-06", "OPS-04")
async def test_a_cdr_that_got_no_answer_is_posted_again_until_it_is_confirmed(server: Server, tnm: FakePartner) -> None:
    got: list[bytes] = []

    def fails_once(request: httpx.Request) -> httpx.Response:
        got.append(request.content)
        return httpx.Response(502) if len(got) == 1 else envelope(headers={"Location": f"{THEIRS}/1"})

    tnm.on("POST", "/cdrs", fails_once)
    await server.operator.put(URL, json=ours())
    await server.push()
    (waiting,) = await delivery(server)

    await failures_are_over(server)
    await server.push()

    assert (waiting["state"], waiting["attempts"]) == ("WAITING", 1)
    assert [(one["state"], one["attempts"]) for one in await delivery(server)] == [("DELIVERED", 2)]
    assert [request.method for request in tnm.asked] == ["POST", "POST"]
    assert got[0] == got[1]


async def test_each_attempt_to_reach_who_waits_for_a_cdr_counts(server: Server, tnm: FakePartner) -> None:
    def is_down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("down", request=request)

    tnm.on("POST", "/cdrs", is_down)
    await server.operator.put(URL, json=ours())
    counted = []
    for _ in range(3):
        await server.push()
        await failures_are_over(server)
        (waiting,) = await delivery(server)
        (listed,) = (await server.operator.get("/api/deliveries")).json()
        counted.append((waiting["attempts"], listed["attempts"]))
        assert waiting["error"] == listed["reason"] == "no connection: down"

    assert counted == [(1, 1), (2, 2), (3, 3)]
    tnm.handlers.clear()
    await server.push()
    assert [(one["state"], one["attempts"]) for one in await delivery(server)] == [("DELIVERED", 4)]
    await server.operator.put("/api/cdrs/NL/OWA/CDR2", json=ours(id="CDR2"))
    (untried,) = (await server.operator.get("/api/deliveries")).json()
    assert [(await delivery(server, "CDR2"))[0]["error"], untried["reason"]] == [None, None]
    await server.push()
    assert [one["attempts"] for one in await delivery(server, "CDR2")] == [1]


async def test_who_has_a_cdr_that_there_is_not_is_not_found(server: Server) -> None:
    answer = await server.operator.get("/api/cdrs/NL/OWA/NOPE/delivery")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.requirement("CDR-R-28", "OPS-04")
async def test_a_refused_cdr_waits_for_the_operator(server: Server, tnm: FakePartner) -> None:
    tnm.on("POST", "/cdrs", envelope(code=2001, http_status=200))
    await server.operator.put(URL, json=ours())
    await server.push()
    (refused,) = await delivery(server)
    tnm.on("POST", "/cdrs", envelope(headers={"Location": f"{THEIRS}/1"}))

    sent = await server.operator.post(f"{URL}/send")
    await server.push()

    assert refused["state"] == "REFUSED"
    assert "2001" in refused["error"]
    assert (sent.status_code, sent.json()) == (202, {"partners": 1})
    assert [one["state"] for one in await delivery(server)] == ["DELIVERED"]


@pytest.mark.requirement("CDR-R-04", "CDR-R-28")
@pytest.mark.parametrize(("host", "state"), [("tnm.example", "DELIVERED"), ("elsewhere.example", "REFUSED")])
async def test_one_that_is_there_already_after_a_doubtful_post_is_looked_at(
    server: Server, tnm: FakePartner, host: str, state: str
) -> None:
    """At the URL that the refusal names, if it is on the partner's own host."""
    elsewhere = server.internet.add(FakePartner("elsewhere", "elsewhere.example"))
    tnm.on("POST", "/cdrs", httpx.Response(502))
    await server.operator.put(URL, json=ours())
    await server.push()
    tnm.on("POST", "/cdrs", envelope(code=2001, headers={"Location": f"https://{host}/cdrs/77"}))
    tnm.on("GET", "/cdrs/77", envelope(ours()))

    await failures_are_over(server)
    await server.push()

    assert [one["state"] for one in await delivery(server)] == [state]
    assert elsewhere.asked == []


@pytest.mark.requirement("CDR-S-01")
async def test_a_late_cdr_is_issued_with_a_warning_that_partners_may_not_find_it(server: Server) -> None:
    late = await server.operator.put(URL, json=ours(last_updated="2020-01-01T00:00:00Z"))
    again = await server.operator.put(URL, json=ours(last_updated="2020-01-01T00:00:00Z"))
    undated = {name: value for name, value in ours(id="CDR2").items() if name != "last_updated"}
    fresh = await server.operator.put("/api/cdrs/NL/OWA/CDR2", json=undated)

    assert (late.status_code, late.json()["last_updated"]) == (201, "2020-01-01T00:00:00Z")
    assert "last_updated lies in the past" in late.headers["warning"]
    assert ["warning" in one.headers for one in (again, fresh)] == [False, False]


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"last_updated": "2099-01-01T00:00:00Z"}, ["last_updated lies in the future"]),
        ({"total_cost": {"excl_vat": -1.05}}, ["total_cost is negative, but this is no Credit CDR"]),
        ({"total_cost": {"excl_vat": -1.05}, "total_energy": -4.2}, []),
    ],
)
async def test_what_is_odd_in_a_cdr_is_said_in_a_warning(server: Server, odd: dict[str, Any], words: list[str]) -> None:
    undated = {name: value for name, value in ours().items() if name != "last_updated"}

    answer = await server.operator.put(URL, json=undated | odd)

    warned = answer.headers.get("warning", "")
    assert (answer.status_code, warned.count("299"), all(each in warned for each in words)) == (201, len(words), True)


@pytest.mark.requirement("CDR-R-04", "CDR-R-28", "STS-05")
@pytest.mark.parametrize(
    ("url", "seen", "state"),
    [
        (f"{THEIRS}/77", envelope(ours()), "DELIVERED"),
        (f"{THEIRS}/77", envelope(code=2003, http_status=404), "REFUSED"),
        (f"{THEIRS}/77", httpx.Response(200), "REFUSED"),
        ("https://elsewhere.example/cdrs/77", envelope(ours()), "REFUSED"),
        (None, envelope(ours()), "REFUSED"),
    ],
)
async def test_a_cdr_with_an_empty_answer_is_delivered_if_the_partner_shows_it(
    server: Server, tnm: FakePartner, url: str | None, seen: httpx.Response, state: str
) -> None:
    tnm.on("POST", "/cdrs", httpx.Response(201, headers={"Location": url} if url else {}))
    tnm.on("GET", "/cdrs/77", seen)

    await server.operator.put(URL, json=ours())
    await server.push()

    (one,) = await delivery(server)
    found = [(f["pointer"], f["rule"]) for f in (await server.operator.get("/api/findings")).json()]
    assert (one["state"], one["url"]) == (state, url if state == "DELIVERED" else None)
    assert one["error"] == (None if state == "DELIVERED" else "HTTP 201, no OCPI envelope")
    assert found == ([("", "the answer has no OCPI envelope")] if state == "DELIVERED" else [])
    assert len(tnm.requests("POST")) == 1


@pytest.mark.requirement("CDR-R-09", "CDR-R-12")
async def test_a_cdr_is_credited_and_corrected_in_one_action(server: Server, tnm: FakePartner) -> None:
    await server.operator.put(URL, json=ours())
    corrected = ours(id="CDR2", total_cost={"excl_vat": 2.1, "incl_vat": 2.52})

    answer = await server.operator.post(f"{URL}/credit", json={"replacement": corrected})
    await server.push()

    credit = answer.json()["credit"]
    changed = {"id", "credit", "credit_reference_id", "total_cost", "last_updated"}
    assert answer.status_code == 201, answer.text
    assert {name: credit[name] for name in changed - {"last_updated"}} == {
        "id": "CDR1-C",
        "credit": True,
        "credit_reference_id": "CDR1",
        "total_cost": {"excl_vat": -1.05, "incl_vat": -1.26},
    }
    assert {n: v for n, v in credit.items() if n not in changed} == {
        n: v for n, v in ours().items() if n not in changed
    }
    assert answer.json()["replacement"] == corrected
    assert [json.loads(request.content)["id"] for request in tnm.asked] == ["CDR1", "CDR1-C", "CDR2"]


@pytest.mark.requirement("CDR-R-11")
async def test_the_chain_counts_nothing_twice(server: Server) -> None:
    await server.operator.put(URL, json=ours())
    corrected = ours(id="CDR2", total_cost={"excl_vat": 2.1, "incl_vat": 2.52})
    await server.operator.post(f"{URL}/credit", json={"id": "GUTSCHRIFT", "replacement": corrected})

    answers = [await server.operator.get(f"/api/cdrs/NL/OWA/{name}/chain") for name in ("CDR1", "GUTSCHRIFT", "cdr2")]

    first = answers[0].json()
    assert [cdr["id"] for cdr in first["cdrs"]] == ["CDR1", "GUTSCHRIFT", "CDR2"]
    assert [(net["session_id"], net["total_cost"]) for net in first["net"]] == [("101", corrected["total_cost"])]
    assert all(answer.json() == first for answer in answers)


@pytest.mark.requirement("CDR-R-11")
async def test_a_cdr_is_credited_once_also_by_two_at_the_same_time(server: Server) -> None:
    await server.operator.put(URL, json=ours())

    answers = await asyncio.gather(
        *(server.operator.post(f"{URL}/credit", json={"id": f"C{number}"}) for number in range(4))
    )
    by_put = ours(id="C9", credit=True, credit_reference_id="cdr1")
    put = await server.operator.put("/api/cdrs/NL/OWA/C9", json=by_put)

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert put.status_code == 409
    assert "was credited by" in put.json()["detail"]


@pytest.mark.requirement("CDR-R-09", "CDR-R-10")
@pytest.mark.parametrize(
    ("url", "body", "status"),
    [
        (f"{URL}/credit", {"id": "CDR1"}, 409),
        (f"{URL}/credit", {"replacement": ours(id="CDR1")}, 409),
        (f"{URL}/credit", {"replacement": ours(id="CDR2", currency="euro")}, 422),
        (f"{URL}/credit", {"replacement": ours(id="CDR2", credit=True, credit_reference_id="CDR1")}, 422),
        (f"{URL}/credit", {"replacement": a_cdr(id="CDR2")}, 422),
        (f"{URL}/credit", {"id": "x" * 40}, 422),
        (f"{URL}/credit", {"corrected": ours(id="CDR2")}, 422),
        ("/api/cdrs/NL/OWA/CDR7/credit", {}, 404),
    ],
)
async def test_a_credit_that_cannot_be_leaves_nothing_behind(
    server: Server, url: str, body: dict[str, Any], status: int
) -> None:
    await server.operator.put(URL, json=ours())

    answer = await server.operator.post(url, json=body)

    assert answer.status_code == status, answer.text
    assert [row["key"] for row in await server.rows("SELECT key FROM cdrs")] == ["CDR1"]


@pytest.mark.requirement("CDR-R-09")
async def test_a_credit_cdr_is_not_credited_itself(server: Server) -> None:
    await server.operator.put(URL, json=ours())
    await server.operator.post(f"{URL}/credit")

    answer = await server.operator.post("/api/cdrs/NL/OWA/CDR1-C/credit", json={})

    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")


@pytest.mark.requirement("CDR-R-09")
async def test_a_credit_cdr_by_put_names_a_cdr_of_ours(server: Server) -> None:
    answer = await server.operator.put(
        "/api/cdrs/NL/OWA/C1", json=ours(id="C1", credit=True, credit_reference_id="CDR1", last_updated=LATER)
    )

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/credit_reference_id")


@pytest.mark.requirement("CDR-R-09")
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"total_cost": {"excl_vat": 1.05, "incl_vat": 1.26}}, "/total_cost"),
        ({"total_cost": {"excl_vat": -1, "incl_vat": -1.2}}, "/total_cost"),
        ({"total_cost": {"excl_vat": -1.05}}, "/total_cost"),
        ({"currency": "SEK"}, "/currency"),
        ({"cdr_token": a_cdr_token(PartyId("DE", "ABC"))}, "/cdr_token"),
    ],
)
async def test_a_credit_cdr_by_put_takes_all_of_a_cdr_back(
    server: Server, changes: dict[str, Any], pointer: str
) -> None:
    await server.operator.put(URL, json=ours())
    right = ours(id="C1", credit=True, credit_reference_id="cdr1", total_cost={"excl_vat": -1.050, "incl_vat": -1.26})

    wrong = await server.operator.put("/api/cdrs/NL/OWA/C1", json=right | changes)
    taken = await server.operator.put("/api/cdrs/NL/OWA/C1", json=right)

    assert (wrong.status_code, wrong.json()["pointer"]) == (422, pointer)
    assert taken.status_code == 201, taken.text


@pytest.mark.requirement("CDR-R-09")
async def test_the_costs_of_a_credit_cdr_are_calculated_with_its_sign(server: Server) -> None:
    body = ours(id="C1", credit=True, credit_reference_id="CDR1")

    answer = await server.operator.post("/api/cdrs/price", json=body)

    told = answer.json()["cdr"]
    assert told["total_cost"] == {"excl_vat": -1.05, "incl_vat": -1.26}
    assert told["total_energy_cost"] == {"excl_vat": 1.05, "incl_vat": 1.26}


async def test_the_costs_of_a_cdr_are_calculated_from_its_tariffs_and_periods(server: Server) -> None:
    body = {name: value for name, value in ours().items() if not name.startswith("total_")}

    answer = await server.operator.post("/api/cdrs/price", json=body)

    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["cdr"]["total_cost"] == {"excl_vat": 1.05, "incl_vat": 1.26}
    assert (told["cdr"]["total_energy"], told["cdr"]["total_time"]) == (4.2, 0.5)
    assert told["lines"][0].startswith("Energy: 4.2 kWh at 0.25 per kWh")
    assert (await server.operator.put(URL, json=told["cdr"])).status_code == 201


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"country_code": None}, "/country_code"),
        ({"charging_periods": []}, "/charging_periods"),
        ({"tariffs": [], "charging_periods": [_UNNAMED]}, "/tariffs"),
        ({"tariffs": None, "charging_periods": [_UNNAMED]}, "/tariffs"),
        ({"tariffs": None}, "/charging_periods/0/tariff_id"),
        ({"currency": "SEK"}, "/currency"),
        (
            {"charging_periods": [a_charging_period(), a_charging_period(tariff_id="13")]},
            "/charging_periods/1/tariff_id",
        ),
        ({"tariffs": [_AD_HOC, _AD_HOC | {"id": "13"}], "charging_periods": [_UNNAMED]}, "/tariffs"),
    ],
)
async def test_a_cdr_that_has_no_price_is_refused_in_words(
    server: Server, changes: dict[str, Any], pointer: str
) -> None:
    answer = await server.operator.post("/api/cdrs/price", json=ours() | changes)

    assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)


@pytest.mark.requirement("TAR-C-12", "CDR-R-19")
@pytest.mark.parametrize(
    ("tariff", "hours", "evse_uid", "excl_vat", "incl_vat"),
    [
        ("tariff_17_reservation_with_expire_fee", 1, "#NA", 6, 7.2),
        ("tariff_18_reservation_with_expire_time", 1.5, "#NA", 9, 10.8),
        ("tariff_17_reservation_with_expire_fee", 1, "3256", 2, 2.4),
    ],
)
async def test_a_reservation_that_expired_costs_what_its_tariff_says(
    server: Server, tariff: str, hours: float, evse_uid: str, excl_vat: float, incl_vat: float
) -> None:
    official = json.loads((EXAMPLES / f"{tariff}.json").read_text("utf-8"))
    agreed = official | {"country_code": "NL", "party_id": "OWA", "id": "12", "last_updated": LATER}
    reserved = {**a_charging_period(), "dimensions": [{"type": "RESERVATION_TIME", "volume": hours}]}
    where = ours()["cdr_location"] | {"evse_uid": evse_uid, "evse_id": "#NA", "connector_id": "#NA"}
    body = ours(tariffs=[agreed], charging_periods=[reserved], cdr_location=where)

    answer = await server.operator.post("/api/cdrs/price", json=body)

    assert answer.status_code == 200, answer.text
    assert answer.json()["cdr"]["total_cost"] == {"excl_vat": excl_vat, "incl_vat": incl_vat}
    doubts = [one for one in answer.json()["notes"] if one.startswith("The reservation did not expire")]
    assert len(doubts) == (evse_uid != "#NA")


@pytest.mark.requirement("TAR-C-06")
async def test_without_its_location_a_tariff_with_times_of_day_has_no_price(server: Server) -> None:
    component = {"type": "ENERGY", "price": 0.25, "vat": 20, "step_size": 1}
    by_day = [{"price_components": [component], "restrictions": {"start_time": "08:00", "end_time": "20:00"}}]
    body = ours(tariffs=[a_tariff(OWA, elements=by_day)])

    unknown = await server.operator.post("/api/cdrs/price", json=body)
    await server.operator.put("/api/locations/NL/OWA/LOC1", json=a_location(OWA))
    known = await server.operator.post("/api/cdrs/price", json=body)

    assert (unknown.status_code, unknown.json()["pointer"]) == (422, "/cdr_location/id")
    assert known.status_code == 200, known.text


@pytest.mark.requirement("CDR-R-20", "TAR-C-04")
async def test_a_session_lasts_from_its_start_although_its_first_period_begins_later(server: Server) -> None:
    component = {"type": "ENERGY", "price": 1, "step_size": 1}
    at_first = {"price_components": [component], "restrictions": {"max_duration": 900}}
    then = {"price_components": [component | {"price": 2}]}
    body = ours(
        tariffs=[a_tariff(OWA, elements=[at_first, then])],
        charging_periods=[a_charging_period(start_date_time="2026-03-01T12:15:00Z")],
    )

    answer = await server.operator.post("/api/cdrs/price", json=body)

    told = answer.json()["cdr"]
    assert (told["total_cost"], told["total_time"]) == ({"excl_vat": 8.4}, 0.5)


@pytest.mark.requirement("CDR-R-20")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        (
            {"end_date_time": "2026-03-01T12:15:00Z"},
            ["total_time: told 0.25, computed 0.5: total_time against the sum of TIME and PARKING_TIME"],
        ),
        (
            {"charging_periods": [a_charging_period(start_date_time="2026-03-01T11:30:00Z")]},
            ["total_time: told 1, computed 0.5: total_time against end_date_time less start_date_time"],
        ),
    ],
)
async def test_that_times_do_not_go_together_is_said_before_the_cdr_is_issued(
    server: Server, changes: dict[str, Any], words: list[str]
) -> None:
    answer = await server.operator.post("/api/cdrs/price", json=ours(**changes))

    notes = answer.json()["notes"]
    assert all(any(note.startswith(each) for note in notes) for each in words)
    assert bool(notes) is bool(words)


async def test_a_period_without_a_tariff_beside_others_costs_nothing_and_is_named(server: Server) -> None:
    later = _UNNAMED | {"start_date_time": "2026-03-01T12:15:00Z"}

    answer = await server.operator.post("/api/cdrs/price", json=ours(charging_periods=[a_charging_period(), later]))

    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["cdr"]["total_cost"] == {"excl_vat": 1.05, "incl_vat": 1.26}
    assert told["cdr"]["total_energy"] == 8.4
    assert "Charging period 2 names no tariff_id: no tariff is relevant, no cost." in told["notes"]


async def test_a_session_that_is_free_of_charge_has_a_tariff_that_says_so(server: Server) -> None:
    free = a_tariff(OWA, elements=[{"price_components": [{"type": "ENERGY", "price": 0, "step_size": 1}]}])

    answer = await server.operator.post("/api/cdrs/price", json=ours(tariffs=[free]))

    assert answer.json()["cdr"]["total_cost"]["excl_vat"] == 0


@pytest.mark.requirement("CDR-R-18", "CDR-R-17")
async def test_a_cdr_carries_the_reference_that_the_emsp_gave_last(server: Server, tnm: FakePartner) -> None:
    token = a_cdr_token(PartyId("DE", "TNM"))
    session = a_session(OWA, id="S1", cdr_token=token, authorization_reference="r2")
    answer = await server.operator.put("/api/sessions/NL/OWA/S1", json=session)
    assert answer.status_code == 201, answer.text

    other = await server.operator.put(URL, json=ours(session_id="S1", authorization_reference="r1"))
    silent = await server.operator.put(URL, json=ours(session_id="S1"))

    assert (other.status_code, other.json()["pointer"]) == (422, "/authorization_reference")
    assert (silent.status_code, silent.json()["authorization_reference"]) == (201, "r2")
