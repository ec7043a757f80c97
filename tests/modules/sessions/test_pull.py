"""The sessions of a partner's list are kept by the rules of those that are pushed."""

from typing import Any

import pytest
from tests.objects import LATER, NOON, OUR_DRIVER, a_charging_period, a_session
from tests.partner import FakePartner
from tests.server import Server

from ocpi_party.dialects.v2_2_1 import V2_2_1
from ocpi_party.modules.sessions.pull import PULLED
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.session import Session
from ocpi_party.ocpi.types import JsonObject
from ocpi_party.owned.pull import Found, Refused
from ocpi_party.owned.table import Ref


@pytest.fixture
async def partner_id(server: Server) -> int:
    await server.connect(server.internet.add(FakePartner()))
    (row,) = await server.rows("SELECT id FROM partners")
    return int(row["id"])


async def absorb(server: Server, partner_id: int, *sessions: JsonObject) -> list[Refused]:
    found = [
        Found(Ref(partner_id, "NL*OWM", "NL*TNM", session["id"]), V2_2_1.read(Session, session)) for session in sessions
    ]
    async with server.app.building.database.write() as tx:
        return list(await PULLED.absorb(tx, found, since=0))


async def statuses(server: Server) -> dict[str, Any]:
    return {row["key"]: row["status"] for row in await server.rows("SELECT key, status FROM sessions")}


@pytest.mark.requirement("SES-R-17", "SES-R-02")
async def test_a_list_does_not_let_an_ended_session_go_on(server: Server, partner_id: int) -> None:
    ended = [a_session(id=one, status="COMPLETED", last_updated=NOON) for one in ("1", "2")]
    await absorb(server, partner_id, *ended, a_session(id="3"))

    refused = await absorb(
        server,
        partner_id,
        a_session(id="1", last_updated=LATER),
        a_session(id="2", last_updated="2026-03-01T11:00:00Z"),
        a_session(id="3", status="COMPLETED", last_updated=LATER),
    )

    assert [(one.ref.key, one.fault.pointer) for one in refused] == [("1", "/status")]
    assert await statuses(server) == {"1": "COMPLETED", "2": "COMPLETED", "3": "COMPLETED"}


def test_a_session_in_a_list_whose_token_names_no_party_takes_an_agreement() -> None:
    token = {name: value for name, value in OUR_DRIVER.items() if name not in ("country_code", "party_id")}

    reading = PULLED.read(V2_2_1, a_session(cdr_token=token), {"cdr_tokens_of": "NL*OWM"})

    assert reading.document == a_session(cdr_token=OUR_DRIVER)
    assert [one.pointer for one in reading.findings] == ["/cdr_token/country_code"]
    with pytest.raises(InvalidObject):
        PULLED.read(V2_2_1, a_session(cdr_token=token), {})


@pytest.mark.requirement("SES-R-21")
async def test_energy_in_wh_is_noted_in_a_list_as_well(server: Server, partner_id: int) -> None:
    periods = [a_charging_period(dimensions=[{"type": "ENERGY", "volume": 5000}])]

    await absorb(server, partner_id, a_session(kwh=5, charging_periods=periods, cdr_token=OUR_DRIVER))

    assert [row["pointer"] for row in await server.rows("SELECT pointer FROM findings")] == ["/charging_periods"]


@pytest.mark.requirement("SES-S-02")
def test_we_always_ask_with_a_date_from() -> None:
    assert PULLED.needs_date_from
