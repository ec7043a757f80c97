"""Partners read the CDRs that they have to pay."""

from typing import Any

import pytest
from tests.objects import a_cdr, a_cdr_token
from tests.partner import Answer, Caller, FakePartner
from tests.server import Server

from ocpi_party.ocpi.types import PartyId

OWA = PartyId("NL", "OWA")
TNM = PartyId("DE", "TNM")


@pytest.fixture
async def msp(server: Server) -> Caller:
    """A platform with the eMSPs DE/TNM and FR/TNM, calling our CPO as DE/TNM."""
    roles = (("EMSP", "DE", "TNM"), ("EMSP", "FR", "TNM"))
    caller = await server.connect(server.internet.add(FakePartner(roles=roles)))
    return caller.speaking(("DE", "TNM"), ("NL", "OWA"), "cpo")


async def issue(server: Server, cdr_id: str, payer: PartyId = TNM, **changes: Any) -> dict[str, Any]:
    cdr = a_cdr(OWA, id=cdr_id, cdr_token=a_cdr_token(payer), **changes)
    answer = await server.operator.put(f"/api/cdrs/NL/OWA/{cdr_id}", json=cdr)
    assert answer.status_code == 201, answer.text
    return cdr


def ids(answer: Answer) -> list[str]:
    return [cdr["id"] for cdr in answer.data]


@pytest.mark.requirement("CDR-S-01", "CDR-S-04", "PAG-01", "PAG-04", "PAG-07")
async def test_the_list_has_pages_and_windows(server: Server, msp: Caller) -> None:
    cdrs = [await issue(server, f"CDR{day}", last_updated=f"2026-03-0{day}T12:00:00Z") for day in range(1, 4)]

    first = await msp.get("/cdrs", params={"limit": "2"})
    rest = await msp.get(first.headers["link"].partition(">")[0][1:])
    window = await msp.get("/cdrs", params={"date_from": "2026-03-02T12:00:00Z", "date_to": "2026-03-03T12:00:00Z"})

    assert (first.data, rest.data) == (cdrs[:2], cdrs[2:])
    assert (first.headers["x-total-count"], "link" in rest.headers) == ("3", False)
    assert (window.data, window.headers["x-total-count"]) == (cdrs[1:2], "1")


@pytest.mark.requirement("CDR-S-02")
async def test_an_emsp_sees_its_own_cdrs_alone(server: Server, msp: Caller) -> None:
    other = server.internet.add(FakePartner("abc", "abc.example", "token-of-abc", roles=(("EMSP", "DE", "ABC"),)))
    abc = (await server.connect(other)).speaking(("DE", "ABC"), ("NL", "OWA"), "cpo")
    await server.add_party("BE", "OWA", "CPO")
    await issue(server, "for-tnm")
    await issue(server, "for-abc", PartyId("de", "Abc"))

    assert ids(await msp.get("/cdrs")) == ["for-tnm"]
    assert ids(await abc.get("/cdrs")) == ["for-abc"]
    assert ids(await msp.speaking(("DE", "TNM"), ("BE", "OWA"), "cpo").get("/cdrs")) == []


@pytest.mark.requirement("CDR-S-03", "OWN-07")
async def test_there_is_only_the_list(server: Server, msp: Caller) -> None:
    await issue(server, "CDR1")

    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await msp.request(method, "/cdrs", a_cdr(OWA))
        assert (answer.http_status, answer.status_code, answer.headers["allow"]) == (405, 2000, "GET, HEAD"), method
    assert ids(await msp.get("/cdrs")) == ["CDR1"]
