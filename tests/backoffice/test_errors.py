"""Each fault of a request is told in the same way: problem+json, and where it is, in the body or in the URL."""

import itertools
from typing import Any

import httpx
import pytest
from tests.objects import LATER, a_cdr, a_location, a_session, a_tariff
from tests.own import OWA, publish, url
from tests.server import Server

WITH_A_BODY = [
    ("POST", "/api/parties"),
    ("POST", "/api/partners"),
    ("POST", "/api/partners/preflight"),
    ("PATCH", "/api/partners/1"),
    ("POST", "/api/partners/1/pull"),
    ("POST", "/api/deliveries/retry"),
    ("POST", "/api/webhooks"),
    ("POST", "/api/webhooks/1/resend"),
    ("PUT", "/api/sessions/charging_preferences/rules/NL/OWA"),
    ("PUT", "/api/locations/NL/OWA/LOC1"),
    ("PATCH", "/api/locations/NL/OWA/LOC1/3256"),
    ("PUT", "/api/tariffs/NL/OWA/1"),
    ("POST", "/api/commands/START_SESSION"),
    ("PUT", "/api/chargingprofiles/1"),
    ("POST", "/api/cdrs/price"),
]


def _problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    return told


@pytest.mark.parametrize(("method", "path"), WITH_A_BODY)
async def test_a_body_that_is_no_json_is_told_alike_everywhere(server: Server, method: str, path: str) -> None:
    for broken in (b"{", b'{"name": NaN}', b"[" * 100_000, b"\xff"):
        told = _problem(await server.operator.request(method, path, content=broken), 400)
        assert told["title"] == "Unreadable JSON"
        assert not {"pointer", "parameter", "errors"} & told.keys()


@pytest.mark.parametrize(("method", "path"), WITH_A_BODY)
async def test_a_body_that_is_no_object_is_pointed_at_as_a_whole(server: Server, method: str, path: str) -> None:
    told = _problem(await server.operator.request(method, path, json=[]), 422)

    assert (told["title"], told["detail"]) == ("Invalid object", "the body: must be a JSON object")
    assert told["pointer"] == ""
    assert told["errors"] == [{"pointer": "", "rule": "must be a JSON object"}]


@pytest.mark.parametrize(("method", "path"), WITH_A_BODY)
async def test_a_body_that_is_too_large_is_refused_everywhere(server: Server, method: str, path: str) -> None:
    body = b'{"name": "%s"}' % (b"x" * server.app.building.max_body_bytes)

    told = _problem(await server.operator.request(method, path, content=body), 413)

    assert str(server.app.building.max_body_bytes) in told["detail"]


async def test_each_fault_of_a_body_has_its_pointer(server: Server) -> None:
    told = _problem(await server.operator.post("/api/deliveries/retry", json={"a/b": 1}), 422)

    assert told["errors"] == [
        {"pointer": "/partner", "rule": "is required"},
        {"pointer": "/a~1b", "rule": "is not known here"},
    ]
    assert (told["pointer"], told["detail"]) == ("/partner", "/partner: is required; /a~1b: is not known here")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/parties", {"country_code": "NL", "party_id": "ABC", "role": "CPO", "business_details": {"name": "ABC"}}),
        ("/api/partners", {"name": "ABC"}),
        ("/api/webhooks", {"url": "https://erp.example/ocpi"}),
    ],
)
async def test_a_name_that_nobody_reads_is_refused_and_nothing_is_made(
    server: Server, path: str, body: dict[str, Any]
) -> None:
    before = (await server.operator.get(path)).json()

    told = _problem(await server.operator.post(path, json=body | {"mistyped": 1}), 422)

    assert told["errors"] == [{"pointer": "/mistyped", "rule": "is not known here"}]
    assert (await server.operator.get(path)).json() == before


