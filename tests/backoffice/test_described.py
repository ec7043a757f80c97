"""What /openapi.json says is so: errors are problems, what is written may be new, and every reference leads somewhere."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.objects import a_cdr, a_connector, a_location, a_session, a_tariff, a_token, an_evse
from tests.server import Server

from ocpi_party.backoffice.errors import Problem
from ocpi_party.ocpi.types import PartyId

OWA, OWM = PartyId("NL", "OWA"), PartyId("NL", "OWM")
ONE_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@pytest.fixture
async def described(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = (await server.operator.get("/openapi.json")).json()
    return found


def _operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            if path.startswith("/api/"):
                yield path, method, operation


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            yield from [value] if name == "$ref" else _references(value)
    elif isinstance(part, list):
        for one in part:
            yield from _references(one)


async def test_every_operation_declares_its_errors_as_one_kind_of_problem(described: dict[str, Any]) -> None:
    for path, method, operation in _operations(described):
        told = {status: one for status, one in operation["responses"].items() if not status.startswith("2")}
        assert {"401", "403", "503", "default"} <= told.keys(), (method, path)
        assert all(one["content"] == ONE_PROBLEM for one in told.values()), (method, path)
        assert ("422" in told) == bool("requestBody" in operation or operation.get("parameters")), (method, path)
        assert ("400" in told) == ("requestBody" in operation), (method, path)
    assert not {"HTTPValidationError", "ValidationError"} & described["components"]["schemas"].keys()


async def test_no_answer_is_without_a_description_of_its_own(described: dict[str, Any]) -> None:
    for path, method, operation in _operations(described):
        for status, answer in operation["responses"].items():
            assert answer["description"] not in ("", "Successful Response"), (method, path, status)


async def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    found = {one.removeprefix("#/components/schemas/") for one in _references(described)}

    assert {"Problem", "Location", "Evse", "Connector", "Tariff", "Session", "Cdr", "Token", "Price"} <= found
    assert found <= described["components"]["schemas"].keys()


@pytest.mark.parametrize(
    ("path", "url", "body"),
    [
        ("locations/{country_code}/{party_id}/{location_id}", "locations/NL/OWA/LOC1", a_location(OWA)),
        ("locations/{country_code}/{party_id}/{location_id}/{evse_uid}", "locations/NL/OWA/LOC1/9", an_evse(uid="9")),
        (
            "locations/{country_code}/{party_id}/{location_id}/{evse_uid}/{connector_id}",
            "locations/NL/OWA/LOC1/3256/9",
            a_connector(id="9"),
        ),
        ("tariffs/{country_code}/{party_id}/{tariff_id}", "tariffs/NL/OWA/12", a_tariff(OWA)),
        ("sessions/{country_code}/{party_id}/{session_id}", "sessions/NL/OWA/101", a_session(OWA)),
        ("cdrs/{country_code}/{party_id}/{cdr_id}", f"cdrs/NL/OWA/{a_cdr()['id']}", a_cdr(OWA)),
        ("tokens/{country_code}/{party_id}/{uid}", "tokens/NL/OWM/012345678", a_token(OWM)),
    ],
)
async def test_what_is_new_is_answered_201_as_declared(
    server: Server, described: dict[str, Any], path: str, url: str, body: dict[str, Any]
) -> None:
    declared = described["paths"][f"/api/{path}"]["put"]["responses"]
    if url.count("/") > 3:
        await server.operator.put("/api/locations/NL/OWA/LOC1", json=a_location(OWA))

    body = {name: value for name, value in body.items() if name != "last_updated"}

    answers = [await server.operator.put(f"/api/{url}", json=body) for _ in range(2)]

    assert [one.status_code for one in answers] == [201, 200], [one.text for one in answers]
    schemas = [declared[status]["content"]["application/json"]["schema"] for status in ("200", "201")]
    assert schemas[0] == schemas[1]


async def test_what_may_be_left_out_of_a_body_is_not_required(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]

    assert not {"last_updated", "country_code", "party_id", "id"} & set(schemas["Location"]["required"])
    assert "last_updated" not in schemas["Evse"]["required"]
    assert "uid" in schemas["Evse"]["required"]
    assert {"address", "coordinates"} <= set(schemas["Location"]["required"])


async def test_a_problem_is_as_described(server: Server) -> None:
    for path in ("/api/locations?limit=x", "/api/locations/NL/OWA/NONE", "/api/commands?state=x"):
        told = (await server.operator.get(path)).json()
        assert told == Problem.model_validate(told).model_dump(exclude_unset=True)


async def test_lists_declare_their_headers(server: Server, described: dict[str, Any]) -> None:
    declared = described["paths"]["/api/sessions/silent"]["get"]["responses"]["200"]

    assert declared["headers"].keys() == {"X-Total-Count", "X-Limit", "Link"}
