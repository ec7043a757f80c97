"""Partners send us their CDRs."""

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from tests.objects import LATER, a_cdr, a_cdr_token, a_charging_period, a_location, a_session, a_tariff, a_token
from tests.ocpi.specification import CLASSES, minimum
from tests.partner import Caller, FakePartner
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

OWM = PartyId("NL", "OWM")
URL = "/cdrs/NL/TNM/CDR1"
EXAMPLE = json.loads((Path(__file__).parents[2] / "examples" / "2.2.1" / "cdr_example.json").read_text())


def ours(**changes: Any) -> dict[str, Any]:
    """A CDR that our eMSP has to pay."""
    return a_cdr(cdr_token=a_cdr_token(OWM)) | changes


def a_credit(cdr: dict[str, Any], **changes: Any) -> dict[str, Any]:
    negated = {name: -amount for name, amount in cdr["total_cost"].items()}
    names = {"id": cdr["id"] + "-C", "credit": True, "credit_reference_id": cdr["id"]}
    return cdr | names | {"total_cost": negated} | changes


async def add_token(server: Server) -> None:
    answer = await server.operator.put("/api/tokens/NL/OWM/012345678", json=a_token(OWM))
    assert answer.status_code == 201, answer.text


@pytest.fixture
async def tnm(server: Server) -> Caller:
    """The CPO NL/TNM, calling our eMSP, which has a token for the driver."""
    await add_token(server)
    caller = await server.connect(server.internet.add(FakePartner()))
    return caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")


async def findings(server: Server, ref: str = "NL*TNM/CDR1") -> dict[str, str]:
    """Rules by pointer."""
    rows = await server.rows("SELECT pointer, rule FROM findings WHERE module = 'cdrs' AND ref = :ref", ref=ref)
    return {row["pointer"]: row["rule"] for row in rows}


async def kept(server: Server) -> list[str]:
    return [row["key"] for row in await server.rows("SELECT key FROM cdrs ORDER BY seq")]


@pytest.mark.requirement("CDR-R-01", "CDR-R-02", "CDR-R-03")
async def test_a_posted_cdr_is_at_its_location_as_it_was_sent(server: Server, tnm: Caller) -> None:
    cdr = ours()

    posted = await tnm.post("/cdrs", cdr)
    seen = await tnm.get(posted.headers["location"])

    assert (posted.http_status, posted.status_code) == (201, 1000), posted
    assert posted.headers["location"] == "https://ours.example/ocpi/emsp/2.2.1/cdrs/NL/TNM/CDR1"
    assert "data" not in posted.body
    assert (seen.http_status, seen.data) == (200, cdr)
    assert (await server.operator.get("/api/cdrs/NL/TNM/CDR1")).json() == cdr
    assert await findings(server) == {}


@pytest.mark.requirement("CDR-R-01", "CDR-R-03")
async def test_the_example_of_the_specification_comes_back_as_it_was_posted(server: Server) -> None:
    await server.add_party("DE", "TNM", "EMSP")
    owner = (EXAMPLE["country_code"], EXAMPLE["party_id"])
    partner = server.internet.add(FakePartner(roles=(("CPO", *owner),)))
    caller = (await server.connect(partner)).speaking(owner, ("DE", "TNM"), "emsp")

    posted = await caller.post("/cdrs", EXAMPLE)

    assert (posted.http_status, posted.status_code) == (201, 1000), posted
    assert (await caller.get(posted.headers["location"])).data == EXAMPLE


@pytest.mark.requirement("CDR-R-01", "CDR-R-17", "CDR-R-22")
async def test_the_required_fields_alone_are_enough(server: Server, tnm: Caller) -> None:
    cdr = minimum("CDR") | {"country_code": "NL", "party_id": "TNM", "id": "CDR1"}
    cdr["cdr_token"] |= {"country_code": "NL", "party_id": "OWM"}

    posted = await tnm.post("/cdrs", cdr)

    assert posted.http_status == 201, posted
    assert (await tnm.get(posted.headers["location"])).data == cdr


