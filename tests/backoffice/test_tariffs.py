"""The operator writes our Tariffs, and partners hear of it."""

import json

import httpx
import pytest
from tests.objects import LATER, NOON, a_connector, a_location, a_tariff, an_evse
from tests.partner import FakePartner, envelope
from tests.server import Server

from ocpi_party.modules.tariffs.expiry import withdraw_expired
from ocpi_party.ocpi.types import PartyId

OWA = PartyId("NL", "OWA")
URL = "/api/tariffs/NL/OWA/t-12"
THEIRS = "/ocpi/2.2.1/receiver/tariffs/NL/OWA/t-12"


@pytest.fixture
async def tnm(server: Server) -> FakePartner:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    partner.asked.clear()
    return partner


def told(partner: FakePartner) -> list[tuple[str, str]]:
    """Method and URL of what the partner was told since it was last asked, oldest first."""
    found = [(request.method, request.url.path) for request in partner.asked]
    partner.asked.clear()
    return found


def a_location_with(*tariff_ids: str, **changes: object) -> dict[str, object]:
    connector = a_connector(tariff_ids=list(tariff_ids))
    return a_location(OWA, evses=[an_evse(connectors=[connector], **changes)])


async def put(server: Server, **changes: object) -> httpx.Response:
    answer = await server.operator.put(URL, json=a_tariff(OWA, id="t-12", **changes))
    assert answer.status_code in (200, 201), answer.text
    return answer


@pytest.mark.requirement("TAR-R-09", "OWN-01", "OWN-02")
async def test_a_new_and_a_changed_tariff_are_put_as_a_whole(server: Server, tnm: FakePartner) -> None:
    created = await put(server)
    await server.push()
    (new,) = tnm.asked
    assert (created.status_code, told(tnm)) == (201, [("PUT", THEIRS)])
    assert json.loads(new.content) == a_tariff(OWA, id="t-12")

    changed = await server.operator.patch(URL, json={"currency": "CHF"})
    await server.push()

    (request,) = tnm.asked
    assert (changed.status_code, request.method, request.url.path) == (200, "PUT", THEIRS)
    assert json.loads(request.content) == changed.json() == (await server.operator.get(URL)).json()
    assert changed.json() == a_tariff(OWA, id="t-12", currency="CHF", last_updated=changed.json()["last_updated"])


_PER_KWH = {"type": "ENERGY", "price": 0.25, "step_size": 1}


