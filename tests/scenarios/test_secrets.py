"""Credentials tokens stay where they belong. AMB-02, CRE-35, TRN-37."""

import base64
import json
import logging

import asyncpg
import httpx
import pytest
from tests.own import publish, report
from tests.partner import FakePartner, envelope
from tests.server import Server
from tests.stored import rows_as_text


async def _everything_stored(database_url: str) -> str:
    connection = await asyncpg.connect(database_url)
    try:
        return "\n".join([text async for _, text in rows_as_text(connection)])
    finally:
        await connection.close()


@pytest.mark.requirement("CRE-35", "TRN-37", "OPS-13")
async def test_no_token_is_stored_or_logged_in_plain(
    server: Server, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
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
    tnm.on("*", "/locations", httpx.Response(500, text="your token was given-c.of-tnm"))
    await report(server, "CHARGING")
    await server.push()
    for spelt in ("given-c.of-tnm", base64.b64encode(b"given-c.of-tnm").decode()):
        for words in (
            envelope(code=3000, message=f"no more requests with {spelt}"),
            envelope(code=2001, message=f"{spelt} may not do this"),
            envelope(code=2001, http_status=401, message=f"{spelt} is unknown"),
            httpx.Response(422, json={"detail": f"{spelt} is no header"}),
        ):
            tnm.on("*", "/locations", words)
            await server.operator.post(f"/api/partners/{partner['id']}/retry")
            await report(server, "CHARGING")
            await report(server, "AVAILABLE")
            await server.push()

    stored = await _everything_stored(database_url)
    logged = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    told = json.dumps([rotated.json(), (await server.operator.get("/api/partners")).json()])
    assert rotated.status_code == 200
    for token in used:
        for spelling in (token, base64.b64encode(token.encode()).decode()):
            assert spelling not in stored
            assert spelling not in logged
            assert spelling not in told
