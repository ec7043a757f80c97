"""Whatever is asked of us, we have an answer: no bug, and under /ocpi always the envelope. OCPI 2.2.1, "Response format"."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from schemathesis import Case, GenerationMode

from ocpi_party.ocpi.types import PartyId
from tests.fuzzing import Fuzzed, each_case, fuzzed, ocpi_schema, without_patterns
from tests.objects import a_cdr, a_location, a_session, a_tariff, a_token
from tests.partner import FakePartner, basic

EXAMPLES = 3
"""Per operation, each way; for a longer search set it to some hundreds and take derandomize away."""

ENDLESS = ("/api/events/stream",)
OWA, OWM = PartyId("NL", "OWA"), PartyId("NL", "OWM")


@pytest.fixture
def house(database_url: str) -> Iterator[Fuzzed]:
    with fuzzed(database_url) as running:
        yield running


def _connected(house: Fuzzed) -> str:
    """A partner is registered and we have one object of each kind; the token it calls us with."""
    partner = house.server.internet.add(FakePartner())
    caller = house.run(house.server.connect(partner))
    ours = {
        "locations/NL/OWA/LOC1": a_location(OWA),
        "tariffs/NL/OWA/12": a_tariff(OWA),
        "sessions/NL/OWA/101": a_session(OWA),
        "cdrs/NL/OWA/CDR1": a_cdr(OWA),
        "tokens/NL/OWM/012345678": a_token(OWM),
    }
    for path, body in ours.items():
        answer = house.run(house.server.operator.put(f"/api/{path}", json=body))
        assert answer.status_code == 201, answer.text
    return str(caller.token)


def _told(case: Case[Any], answer: httpx.Response) -> str:
    return f"{case.method} {case.formatted_path} {case.query} {case.headers} {case.body!r}: {answer.status_code} {answer.text}"


def test_the_operators_api_has_an_answer_to_everything(house: Fuzzed) -> None:
    _connected(house)

    def ask(case: Case[Any]) -> None:
        answer = house.ask(case, {})
        # 502 is an answer: the partner, not we, did not do what it should.
        reason = answer.headers.get("content-type") == "application/problem+json"
        assert answer.status_code < 500 or (answer.status_code == 502 and reason), _told(case, answer)
        assert answer.status_code < 400 or reason, _told(case, answer)

    assert each_case(without_patterns(house.get("/openapi.json")), ask, examples=EXAMPLES, leave_out=ENDLESS) > 50


@pytest.mark.requirement("TRN-16", "TRN-17", "TRN-19")
@pytest.mark.parametrize("known", [True, False], ids=["a partner", "nobody"])
def test_partners_always_get_the_envelope(house: Fuzzed, known: bool) -> None:
    token = _connected(house)

    def ask(case: Case[Any]) -> None:
        answer = house.ask(case, {"authorization": basic(token) if known else ""})
        assert answer.status_code < 500, _told(case, answer)
        body = json.loads(answer.content)
        assert isinstance(body["status_code"], int), _told(case, answer)
        assert isinstance(body["timestamp"], str), _told(case, answer)
        assert answer.headers["content-type"].startswith("application/json"), _told(case, answer)
        assert known or answer.status_code == 401, _told(case, answer)

    unregister = "/ocpi/2.2.1/credentials"  # With its DELETE the partner would be gone in the middle of the test.
    if known:
        assert each_case(ocpi_schema(), ask, examples=EXAMPLES, leave_out=(unregister,)) > 20
    else:
        assert each_case(ocpi_schema(), ask, examples=1, modes=(GenerationMode.POSITIVE,)) > 20