@pytest.mark.requirement("CDR-R-01")
@pytest.mark.parametrize("field", [field.name for field in CLASSES["CDR"] if field.required])
async def test_a_missing_required_field_is_named_and_nothing_is_stored(server: Server, tnm: Caller, field: str) -> None:
    lacking = {name: value for name, value in ours().items() if name != field}

    answer = await tnm.post("/cdrs", lacking)

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert f"/{field}" in answer.message
    assert await kept(server) == []


@pytest.mark.requirement("CDR-R-02")
async def test_ids_with_slashes_have_a_location_too(tnm: Caller) -> None:
    cdr = ours(id="2026/03 #1")

    posted = await tnm.post("/cdrs", cdr)

    assert posted.headers["location"].endswith("/cdrs/NL/TNM/2026%2F03%20%231")
    assert len(posted.headers["location"]) <= 255
    assert (await tnm.get(posted.headers["location"])).data == cdr


@pytest.mark.requirement("CDR-R-03")
async def test_nobody_else_sees_a_cdr(server: Server, tnm: Caller) -> None:
    location = (await tnm.post("/cdrs", ours())).headers["location"]
    other = await server.connect(
        server.internet.add(FakePartner("xyz", "xyz.example", "token-of-xyz", roles=(("CPO", "FR", "XYZ"),)))
    )
    xyz = other.speaking(("FR", "XYZ"), ("NL", "OWM"), "emsp")

    for answer in (await xyz.get(location), await tnm.get("/cdrs/NL/TNM/CDR2")):
        assert (answer.http_status, answer.status_code) == (404, 2001)
    assert (await xyz.post("/cdrs", ours(id="CDR2"))).status_code == 2001
    assert await kept(server) == ["CDR1"]


@pytest.mark.requirement("CDR-R-05", "OWN-07")
@pytest.mark.parametrize(("url", "allowed"), [("/cdrs", "POST"), (URL, "GET, HEAD")])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_cdr_cannot_be_changed_or_removed(tnm: Caller, method: str, url: str, allowed: str) -> None:
    await tnm.post("/cdrs", ours())

    answer = await tnm.request(method, url, ours(remark="changed"))

    assert (answer.http_status, answer.status_code, answer.headers["allow"]) == (405, 2000, allowed)
    assert (await tnm.get(URL)).data == ours()


@pytest.mark.requirement("CDR-R-06")
async def test_the_same_cdr_again_is_known_already(server: Server, tnm: Caller) -> None:
    first = await tnm.post("/cdrs", ours())
    again = await tnm.post("/cdrs", ours())

    assert (again.http_status, again.status_code) == (200, 1000)
    assert again.headers["location"] == first.headers["location"]
    assert await kept(server) == ["CDR1"]


@pytest.mark.requirement("CDR-R-06")
async def test_two_posts_at_the_same_time_leave_one_record(server: Server, tnm: Caller) -> None:
    answers = await asyncio.gather(*(tnm.post("/cdrs", ours()) for _ in range(6)))

    assert sorted(answer.http_status for answer in answers) == [200] * 5 + [201]
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert await kept(server) == ["CDR1"]


@pytest.mark.requirement("CDR-R-07")
async def test_another_content_under_a_known_id_is_refused_and_noted(server: Server, tnm: Caller) -> None:
    await tnm.post("/cdrs", ours())

    answer = await tnm.post("/cdrs", ours(total_cost={"excl_vat": 99}))

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert (await tnm.get(URL)).data == ours()
    assert "another content, which was not taken: total_cost" in (await findings(server))["/id"]
    (event,) = await server.rows("SELECT subject FROM events WHERE type = 'cdr.refused'")
    assert event["subject"] == "cdrs/NL*TNM/CDR1"