@pytest.mark.parametrize("name", ["", " "])
async def test_a_party_and_a_partner_have_a_name(server: Server, name: str) -> None:
    party = {"country_code": "NL", "party_id": "ABC", "role": "CPO", "business_details": {"name": name}}

    refused = _problem(await server.operator.post("/api/parties", json=party), 422)
    unnamed = _problem(await server.operator.post("/api/partners", json={"name": name}), 422)

    assert (refused["pointer"], unnamed["pointer"]) == ("/business_details/name", "/name")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/parties", "GET, HEAD, POST"),
        ("PUT", "/api/partners/1", "DELETE, GET, HEAD, PATCH"),
        ("POST", "/api/locations/NL/OWA/LOC1", "DELETE, GET, HEAD, PATCH, PUT"),
        ("GET", "/api/webhooks/1/resend", "POST"),
        ("POST", "/health/live", "GET, HEAD"),
        ("POST", "/docs/assets/swagger-ui.css", "GET, HEAD"),
    ],
)
async def test_a_method_that_a_path_has_not_is_answered_with_all_that_it_has(
    server: Server, method: str, path: str, allowed: str
) -> None:
    answer = await server.operator.request(method, path)

    _problem(answer, 405)
    assert answer.headers["allow"] == allowed


async def test_a_fault_of_an_object_is_told_as_that_of_any_other_body(server: Server) -> None:
    await publish(server)

    told = _problem(await server.operator.patch(url("LOC1", "3256"), json={"status": "BROKEN"}), 422)

    assert told["pointer"] == "/status"
    assert told["errors"] == [{"pointer": "/status", "rule": told["detail"].removeprefix("/status: ")}]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/api/locations?partner=x", "partner"),
        ("/api/locations?date_from=x", "date_from"),
        ("/api/partners/x", "partner_id"),
        ("/api/messages?status=x", "status"),
        ("/api/timeline", "session"),
        ("/api/timeline?session=1&command=1", "session"),
        ("/api/timeline?session=", "session"),
        ("/api/display/locations/NL/OWA/LOC1?at=yesterday", "at"),
        ("/api/chargingprofiles/1?country_code=NL", "country_code"),
        ("/api/events?subject=%00", "subject"),
        ("/api/locations/NL/OWA/%00", "object_id"),
        ("/api/watch?since_days=0", "since_days"),
    ],
)
async def test_a_fault_of_the_url_names_its_parameter(server: Server, path: str, parameter: str) -> None:
    told = _problem(await server.operator.get(path), 422)

    assert (told["title"], told["parameter"]) == ("Invalid parameter", parameter)
    assert [one["parameter"] for one in told["errors"]] == [parameter]
    assert "pointer" not in told
    assert told["detail"].startswith(f"{parameter}: ")


@pytest.mark.parametrize(
    ("path", "parameter", "allowed"),
    [
        ("/api/commands?state=DONE", "state", "WAITING, RESULTED, TIMED_OUT, REFUSED, FAILED"),
        ("/api/commands?direction=inbound&state=WAITING", "state", "PENDING, RESULTED, TIMED_OUT, REFUSED"),
        ("/api/commands?direction=in", "direction", "'inbound' or 'outbound'"),
        ("/api/commands/reservations?state=DONE", "state", "'REQUESTED', 'TIMED_OUT', 'ACTIVE', 'FAILED'"),
        ("/api/chargingprofiles?state=DONE", "state", "WAITING, RESULTED, TIMED_OUT, REFUSED, FAILED"),
        ("/api/chargingprofiles?direction=inbound&state=DONE", "state", "PENDING, RESULTED, TIMED_OUT, REFUSED"),
        ("/api/deliveries?state=DONE", "state", "'waiting', 'paused', 'refused' or 'given_up'"),
        ("/api/deliveries?module=location", "module", "'locations'"),
        ("/api/findings?module=location", "module", "'locations'"),
        ("/api/messages?module=location", "module", "'locations'"),
        ("/api/messages?direction=in", "direction", "'inbound' or 'outbound'"),
        ("/api/events?type=objects.*", "type", "object.received, object.changed"),
        ("/api/events/stream?type=objects.*", "type", "object.received, object.changed"),
        ("/api/locations?order=new", "order", "'oldest' or 'newest'"),
        ("/api/locations?own=maybe", "own", "boolean"),
        ("/api/tokens/NL/OWM/1?type=FOO", "type", "'RFID'"),
        ("/api/tokens/NL/OWM/1/rules?type=FOO", "type", "'RFID'"),
        ("/api/display/locations/NL/OWA/LOC1?type=FOO", "type", "'RFID'"),
    ],
)
async def test_a_mistyped_filter_is_refused_with_what_it_may_be(
    server: Server, path: str, parameter: str, allowed: str
) -> None:
    told = _problem(await server.operator.get(path), 422)

    assert told["parameter"] == parameter
    assert allowed in told["detail"]