def _elements(*restrictions: dict[str, object] | None) -> list[dict[str, object]]:
    return [{"price_components": [_PER_KWH]} | ({"restrictions": one} if one else {}) for one in restrictions]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"min_price": {"excl_vat": 5}, "max_price": {"excl_vat": 4.99}}, "/min_price/excl_vat"),
        (
            {"min_price": {"excl_vat": 5, "incl_vat": 6.05}, "max_price": {"excl_vat": 5, "incl_vat": 6}},
            "/min_price/incl_vat",
        ),
        (
            {"start_date_time": "2026-03-02T00:00:00Z", "end_date_time": "2026-03-01T23:59:59.999Z"},
            "/end_date_time",
        ),
    ],
)
async def test_a_tariff_that_contradicts_itself_is_refused(
    server: Server, tnm: FakePartner, changes: dict[str, object], pointer: str
) -> None:
    answer = await server.operator.put(URL, json=a_tariff(OWA, id="t-12") | changes)
    await put(server)
    patched = await server.operator.patch(URL, json=changes)
    await server.push()

    assert [(one.status_code, one.json()["pointer"]) for one in (answer, patched)] == [(422, pointer)] * 2
    (request,) = tnm.asked
    assert json.loads(request.content) == a_tariff(OWA, id="t-12")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"elements": _elements({"min_kwh": 10, "max_kwh": 10})}, "/elements/0/restrictions/max_kwh"),
        ({"elements": _elements({"min_current": 16, "max_current": 6.5})}, "/elements/0/restrictions/max_current"),
        ({"elements": _elements({"min_power": 50, "max_power": 22})}, "/elements/0/restrictions/max_power"),
        (
            {"elements": _elements(None, {"min_duration": 60, "max_duration": 6})},
            "/elements/1/restrictions/max_duration",
        ),
        (
            {"elements": _elements({"start_date": "2026-03-01", "end_date": "2026-03-01"})},
            "/elements/0/restrictions/end_date",
        ),
        ({"elements": _elements(None, {"day_of_week": ["MONDAY"]})}, "/elements/1"),
        ({"elements": _elements(None, None)}, "/elements/1"),
        ({"elements": [{"price_components": [_PER_KWH, _PER_KWH]}]}, "/elements/0/price_components/1/type"),
    ],
)
async def test_what_has_no_effect_in_a_tariff_is_published_and_named_to_the_operator(
    server: Server, tnm: FakePartner, changes: dict[str, object], pointer: str
) -> None:
    answer = await server.operator.put(URL, json=a_tariff(OWA, id="t-12") | changes)
    await server.push()

    assert answer.status_code == 201, answer.text
    assert f'299 - "{pointer} ' in answer.headers["warning"]
    (request,) = tnm.asked
    assert json.loads(request.content) == a_tariff(OWA, id="t-12") | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"min_price": {"excl_vat": 5}, "max_price": {"excl_vat": 5}},
        {"min_price": {"excl_vat": 5}, "max_price": {"excl_vat": 6, "incl_vat": 3}},
        {"start_date_time": "2026-03-02T00:00:00Z", "end_date_time": "2026-03-02T00:00:00Z"},
        {"elements": _elements({"min_kwh": 10, "max_kwh": 10.001})},
        {
            "elements": _elements(
                {"start_time": "22:00", "end_time": "06:00"}, {"start_time": "06:00", "end_time": "06:00"}
            )
        },
        {"elements": _elements({"start_date": "2026-03-01", "end_date": "2026-03-02"}, {"max_power": 22}, None)},
        {
            "elements": [
                *_elements(None),
                {
                    "price_components": [{"type": "TIME", "price": 5, "step_size": 60}],
                    "restrictions": {"reservation": "RESERVATION"},
                },
                {
                    "price_components": [
                        {"type": "ENERGY", "price": 1, "step_size": 1},
                        {"type": "FLAT", "price": 1, "step_size": 1},
                    ]
                },
            ]
        },
    ],
)
async def test_a_tariff_that_somebody_can_be_charged_by_is_taken(server: Server, changes: dict[str, object]) -> None:
    await put(server, **changes)

    assert (await server.operator.get(URL)).json() == a_tariff(OWA, id="t-12") | changes


@pytest.mark.requirement("TYP-11")
async def test_a_changed_price_is_told_digit_for_digit(server: Server, tnm: FakePartner) -> None:
    await put(server)
    await server.push()
    told(tnm)

    changed = await server.operator.patch(URL, content=b'{"min_price": {"excl_vat": 12345678.12340}}')
    await server.push()

    assert changed.status_code == 200, changed.text
    (request,) = tnm.asked
    assert b'"excl_vat":12345678.12340' in request.content


@pytest.mark.requirement("TAR-R-03")
async def test_a_tariff_is_never_patched(server: Server, tnm: FakePartner) -> None:
    await put(server)
    await server.push()

    await server.operator.patch(URL, json={"currency": "CHF"})
    await server.push()

    assert {method for method, _ in told(tnm)} == {"PUT"}


@pytest.mark.requirement("TAR-R-10")
async def test_a_tariff_is_told_before_the_location_that_refers_to_it(server: Server, tnm: FakePartner) -> None:
    await server.operator.put("/api/locations/NL/OWA/LOC1", json=a_location_with("t-12"))
    await put(server)

    await server.push()

    assert told(tnm) == [("PUT", THEIRS), ("PUT", "/ocpi/2.2.1/receiver/locations/NL/OWA/LOC1")]