@pytest.mark.requirement("CDR-R-08")
@pytest.mark.parametrize(
    ("length", "credit", "code"), [(36, False, 1000), (37, False, 2001), (39, True, 1000), (40, True, 2001)]
)
async def test_only_the_id_of_a_credit_cdr_may_have_39_characters(
    tnm: Caller, length: int, credit: bool, code: int
) -> None:
    await tnm.post("/cdrs", ours())
    cdr = (a_credit(ours()) if credit else ours()) | {"id": "x" * length}

    assert (await tnm.post("/cdrs", cdr)).status_code == code


@pytest.mark.requirement("CDR-R-08")
async def test_two_cpos_may_use_the_same_id(server: Server) -> None:
    partner = server.internet.add(FakePartner(roles=(("CPO", "NL", "TNM"), ("CPO", "BE", "BEC"))))
    caller = await server.connect(partner)
    tnm = caller.speaking(("NL", "TNM"), ("NL", "OWM"), "emsp")
    bec = caller.speaking(("BE", "BEC"), ("NL", "OWM"), "emsp")

    first = await tnm.post("/cdrs", ours())
    second = await bec.post("/cdrs", ours(country_code="BE", party_id="BEC"))

    assert (first.http_status, second.http_status) == (201, 201)
    assert (await bec.get(second.headers["location"])).data["party_id"] == "BEC"
    assert (await tnm.get(first.headers["location"])).data["party_id"] == "TNM"


@pytest.mark.requirement("CDR-R-10")
async def test_a_credit_cdr_must_say_what_it_credits(server: Server, tnm: Caller) -> None:
    answer = await tnm.post("/cdrs", ours(credit=True))

    assert (answer.http_status, answer.status_code) == (200, 2001)
    assert "/credit_reference_id" in answer.message
    assert await kept(server) == []


@pytest.mark.requirement("CDR-R-11", "CDR-R-12", "CDR-R-13")
async def test_a_credit_takes_the_whole_amount_back_and_a_corrected_cdr_follows(server: Server, tnm: Caller) -> None:
    corrected = ours(id="CDR2", total_cost={"excl_vat": 2.1, "incl_vat": 2.52})
    for cdr in (ours(), a_credit(ours()), corrected):
        assert (await tnm.post("/cdrs", cdr)).http_status == 201

    chain = (await server.operator.get("/api/cdrs/NL/TNM/CDR1/chain")).json()

    assert [cdr["id"] for cdr in chain["cdrs"]] == ["CDR1", "CDR1-C", "CDR2"]
    (net,) = chain["net"]
    assert (net["session_id"], net["total_cost"]) == ("101", {"excl_vat": 2.1, "incl_vat": 2.52})
    assert (net["counted"], net["flags"]) == (["CDR1", "CDR1-C", "CDR2"], [])
    assert await findings(server, "NL*TNM/CDR1-C") == {}
    assert (await server.operator.get("/api/cdrs/NL/TNM/CDR1-C/chain")).json() == chain


@pytest.mark.requirement("CDR-R-11")
async def test_a_credit_for_an_unknown_cdr_is_kept_and_flagged(server: Server, tnm: Caller) -> None:
    answer = await tnm.post("/cdrs", a_credit(ours()))

    assert answer.http_status == 201
    assert "no CDR that we have" in (await findings(server, "NL*TNM/CDR1-C"))["/id"]


@pytest.mark.requirement("CDR-R-11")
async def test_a_second_credit_for_the_same_cdr_is_flagged_and_not_counted(server: Server, tnm: Caller) -> None:
    for cdr in (ours(), a_credit(ours()), a_credit(ours(), id="CDR1-D")):
        assert (await tnm.post("/cdrs", cdr)).http_status == 201

    (net,) = (await server.operator.get("/api/cdrs/NL/TNM/CDR1/chain")).json()["net"]

    assert "which was credited before" in (await findings(server, "NL*TNM/CDR1-D"))["/id"]
    assert await findings(server, "NL*TNM/CDR1-C") == {}
    assert (net["total_cost"]["excl_vat"], net["counted"]) == (0, ["CDR1", "CDR1-C"])