async def test_a_token_type_that_there_is_not_is_refused_when_asked_about(server: Server) -> None:
    told = _problem(await server.operator.post("/api/tokens/-/-/1/authorize?type=FOO"), 422)

    assert told["parameter"] == "type"
    assert "'RFID'" in told["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/commands?state=Timed_Out",
        "/api/commands?direction=inbound&state=pending",
        "/api/commands/reservations?state=active",
        "/api/chargingprofiles?direction=inbound&state=pending",
        "/api/deliveries?state=WAITING",
        "/api/events?type=object.*&type=cdr.received",
    ],
)
async def test_a_filter_is_taken_in_any_case(server: Server, path: str) -> None:
    answer = await server.operator.get(path)

    assert (answer.status_code, answer.json()) == (200, []), answer.text


async def test_a_webhook_is_told_if_no_event_has_its_type(server: Server) -> None:
    body = {"url": "https://x.example/", "types": ["object.*", "objects.*"]}

    told = _problem(await server.operator.post("/api/webhooks", json=body), 422)

    assert told["pointer"] == "/types/1"
    assert (await server.operator.get("/api/webhooks")).json() == []


@pytest.mark.requirement("TYP-06", "TYP-09")
@pytest.mark.parametrize("written", ["yesterday", "2026-03-01", "2026-02-30T12:00:00Z", "", 5, True, [], {}])
async def test_a_last_updated_that_is_no_moment_is_pointed_at_and_never_taken_for_now(
    server: Server, written: object
) -> None:
    location, tariff, session = "/api/locations/NL/OWA/LOC1", "/api/tariffs/NL/OWA/14", "/api/sessions/NL/OWA/101"
    objects = {location: a_location(OWA), tariff: a_tariff(OWA, id="14"), session: a_session(OWA)}
    for path, known in objects.items():
        assert (await server.operator.put(path, json=known)).status_code == 201
    parts = (location, f"{location}/3256", f"{location}/3256/1", tariff, session)

    for method, path in itertools.product(("PUT", "PATCH"), parts):
        before = (await server.operator.get(path)).json()
        body = (before if method == "PUT" else {}) | {"last_updated": written}
        told = _problem(await server.operator.request(method, path, json=body), 422)
        assert told["pointer"] == "/last_updated", (method, path, told)
        assert (await server.operator.get(path)).json() == before


@pytest.mark.requirement("TYP-15")
async def test_null_is_as_good_as_leaving_out_what_the_url_and_the_clock_say(server: Server) -> None:
    objects = {
        "locations": a_location(OWA), "tariffs": a_tariff(OWA), "sessions": a_session(OWA), "cdrs": a_cdr(OWA)
    }  # fmt: skip
    for module, whole in objects.items():
        left_to_us = {"country_code": None, "party_id": None, "id": None, "last_updated": None}
        answer = await server.operator.put(f"/api/{module}/NL/OWA/{whole['id']}", json=whole | left_to_us)

        assert answer.status_code == 201, answer.text
        told = answer.json()
        assert [told[name] for name in ("country_code", "party_id", "id")] == ["NL", "OWA", whole["id"]]
        assert told["last_updated"] > LATER
