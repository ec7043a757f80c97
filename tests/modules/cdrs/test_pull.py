"""The CDRs of a partner's list are taken by the rules of those that are sent."""

from typing import Any

import pytest
from tests.modules.cdrs.test_receiver import ours
from tests.pull.lists import PagedList, a_cpo
from tests.server import Server


async def pull(server: Server, *cdrs: Any, **quirks: Any) -> list[dict[str, Any]]:
    """What we have after one crawl of a list."""
    partner = a_cpo(endpoints=[("cdrs", "SENDER")])
    PagedList(partner, list(cdrs), module="cdrs", most=10)
    await server.connect(server.internet.add(partner))
    (known,) = (await server.operator.get("/api/partners")).json()
    await server.operator.patch(f"/api/partners/{known['id']}", json={"quirks": quirks})
    await server.app.pulling.pull_due()
    found: list[dict[str, Any]] = (await server.operator.get("/api/cdrs")).json()
    return found


@pytest.mark.requirement("CDR-R-24")
@pytest.mark.parametrize("unknown", ["1970-01-01T00:00:00Z", "1970-1-1T00:00:00Z"])
@pytest.mark.parametrize("field", ["start_date_time", "end_date_time"])
async def test_unknown_times_in_a_list_are_taken_by_agreement(server: Server, field: str, unknown: str) -> None:
    cdr = ours(**{field: unknown})

    known = await pull(server, cdr, unknown_times=True)

    assert known == [cdr | {field: "1970-01-01T00:00:00Z"}]


@pytest.mark.requirement("CDR-R-24")
async def test_unknown_times_in_a_list_are_refused_without_an_agreement(server: Server) -> None:
    known = await pull(server, ours(start_date_time="1970-01-01T00:00:00Z"), ours(id="other"))

    assert [one["id"] for one in known] == ["other"]
    (finding,) = await server.rows("SELECT pointer FROM findings WHERE ref = 'NL*TNM/CDR1'")
    assert finding["pointer"] == "/start_date_time"


async def test_a_cdr_without_evse_in_a_list_is_taken_by_agreement(server: Server) -> None:
    cdr = ours()
    del cdr["cdr_location"]["evse_uid"]

    assert await pull(server, cdr, cdrs_without_evse_uid=True) == [cdr]


async def test_what_is_no_object_spoils_no_page_of_cdrs(server: Server) -> None:
    known = await pull(server, "nonsense", ours(), None, unknown_times=True)

    assert len(known) == 1