@pytest.mark.requirement("CDR-R-13")
async def test_a_credit_may_negate_its_other_amounts_too(server: Server, tnm: Caller) -> None:
    cdr = ours(total_energy_cost={"excl_vat": 1.05, "incl_vat": 1.26})
    await tnm.post("/cdrs", cdr)

    answer = await tnm.post("/cdrs", a_credit(cdr, total_energy_cost={"excl_vat": -1.05, "incl_vat": -1.26}))

    assert answer.http_status == 201
    assert await findings(server, "NL*TNM/CDR1-C") == {}


async def test_a_cdr_that_pays_back_and_does_not_say_that_it_is_a_credit_is_a_finding(
    server: Server, tnm: Caller
) -> None:
    answer = await tnm.post("/cdrs", ours(total_cost={"excl_vat": -1.05}))

    assert answer.http_status == 201
    assert (await findings(server))["/total_cost"] == "is negative, but this is no Credit CDR"


@pytest.mark.requirement("OWN-18")
async def test_a_cdr_of_a_clock_far_ahead_is_taken_and_is_a_finding(server: Server, tnm: Caller) -> None:
    answer = await tnm.post("/cdrs", ours(last_updated="2099-01-01T00:00:00Z"))

    assert answer.http_status == 201
    assert list(await findings(server)) == ["/last_updated"]


@pytest.mark.requirement("CDR-R-16")
async def test_dimensions_of_sessions_are_tolerated(tnm: Caller) -> None:
    dimensions = [{"type": "ENERGY", "volume": 4.2}, {"type": "TIME", "volume": 0.5}, {"type": "POWER", "volume": 11}]
    cdr = ours(charging_periods=[a_charging_period(dimensions=dimensions)])

    assert (await tnm.post("/cdrs", cdr)).http_status == 201
    assert (await tnm.get(URL)).data == cdr


@pytest.mark.requirement("CDR-R-19")
async def test_a_reservation_that_was_not_used_has_no_evse(tnm: Caller) -> None:
    nowhere = {"evse_uid": "#NA", "evse_id": "#NA", "connector_id": "#NA"}
    cdr = ours(cdr_location=ours()["cdr_location"] | nowhere)

    assert (await tnm.post("/cdrs", cdr)).http_status == 201
    assert (await tnm.get(URL)).data == cdr


@pytest.mark.requirement("CDR-R-22")
async def test_a_cdr_of_a_home_charger_needs_no_location_session_or_tariff_of_ours(tnm: Caller) -> None:
    cdr = ours(
        session_id="unknown",
        tariffs=[a_tariff(id="unknown")],
        charging_periods=[a_charging_period(tariff_id="unknown")],
    )

    assert (await tnm.post("/cdrs", cdr)).http_status == 201


@pytest.mark.requirement("CDR-R-23")
async def test_a_cdr_for_somebody_elses_driver_is_refused(server: Server, tnm: Caller) -> None:
    answer = await tnm.post("/cdrs", ours(cdr_token=a_cdr_token(PartyId("FR", "XYZ"))))

    assert (answer.http_status, answer.status_code) == (200, 2004)
    assert "location" not in answer.headers
    assert await kept(server) == []


@pytest.mark.requirement("CDR-R-23")
async def test_a_cdr_for_a_driver_whom_our_party_does_not_know_is_kept_and_noted(server: Server, tnm: Caller) -> None:
    answer = await tnm.post("/cdrs", ours(cdr_token=a_cdr_token(OWM, uid="unheard-of")))

    assert (answer.http_status, answer.status_code) == (201, 1000)
    assert "unheard-of is no RFID token of NL*OWM" in (await findings(server))["/cdr_token/uid"]


