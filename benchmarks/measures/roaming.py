"""Tokens, sessions and CDRs at the size of a large platform: authorize among a million, post, patch, and page through lists."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
from tests.objects import a_cdr, a_cdr_token, a_charging_period, a_session

from benchmarks import data
from benchmarks.load import Request, Slice
from benchmarks.measures.changes import ROUTED
from benchmarks.measures.locations import HEADERS, get, in_turn
from benchmarks.results import Result, cost, rate
from benchmarks.server import reference_path
from benchmarks.stage import Child, Stage
from ocpi_party.ocpi.types import PartyId

TOKENS = "/ocpi/emsp/2.2.1/tokens"
CDRS = "/ocpi/cpo/2.2.1/cdrs"
THEIRS = PartyId("NL", "P01")
OURS = PartyId("NL", data.OUR_EMSP)
PLACE = json.dumps({"location_id": "LOC1", "evse_uids": ["LOC1-1"]})
_CURSOR = re.compile(r"cursor=([0-9.]+)")

_TOKENS = """
INSERT INTO tokens (partner_id, addressee, owner, key, last_updated, document)
SELECT 0, '', 'NL*' || $2, 'CARD' || i || ' RFID', at, format(
    '{"country_code":"NL","party_id":"%s","uid":"CARD%s","type":"RFID","contract_id":"NL-OWM-C%s","issuer":"Owm","valid":true,'
    '"whitelist":"ALLOWED","last_updated":"%s"}', $2, i, i, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))::json
  FROM (SELECT i, timestamptz '2025-01-01 00:00:00Z' + i * interval '30 seconds' AS at FROM generate_series(1, $1) i) n
"""
_CDRS = """
INSERT INTO cdrs (partner_id, addressee, owner, key, last_updated, audience, document)
SELECT 0, '', 'NL*' || $2, 'CDR' || i, timestamptz '2025-01-01 00:00:00Z' + i * interval '30 seconds', 'NL*P01',
       replace(replace($3, 'CDR-ID', 'CDR' || i), 'SESSION-ID', 'S' || i)::json
  FROM generate_series(1, $1) i
"""


async def add_tokens(connection: asyncpg.Connection, count: int) -> None:
    """Tokens of our eMSP."""
    await connection.execute(_TOKENS, count, data.OUR_EMSP)
    for table in ("tokens", "listing_counts"):
        await connection.execute(f"VACUUM (ANALYZE) {table}")


async def measure(stage: Stage) -> AsyncIterator[Result]:
    url = await stage.new_database("bench_roaming")
    count = stage.sized(1_000_000)
    async with stage.database(url) as database:
        await data.add_parties(database)
        await data.add_partners(database, [1])
    connection = await asyncpg.connect(url)
    await add_tokens(connection, count)
    template = a_cdr(PartyId("NL", data.OUR_CPO), id="CDR-ID", session_id="SESSION-ID", cdr_token=a_cdr_token(THEIRS))
    await connection.execute(_CDRS, count, data.OUR_CPO, json.dumps(template))
    for table in ("cdrs", "listing_counts"):
        await connection.execute(f"VACUUM (ANALYZE) {table}")
    await data.settle(connection)
    await connection.close()
    async with stage.server(url) as server:
        async for result in _authorize(stage, server, count):
            yield result
        for name, path in (("tokens-page", TOKENS), ("cdrs-page", CDRS)):
            yield await _pages(stage, server, name, path, count)
        async for result in _received(stage, server):
            yield result


async def _authorize(stage: Stage, server: Child, count: int) -> AsyncIterator[Result]:
    uids = [f"CARD{1 + number * 7919 % count}" for number in range(5000)]
    kinds = {
        "reference": [Request("POST", reference_path(420, "object"), HEADERS, PLACE)],
        "authorize": [Request("POST", f"{TOKENS}/{uid}/authorize", HEADERS, PLACE) for uid in uids],
    }
    measured = await server.load(kinds, in_turn(stage, *kinds))
    found = rate("authorize", measured, "authorize", "reference", at_least=0.4)
    yield found
    half = [Slice("authorize", stage.seconds * stage.rounds, rate=found.value / 2)]
    (loaded,) = await server.load(kinds, half)
    yield Result("authorize-p99-at-half-load", loaded.p99 * 1000, "ms")


async def _pages(stage: Stage, server: Child, name: str, path: str, count: int) -> Result:
    first, middle = f"{path}?limit={data.PAGE}", count // 2
    headers, _ = server.ask(f"{first}&offset={middle - data.PAGE}", HEADERS)
    cursor = _CURSOR.search(headers["link"])
    assert cursor is not None
    assert headers["x-total-count"] == str(count)
    kinds = {"first": [get(first)], "middle": [get(f"{first}&offset={middle}&cursor={cursor[1]}")]}
    return cost(name, await server.load(kinds, in_turn(stage, *kinds)), "middle", "first", at_most=1.2)


async def _received(stage: Stage, server: Child) -> AsyncIterator[Result]:
    periods = [a_charging_period(start_date_time=f"2026-03-01T12:{minute:02}:00Z") for minute in range(20)]
    token = a_cdr_token(OURS)
    cdr = a_cdr(THEIRS, cdr_token=token, charging_periods=periods)
    session = a_session(THEIRS, id="S1", cdr_token=token, charging_periods=periods)
    size = len(json.dumps(cdr))
    sessions = "/ocpi/emsp/2.2.1/sessions/NL/P01/S1"
    begun = {"put": [Request("PUT", sessions, ROUTED, json.dumps(session))]}
    await server.load(begun, [Slice("put", 5, connections=1, most=1)])
    change = json.dumps({"kwh": 12.5, "last_updated": "2026-03-01T12:30:00Z"})
    kinds = {
        "reference": [Request("POST", reference_path(60, "object"), HEADERS, "x" * size)],
        "cdr": list(_cdrs(cdr)),
        "session": [Request("PATCH", sessions, ROUTED, change)],
    }
    measured = await server.load(kinds, in_turn(stage, *kinds))
    yield rate("cdr-post", measured, "cdr", "reference")
    yield rate("session-patch", measured, "session", "reference")


def _cdrs(cdr: dict[str, Any]) -> Iterator[Request]:
    for number in range(40_000):
        yield Request(
            "POST", "/ocpi/emsp/2.2.1/cdrs", ROUTED, json.dumps(cdr | {"id": f"C{number}", "session_id": f"S{number}"})
        )