@pytest.mark.requirement("TAR-R-07")
async def test_a_tariff_that_a_connector_refers_to_cannot_be_deleted(server: Server, tnm: FakePartner) -> None:
    await put(server)
    await server.operator.put("/api/locations/NL/OWA/LOC1", json=a_location_with("T-12"))

    answer = await server.operator.delete(URL)

    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert "LOC1/3256/1" in answer.json()["detail"]
    assert (await server.operator.get(URL)).status_code == 200


@pytest.mark.requirement("TAR-R-07")
async def test_the_locations_change_first_and_then_the_tariff_is_deleted(server: Server, tnm: FakePartner) -> None:
    await put(server)
    await server.operator.put("/api/locations/NL/OWA/LOC1", json=a_location_with("t-12"))
    await server.push()
    told(tnm)

    await server.operator.put(
        "/api/locations/NL/OWA/LOC1", json=a_location_with() | {"last_updated": "2026-03-02T12:00:00Z"}
    )
    deleted = await server.operator.delete(URL)
    await server.push()

    assert deleted.status_code == 204, deleted.text
    assert told(tnm) == [("PUT", "/ocpi/2.2.1/receiver/locations/NL/OWA/LOC1"), ("DELETE", THEIRS)]
    assert await server.rows("SELECT * FROM outbox_marks") == []


@pytest.mark.requirement("TAR-R-07")
async def test_a_removed_evse_holds_no_tariff_back(server: Server) -> None:
    await put(server)
    await server.operator.put("/api/locations/NL/OWA/LOC1", json=a_location_with("t-12", status="REMOVED"))

    assert (await server.operator.delete(URL)).status_code == 204
    assert (await server.operator.get(URL)).status_code == 404
    assert (await server.operator.delete(URL)).status_code == 404


@pytest.mark.requirement("TAR-R-06")
@pytest.mark.parametrize("answer", [envelope(code=2001, http_status=404), httpx.Response(404), envelope(code=2003)])
async def test_a_partner_that_does_not_know_the_tariff_needs_no_second_delete(
    server: Server, tnm: FakePartner, answer: httpx.Response
) -> None:
    await put(server)
    await server.push()
    tnm.on("DELETE", "/tariffs/", answer)

    await server.operator.delete(URL)
    await server.push()

    assert await server.rows("SELECT * FROM outbox_marks") == []


@pytest.mark.requirement("TAR-R-06", "STS-05")
@pytest.mark.parametrize(
    ("seen", "states"),
    [
        (envelope(code=2001, http_status=404), []),
        (envelope({"id": "T-12"}), ["REFUSED"]),
    ],
)
async def test_after_an_empty_answer_to_delete_the_partner_is_asked_whether_the_tariff_is_gone(
    server: Server, tnm: FakePartner, seen: httpx.Response, states: list[str]
) -> None:
    await put(server)
    await server.push()
    tnm.on("DELETE", "/tariffs/", httpx.Response(200))
    tnm.on("GET", "/tariffs/", seen)

    await server.operator.delete(URL)
    await server.push()

    assert [row["state"] for row in await server.rows("SELECT state FROM outbox_marks")] == states


@pytest.mark.requirement("TAR-R-08")
async def test_a_deleted_tariff_can_be_put_again(server: Server, tnm: FakePartner) -> None:
    await put(server)
    await server.operator.delete(URL)
    again = await put(server)

    await server.push()

    assert again.status_code == 201
    assert told(tnm) == [("PUT", THEIRS)]


