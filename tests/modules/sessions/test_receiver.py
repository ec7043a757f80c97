"""Partners tell us of their sessions."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.objects import LATER, NOON, OUR_DRIVER, a_cdr_token, a_charging_period, a_session, a_token
from tests.ocpi import specification
from tests.partner import Answer, Caller, FakePartner, envelope
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

EXAMPLES = Path(__file__).parents[2] / "examples" / "2.2.1"
URL = "/sessions/NL/TNM/101"
FIRST = a_charging_period()
SECOND = a_charging_period(start_date_time="2026-03-01T12:15:00Z")
THIRD = a_charging_period(start_date_time=LATER)
FOREVER = "2099-01-01T00:00:00Z"


@pytest.fixture
async def platform(server: Server) -> Caller:
    roles = (("CPO", "NL", "TNM"), ("CPO", "NL", "STK"), ("CPO", "BE", "BEC"), ("EMSP", "DE", "TNM"))
    return await server.connect(server.internet.add(FakePartner(roles=roles)))


@pytest.fixture
async def tnm(platform: Caller) -> Caller:
    """The CPO NL/TNM, calling our eMSP."""
    return platform.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


@pytest.mark.requirement("SES-R-01", "SES-R-02", "SES-R-19")
async def test_a_session_put_is_there_as_it_was_sent_although_its_location_is_unknown(tnm: Caller) -> None:
    session = a_session(charging_periods=[FIRST], authorization_reference="REF1")

    first = await tnm.put(URL, session)
    again = await tnm.put(URL, session)
    seen = await tnm.get("/sessions/nl/tnm/101")

    assert (first.http_status, first.status_code, again.http_status) == (201, 1000, 200), first
    assert seen.data == session


@pytest.mark.requirement("SES-R-18")
@pytest.mark.parametrize("cost", [None, {"excl_vat": 0.0}, {"excl_vat": 4.0, "incl_vat": 4.4}])
async def test_a_cost_that_is_not_told_stays_unknown_and_none_stays_free(
    tnm: Caller, cost: dict[str, Any] | None
) -> None:
    await tnm.put(URL, a_session(total_cost=cost))

    assert (await tnm.get(URL)).data.get("total_cost") == cost


@pytest.mark.requirement("SES-R-01")
async def test_an_unknown_session_is_404_and_2001(tnm: Caller) -> None:
    for answer in (await tnm.get(URL), await tnm.patch(URL, {"kwh": 1, "last_updated": NOON})):
        assert (answer.http_status, answer.status_code) == (404, 2001), answer


@pytest.mark.requirement("SES-R-02", "SES-R-03")
async def test_put_replaces_everything(tnm: Caller) -> None:
    await tnm.put(URL, a_session(charging_periods=[FIRST, SECOND, THIRD], meter_id="M1", kwh=5))

    await tnm.put(URL, a_session(last_updated=LATER))

    assert (await tnm.get(URL)).data == a_session(last_updated=LATER)


@pytest.mark.requirement("SES-R-05")
async def test_patch_adds_charging_periods_to_those_we_know(tnm: Caller) -> None:
    await tnm.put(URL, a_session(charging_periods=[FIRST, THIRD]))

    answer = await tnm.patch(URL, {"charging_periods": [SECOND], "kwh": 7.5, "last_updated": LATER})

    seen = (await tnm.get(URL)).data
    assert answer.status_code == 1000, answer
    assert seen == a_session(charging_periods=[FIRST, SECOND, THIRD], kwh=7.5, last_updated=LATER)


@pytest.mark.requirement("SES-R-06")
@pytest.mark.parametrize("periods", [{}, {"charging_periods": []}, {"charging_periods": None}])
async def test_patch_without_charging_periods_leaves_them(tnm: Caller, periods: dict[str, Any]) -> None:
    await tnm.put(URL, a_session(charging_periods=[FIRST, SECOND]))

    answer = await tnm.patch(URL, {"kwh": 9, "last_updated": LATER} | periods)

    assert answer.status_code == 1000, answer
    assert (await tnm.get(URL)).data["charging_periods"] == [FIRST, SECOND]


@pytest.mark.requirement("SES-R-07")
async def test_a_repeated_patch_adds_a_period_once(tnm: Caller) -> None:
    await tnm.put(URL, a_session(charging_periods=[FIRST]))
    patch = {"charging_periods": [SECOND], "last_updated": LATER}
    corrected = SECOND | {"tariff_id": "13"}

    await tnm.patch(URL, patch)
    await tnm.patch(URL, patch)
    once = (await tnm.get(URL)).data["charging_periods"]
    await tnm.patch(URL, patch | {"charging_periods": [corrected]})

    assert once == [FIRST, SECOND]
    assert (await tnm.get(URL)).data["charging_periods"] == [FIRST, corrected]


@pytest.mark.requirement("SES-R-05", "SES-R-09")
@pytest.mark.parametrize(
    ("patch", "named"),
    [
        ({"kwh": 1}, "last_updated"),
        ({"charging_periods": [{"dimensions": []}], "last_updated": LATER}, "charging_periods/0/start_date_time"),
        ({"charging_periods": "all", "last_updated": LATER}, "charging_periods"),
        ({"charging_periods": [{"start_date_time": "noon"}], "last_updated": LATER}, "start_date_time"),
        ({"id": "102", "last_updated": LATER}, "id"),
    ],
)
async def test_a_patch_that_cannot_be_meant_is_2001_and_changes_nothing(
    tnm: Caller, patch: dict[str, Any], named: str
) -> None:
    await tnm.put(URL, a_session(charging_periods=[FIRST]))

    answer = await tnm.patch(URL, patch)

    assert (answer.http_status, answer.status_code) == (200, 2001), answer
    assert named in answer.message
    assert (await tnm.get(URL)).data == a_session(charging_periods=[FIRST])


@pytest.mark.requirement("SES-R-04", "SES-R-10")
async def test_parts_have_no_url_and_nothing_is_posted_or_deleted(tnm: Caller) -> None:
    await tnm.put(URL, a_session())

    deeper = await tnm.patch(f"{URL}/charging_periods", {"last_updated": LATER})
    posted, deleted = await tnm.post(URL, a_session()), await tnm.delete(URL)

    assert deeper.http_status == 404
    assert (posted.http_status, deleted.http_status) == (405, 405)
    assert (await tnm.get(URL)).data == a_session()


@pytest.mark.requirement("SES-R-17")
@pytest.mark.parametrize("final", ["COMPLETED", "INVALID"])
async def test_a_session_that_has_ended_does_not_go_on_but_its_cost_may_follow(tnm: Caller, final: str) -> None:
    await tnm.put(URL, a_session(status=final))

    patched = await tnm.patch(URL, {"status": "ACTIVE", "last_updated": LATER})
    put = await tnm.put(URL, a_session(status="PENDING", last_updated=LATER))
    late = await tnm.patch(URL, {"total_cost": {"excl_vat": 3}, "last_updated": LATER})

    seen = (await tnm.get(URL)).data
    assert [patched.status_code, put.status_code, late.status_code] == [2001, 2001, 1000]
    assert seen == a_session(status=final, total_cost={"excl_vat": 3}, last_updated=LATER)


@pytest.mark.requirement("SES-R-13", "SES-R-14")
async def test_reserved_is_understood_as_reservation_and_needs_no_evse(server: Server, tnm: Caller) -> None:
    answer = await tnm.put(URL, a_session(status="RESERVED", evse_uid="#NA", connector_id="#NA", cdr_token=OUR_DRIVER))

    assert answer.http_status == 201, answer
    assert (await tnm.get(URL)).data["status"] == "RESERVATION"
    assert [row["pointer"] for row in await server.rows("SELECT pointer FROM findings")] == ["/status"]


async def _findings(server: Server) -> list[tuple[str, str]]:
    return [(one["pointer"], one["rule"]) for one in (await server.operator.get("/api/findings")).json()]


_FOREIGN = ("/cdr_token", "is of DE*ABC, which is no eMSP of ours: a CDR for it will be refused (2004)")


@pytest.mark.requirement("SES-R-11", "CDR-R-23")
async def test_a_session_for_a_driver_of_nobody_of_ours_is_taken_and_is_a_finding(server: Server, tnm: Caller) -> None:
    ours = await tnm.put(URL, a_session(cdr_token=OUR_DRIVER))
    before = await _findings(server)
    moved = await tnm.patch(URL, {"cdr_token": a_cdr_token(), "last_updated": LATER})
    await tnm.patch(URL, {"kwh": 1, "last_updated": LATER})

    assert (ours.status_code, before, moved.status_code) == (1000, [], 1000)
    assert await _findings(server) == [_FOREIGN]
    assert (await tnm.get(URL)).data["cdr_token"] == a_cdr_token()


@pytest.mark.parametrize(
    ("odd", "finding"),
    [
        ({"end_date_time": "2026-03-01T11:59:59Z"}, ("/end_date_time", "lies before start_date_time")),
        (
            {"last_updated": FOREVER},
            ("/last_updated", "lies in the future: it comes from a clock that is ahead"),
        ),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_times_that_cannot_be_are_taken_and_are_a_finding(
    server: Server, tnm: Caller, method: str, odd: dict[str, Any], finding: tuple[str, str]
) -> None:
    session = a_session(cdr_token=OUR_DRIVER)
    if method == "PATCH":
        await tnm.put(URL, session)
        answer = await tnm.patch(URL, {"last_updated": LATER} | odd)
    else:
        answer = await tnm.put(URL, session | odd)

    assert (answer.status_code, await _findings(server)) == (1000, [finding])
    assert (await tnm.get(URL)).data.items() >= odd.items()


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_session_whose_token_names_no_party_takes_an_agreement(
    server: Server, tnm: Caller, method: str
) -> None:
    token = {name: value for name, value in OUR_DRIVER.items() if name not in ("country_code", "party_id")}

    async def tell() -> Answer:
        if method == "PUT":
            return await tnm.put(URL, a_session(cdr_token=token))
        return await tnm.patch(URL, {"cdr_token": token, "last_updated": NOON})

    if method == "PATCH":
        await tnm.put(URL, a_session(cdr_token=OUR_DRIVER | {"uid": "other"}))
    refused = await tell()
    await server.operator.patch("/api/partners/1", json={"quirks": {"cdr_tokens_of": "NL*OWM"}})
    taken = await tell()

    assert (refused.status_code, taken.status_code) == (2001, 1000)
    assert (await tnm.get(URL)).data["cdr_token"] == OUR_DRIVER
    assert [pointer for pointer, _ in await _findings(server)] == ["/cdr_token/country_code"]


@pytest.mark.requirement("SES-R-11")
async def test_a_hub_may_pass_on_sessions_for_whomever_they_are(server: Server) -> None:
    hub = FakePartner(roles=(("HUB", "NL", "HUB"), ("CPO", "NL", "TNM")))
    caller = (await server.connect(server.internet.add(hub))).speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")

    answer = await caller.put(URL, a_session())

    assert (answer.status_code, await _findings(server)) == (1000, [])


@pytest.mark.requirement("SES-R-17", "OWN-18")
async def test_a_push_that_was_overtaken_changes_nothing(tnm: Caller) -> None:
    await tnm.put(URL, a_session(kwh=5, last_updated=LATER))

    put, patched = await tnm.put(URL, a_session(kwh=4)), await tnm.patch(URL, {"kwh": 4, "last_updated": NOON})

    assert (put.status_code, patched.status_code) == (2001, 2001)
    assert (await tnm.get(URL)).data["kwh"] == 5


@pytest.mark.requirement("SES-R-02")
async def test_a_session_of_a_party_that_is_not_the_partners_is_404(tnm: Caller) -> None:
    answer = await tnm.put("/sessions/FR/XXX/101", a_session() | {"country_code": "FR", "party_id": "XXX"})

    assert (answer.http_status, answer.status_code) == (404, 2001)


@pytest.mark.requirement("SES-R-02", "SES-R-21")
async def test_the_examples_of_the_specification_are_taken(server: Server, platform: Caller) -> None:
    start, short = (
        json.loads((EXAMPLES / name).read_text())
        for name in ("session_example_1_simple_start.json", "session_example_2_short_finished.json")
    )
    stk = platform.speaking(("NL", "STK"), ("NL", "OWM"), "emsp")
    bec = platform.speaking(("BE", "BEC"), ("NL", "OWM"), "emsp")

    answers = [await stk.put("/sessions/NL/STK/101", start), await bec.put("/sessions/BE/BEC/101", short)]

    assert [answer.http_status for answer in answers] == [201, 201], answers
    assert (await stk.get("/sessions/NL/STK/101")).data == start
    assert (await bec.get("/sessions/BE/BEC/101")).data == short
    rules = await server.rows("SELECT pointer FROM findings WHERE rule LIKE '%Wh'")
    assert [row["pointer"] for row in rules] == ["/charging_periods"]


@pytest.mark.requirement("SES-R-05", "SES-R-09", "SES-R-21")
async def test_the_example_patches_of_the_specification_are_taken(server: Server, tnm: Caller) -> None:
    await tnm.put(URL, a_session(last_updated="2019-06-23T08:10:00Z"))
    costs, period = (
        json.loads((EXAMPLES / f"session_patch_example_{name}.json").read_text())
        for name in ("total_cost", "charging_period")
    )

    answers = [await tnm.patch(URL, costs), await tnm.patch(URL, period)]

    seen = (await tnm.get(URL)).data
    assert [answer.status_code for answer in answers] == [1000, 1000], answers
    assert seen == a_session(**costs) | period


REQUIRED = [field.name for field in specification.CLASSES["Session"] if field.required]


@pytest.mark.requirement("SES-R-02", "STS-07")
@pytest.mark.parametrize("name", REQUIRED)
async def test_a_session_without_a_required_field_is_2001_naming_it(tnm: Caller, name: str) -> None:
    session = specification.minimum("Session") | {"country_code": "NL", "party_id": "TNM", "id": "101"}
    without = {field: value for field, value in session.items() if field != name}

    whole, answer = await tnm.put(URL, session), await tnm.put(URL, without | {"meter_id": "M"})

    assert whole.http_status == 201, whole
    assert (answer.http_status, answer.status_code) == (200, 2001), answer
    assert name in answer.message


@pytest.mark.requirement("SES-R-23")
async def test_a_late_session_is_found_by_its_authorization_reference(server: Server, tnm: Caller) -> None:
    tnm.partner.on("POST", "/receiver/commands", envelope({"result": "ACCEPTED", "timeout": 20}))
    command = {"country_code": "NL", "party_id": "TNM", "token": a_token(PartyId("NL", "OWM")), "location_id": "LOC1"}
    sent = [
        (
            await server.operator.post("/api/commands/START_SESSION", json=command | {"authorization_reference": one})
        ).json()
        for one in ("REF-1", "REF-2")
    ]
    await tnm.put(URL, a_session(authorization_reference="Ref-1"))
    await tnm.patch(URL, {"authorization_reference": "Ref-2", "last_updated": LATER})

    found = [(await server.operator.get(f"/api/commands/{one['id']}")).json()["session"] for one in sent]

    assert [session and session["id"] for session in found] == [None, "101"]