async def test_the_token_says_which_of_our_parties_pays(server: Server, tnm: Caller) -> None:
    await server.add_party("BE", "OWM", "EMSP")
    for receiver in (("BE", "OWM"), None):
        caller = Caller(tnm.app, tnm.token, tnm.partner, tnm.sender, receiver, "emsp")
        posted = await caller.post("/cdrs", ours(id=f"for-{receiver}"))
        assert posted.http_status == 201, posted
        assert (await caller.get(posted.headers["location"])).http_status == 200

    assert {row["addressee"] for row in await server.rows("SELECT addressee FROM cdrs")} == {"NL*OWM"}


@pytest.mark.requirement("SES-R-17")
@pytest.mark.parametrize(("status", "flagged"), [("INVALID", True), ("COMPLETED", False)])
async def test_a_cdr_of_a_session_that_is_not_billed_is_flagged(
    server: Server, tnm: Caller, status: str, flagged: bool
) -> None:
    await tnm.put("/sessions/NL/TNM/101", a_session(cdr_token=a_cdr_token(OWM), status=status))

    posted = await tnm.post("/cdrs", ours())
    await tnm.post("/cdrs", a_credit(ours()))

    assert posted.status_code == 1000
    assert ("INVALID" in (await findings(server)).get("/session_id", "")) is flagged
    assert await findings(server, "NL*TNM/CDR1-C") == {}


@pytest.mark.requirement("CDR-R-24")
@pytest.mark.parametrize("unknown", ["1970-01-01T00:00:00Z", "1970-1-1T00:00:00Z"])
@pytest.mark.parametrize("field", ["start_date_time", "end_date_time"])
async def test_unknown_times_take_an_agreement(server: Server, tnm: Caller, field: str, unknown: str) -> None:
    cdr = ours(**{field: unknown})

    refused = await tnm.post("/cdrs", cdr)
    (partner,) = (await server.operator.get("/api/partners")).json()
    await server.operator.patch(f"/api/partners/{partner['id']}", json={"quirks": {"unknown_times": True}})
    taken = await tnm.post("/cdrs", cdr)

    assert (refused.http_status, refused.status_code) == (200, 2001)
    assert f"/{field}" in refused.message
    assert taken.http_status == 201, taken
    assert (await tnm.get(URL)).data == cdr | {field: "1970-01-01T00:00:00Z"}


async def test_a_cdr_without_evse_takes_an_agreement(server: Server, tnm: Caller) -> None:
    cdr = ours()
    for missing in ({}, {"evse_uid": None}):
        place = {name: value for name, value in cdr["cdr_location"].items() if name != "evse_uid"}
        cdr |= {"cdr_location": place | missing, "id": f"CDR{len(missing)}"}
        await server.operator.patch("/api/partners/1", json={"quirks": {}})

        refused = await tnm.post("/cdrs", cdr)
        await server.operator.patch("/api/partners/1", json={"quirks": {"cdrs_without_evse_uid": True}})
        taken = await tnm.post("/cdrs", cdr)
        wrong = await tnm.post("/cdrs", cdr | {"id": "X", "cdr_location": {"id": "LOC1"}})

        assert (refused.http_status, refused.status_code, taken.http_status) == (200, 2001, 201)
        assert (await tnm.get(f"/cdrs/NL/TNM/{cdr['id']}")).data == cdr | {"cdr_location": place}
        assert "as agreed" in (await findings(server, f"NL*TNM/{cdr['id']}"))["/cdr_location/evse_uid"]
        assert "evse_uid" not in wrong.message
        assert wrong.status_code == 2001


