"""Credentials tokens stay where they belong. AMB-02, CRE-35, TRN-37."""

import base64
import json
import logging
from typing import Any

import httpx
import pytest
from tests.own import publish, report
from tests.partner import FakePartner, envelope
from tests.server import Server


async def _everything_stored(server: Server) -> str:
    """All rows of all tables, as text."""
    tables = await server.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found: list[dict[str, Any]] = []
    for table in tables:
        found += await server.rows(f'SELECT row_to_json(t)::text AS row FROM "{table["tablename"]}" t')
    text = "\n".join(row["row"] for row in found)
    # bytea comes as hexadecimal digits: what is written in them counts too.
    return text + "".join(bytes.fromhex(part).decode("latin-1") for part in _hex(text))


def _hex(text: str) -> list[str]:
    return [part.partition('"')[0] for part in text.split('"\\\\x')[1:]]


@pytest.mark.requirement("CRE-35", "TRN-37", "OPS-13")
async def test_no_token_is_stored_or_logged_in_plain(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tnm = server.internet.add(FakePartner())
    invitation = await server.invite()
    caller = server.caller(invitation, tnm)
    used = {invitation, tnm.token}

    tnm.on("GET", "/ocpi/versions", httpx.Response(500, text="oops"))
    await caller.post("/ocpi/2.2.1/credentials", tnm.credentials())
    tnm.handlers.clear()
    caller.token = (await caller.post("/ocpi/2.2.1/credentials", tnm.credentials())).data["token"]
    used.add(caller.token)
    tnm.token = "renewed-b.of-tnm"
    caller.token = (await caller.put("/ocpi/2.2.1/credentials", tnm.credentials())).data["token"]
    used |= {caller.token, tnm.token}

    def takes(request: httpx.Request) -> httpx.Response:
        used.add(json.loads(request.content)["token"])
        return envelope(tnm.credentials(token="given-c.of-tnm"))

    tnm.on("PUT", "/credentials", takes)
    used.add("given-c.of-tnm")
    (partner,) = (await server.operator.get("/api/partners")).json()
    rotated = await server.operator.post(f"/api/partners/{partner['id']}/rotate")
    await publish(server)
    await server.push()
    tnm.on("*", "/locations", httpx.Response(500, text=f"your token was {tnm.token}"))
    await report(server, "CHARGING")
    await server.push()

    stored = await _everything_stored(server)
    logged = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    told = json.dumps([rotated.json(), (await server.operator.get("/api/partners")).json()])
    assert rotated.status_code == 200
    for token in used:
        for spelling in (token, base64.b64encode(token.encode()).decode()):
            assert spelling not in stored
            assert spelling not in logged
            assert spelling not in told