@pytest.mark.requirement("TAR-S-04")
async def test_who_may_not_see_a_tariff_any_more_is_told_to_delete_it(server: Server, tnm: FakePartner) -> None:
    abc = server.internet.add(FakePartner("abc", "abc.example", "token-of-abc", roles=(("EMSP", "DE", "ABC"),)))
    await server.connect(abc)
    await put(server)
    await server.push()
    told(tnm), told(abc)

    await server.operator.put(URL, json=a_tariff(OWA, id="t-12", last_updated=NOON), params={"audience": "DE*ABC"})
    await server.push()

    assert told(tnm) == [("DELETE", THEIRS)]
    assert told(abc) == [("PUT", THEIRS)]


@pytest.mark.requirement("TAR-S-01", "TAR-R-09")
async def test_a_tariff_that_ended_is_told_when_it_is_prolonged_or_deleted(server: Server, tnm: FakePartner) -> None:
    await put(server, end_date_time="2020-01-01T00:00:00Z")
    await server.push()
    told(tnm)
    async with server.app.building.database.write() as tx:
        assert await withdraw_expired(tx) == 1

    await server.operator.patch(URL, json={"end_date_time": "2099-01-01T00:00:00Z"})
    await server.push()
    prolonged = told(tnm)
    await server.operator.patch(URL, json={"end_date_time": "2020-01-01T00:00:00Z"})
    async with server.app.building.database.write() as tx:
        await withdraw_expired(tx)
    await server.operator.delete(URL)
    await server.push()

    assert prolonged == [("PUT", THEIRS)]
    assert told(tnm) == [("DELETE", THEIRS)]


async def test_what_others_would_have_to_forgive_is_refused(server: Server) -> None:
    answer = await server.operator.put(URL, json=a_tariff(OWA, id="t-12", currency="euro"))

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/currency")
    assert (await server.operator.put("/api/tariffs/NL/TNM/12", json=a_tariff())).status_code == 403


@pytest.mark.requirement("TAR-C-12", "TAR-R-11")
@pytest.mark.parametrize(
    ("component", "restrictions", "field"),
    [
        ({"type": "ENERGY", "price": 1, "step_size": 1}, {"reservation": "RESERVATION"}, "type"),
        ({"type": "PARKING_TIME", "price": 1, "step_size": 1}, {"reservation": "RESERVATION_EXPIRES"}, "type"),
        ({"type": "ENERGY", "price": 1, "step_size": -1}, {}, "step_size"),
    ],
)
async def test_what_nobody_could_be_charged_for_is_refused(
    server: Server, component: dict[str, object], restrictions: dict[str, object], field: str
) -> None:
    known = (await put(server)).json()
    reserving = {"price_components": [component | {"type": "TIME", "step_size": 0}], "restrictions": restrictions}
    wrong = {"price_components": [component], "restrictions": restrictions}

    answers = [
        await server.operator.put(URL, json=known | {"elements": [reserving, wrong], "last_updated": LATER}),
        await server.operator.patch(URL, json={"elements": [reserving, wrong]}),
    ]

    pointer = f"/elements/1/price_components/0/{field}"
    assert [(one.status_code, one.json()["pointer"]) for one in answers] == [(422, pointer)] * 2
    assert (await server.operator.get(URL)).json() == known
    await put(server, elements=[reserving], last_updated=LATER)


@pytest.mark.requirement("OWN-20")
async def test_a_tariff_that_is_there_again_is_newer_than_what_partners_know_of_it(server: Server) -> None:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    await server.operator.put("/api/tariffs/NL/OWA/12", json=a_tariff(OWA, last_updated="2026-03-01T12:00:00Z"))
    await server.push()
    await server.operator.delete("/api/tariffs/NL/OWA/12")

    again = await server.operator.put(
        "/api/tariffs/NL/OWA/12", json=a_tariff(OWA, currency="CHF", last_updated="2026-03-01T11:00:00Z")
    )
    await server.push()

    sent = json.loads(partner.requests("PUT", "/tariffs/")[-1].content)
    assert again.status_code == 201
    assert sent == again.json()
    assert sent["last_updated"] == "2026-03-01T12:00:00.001Z"