async def test_a_cdr_whose_token_names_no_party_takes_an_agreement(server: Server, tnm: Caller) -> None:
    token = {name: value for name, value in a_cdr_token(OWM).items() if name not in ("country_code", "party_id")}

    refused = await tnm.post("/cdrs", ours(cdr_token=token))
    await server.operator.patch("/api/partners/1", json={"quirks": {"cdr_tokens_of": "NL*OWM"}})
    taken = await tnm.post("/cdrs", ours(cdr_token=token))
    half = await tnm.post("/cdrs", ours(id="X", cdr_token=token | {"country_code": "NL"}))

    assert (refused.http_status, refused.status_code, taken.http_status) == (200, 2001, 201)
    assert (await tnm.get(URL)).data == ours()
    assert "taken as those of NL*OWM, as agreed" in (await findings(server))["/cdr_token/country_code"]
    assert half.status_code == 2001


@pytest.mark.requirement("CDR-R-26")
async def test_costs_that_we_compute_otherwise_are_reported_and_not_refused(server: Server, tnm: Caller) -> None:
    answer = await tnm.post("/cdrs", ours(total_cost={"excl_vat": 5, "incl_vat": 6}))

    assert answer.http_status == 201
    found = await findings(server)
    assert "told 5, computed 1.05" in found["/total_cost/excl_vat"]
    assert "told 6, computed 1.26" in found["/total_cost/incl_vat"]


@pytest.mark.requirement("CDR-R-26", "TAR-C-06")
async def test_the_tariff_is_read_in_the_time_zone_of_the_location(server: Server, tnm: Caller) -> None:
    components = [{"type": "ENERGY", "price": 0.25, "vat": 20, "step_size": 1}]
    dear = [{"type": "ENERGY", "price": 10, "vat": 20, "step_size": 1}]
    # The session begins at 12:00 UTC, that is 13:00 in Brussels.
    elements = [
        {"price_components": components, "restrictions": {"start_time": "12:55", "end_time": "14:00"}},
        {"price_components": dear},
    ]
    cdr = ours(tariffs=[a_tariff(elements=elements)])
    await tnm.put("/locations/NL/TNM/LOC1", a_location())

    await tnm.post("/cdrs", cdr)
    await tnm.post(
        "/cdrs", cdr | {"id": "CDR2", "session_id": "102", "cdr_location": cdr["cdr_location"] | {"id": "LOC2"}}
    )

    assert await findings(server) == {}
    assert "/total_cost/excl_vat" in await findings(server, "NL*TNM/CDR2")


@pytest.mark.requirement("CDR-R-27")
async def test_signed_values_come_back_byte_for_byte(tnm: Caller) -> None:
    signed = {
        "encoding_method": "OCMF",
        "public_key": "A" * 512,
        "signed_values": [{"nature": "Start", "plain_data": "p" * 5000, "signed_data": "c2ln+/==" * 625}],
    }
    cdr = ours(signed_data=copy.deepcopy(signed))

    posted = await tnm.post("/cdrs", cdr)

    assert (await tnm.get(posted.headers["location"])).data["signed_data"] == signed


@pytest.mark.requirement("TAR-R-05")
async def test_a_cdr_keeps_its_tariff_when_that_is_deleted(tnm: Caller) -> None:
    await tnm.put("/tariffs/NL/TNM/12", a_tariff())
    await tnm.post("/cdrs", ours())

    await tnm.delete("/tariffs/NL/TNM/12")

    assert (await tnm.get(URL)).data["tariffs"] == [a_tariff()]


async def test_what_nobody_can_calculate_with_is_kept_all_the_same(server: Server, tnm: Caller) -> None:
    cdr = ours(total_cost={"excl_vat": 10**40})

    assert (await tnm.post("/cdrs", cdr)).http_status == 201
    assert "cannot be recomputed" in (await findings(server))[""]
    assert (await server.operator.get("/api/cdrs/NL/TNM/CDR1/chain")).json()["net"] == []


@pytest.mark.requirement("CDR-R-01")
async def test_the_operator_hears_of_a_cdr(server: Server, tnm: Caller) -> None:
    await tnm.post("/cdrs", ours(last_updated=LATER))

    (event,) = await server.rows("SELECT subject FROM events WHERE type = 'cdr.received'")
    assert event["subject"] == "cdrs/NL*TNM/CDR1"
