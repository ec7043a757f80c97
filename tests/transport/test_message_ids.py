"""X-Request-ID and X-Correlation-ID. OCPI 2.2.1, Transport and format, "Unique message IDs"."""

import uuid

import pytest
from tests.conftest import BOTH
from tests.objects import LATER, a_location
from tests.partner import Answer, Caller
from tests.server import Server

from ocpi_party.modules.locations import repository

IDS = {"x-request-id": "request-1", "x-correlation-id": "correlation-1"}


def _echoed(answer: Answer) -> bool:
    return {name: answer.headers.get_list(name) for name in IDS} == {name: [value] for name, value in IDS.items()}


@BOTH
@pytest.mark.requirement("TRN-22", "TRN-23", "TRN-16", "TRN-17")
async def test_the_ids_come_back_on_every_answer(
    server: Server, tnm: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_given: object) -> None:
        raise ZeroDivisionError("a bug")

    seen = {
        200: await tnm.get("/ocpi/versions", headers=IDS),
        400: await tnm.put("/locations/NL/TNM/LOC1", None, content=b"{", headers=IDS),
        401: await tnm.get("/ocpi/versions", headers=IDS | {"authorization": ""}),
        403: await tnm.get("/locations/NL/TNM/LOC1", headers=IDS | {"ocpi-from-party-id": "XXX"}),
        404: await tnm.get("/locations/NL/TNM/LOC1", headers=IDS),
        405: await tnm.delete("/locations/NL/TNM/LOC1", headers=IDS),
        413: await tnm.put("/locations/NL/TNM/LOC1", None, content=b" " * (8 * 2**20 + 1), headers=IDS),
    }
    monkeypatch.setattr(repository, "location", broken)
    seen[500] = await tnm.get("/locations/NL/TNM/LOC1", headers=IDS)

    assert {status: answer.http_status for status, answer in seen.items()} == {status: status for status in seen}
    assert [status for status, answer in seen.items() if not _echoed(answer)] == []
    assert {answer.headers["content-type"] for answer in seen.values()} == {"application/json"}
    assert all(isinstance(answer.status_code, int) and "timestamp" in answer.body for answer in seen.values())
    assert "a bug" in caplog.text  # the crash is logged, and told to nobody else
    assert "bug" not in seen[500].message


@BOTH
@pytest.mark.requirement("TRN-25", "TRN-24")
@pytest.mark.parametrize("missing", [["x-request-id"], ["x-correlation-id"], ["x-request-id", "x-correlation-id"]])
async def test_missing_ids_are_made_up(tnm: Caller, missing: list[str]) -> None:
    answer = await tnm.get("/ocpi/versions", headers=dict.fromkeys(missing, ""))

    assert answer.status_code == 1000
    assert all(uuid.UUID(answer.headers[name]) for name in IDS)


@pytest.mark.requirement("TRN-26")
async def test_two_requests_with_one_correlation_id_are_two_requests(tnm: Caller) -> None:
    same = {"x-correlation-id": "one-correlation"}
    first = await tnm.put("/locations/NL/TNM/LOC1", a_location(), headers=same | {"x-request-id": "1"})
    second = await tnm.put(
        "/locations/NL/TNM/LOC1", a_location(name="Second", last_updated=LATER), headers=same | {"x-request-id": "2"}
    )

    assert (first.http_status, second.http_status) == (201, 200)
    assert (await tnm.get("/locations/NL/TNM/LOC1")).data["name"] == "Second"


async def test_an_id_with_characters_that_break_headers_is_harmless(tnm: Caller) -> None:
    answer = await tnm.get("/ocpi/versions", headers={"x-request-id": "caf\xe9"})

    assert answer.status_code == 1000
