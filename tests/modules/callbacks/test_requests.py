"""Requests with a later result, in the database: opened, settled once, timed out, delivered in order."""

from datetime import timedelta
from typing import Any

import pytest
from tests.partner import Caller, FakePartner
from tests.server import Server

from ocpi_party.database import Statement
from ocpi_party.modules.callbacks import delivery, inbound, outbound, repeated
from ocpi_party.modules.callbacks.inbound import Inbound
from ocpi_party.modules.callbacks.outbound import Outbound
from ocpi_party.modules.callbacks.urls import callback_url, check_response_url, new_secret
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import decode, document_of, now
from ocpi_party.partners import repository as partners

LEASE = timedelta(seconds=60)
HOUR = timedelta(hours=1)


@pytest.fixture
async def tnm(server: Server) -> Caller:
    return await server.connect(server.internet.add(FakePartner()))


async def _partner_id(server: Server) -> int:
    (row,) = await server.rows("SELECT id FROM partners WHERE status = 'CONNECTED'")
    return int(row["id"])


async def _inbound(server: Server, **changes: Any) -> Inbound:
    given: dict[str, Any] = {
        "module": ModuleId.COMMANDS,
        "kind": "STOP_SESSION",
        "partner_id": await _partner_id(server),
        "ours": "NL*OWA",
        "theirs": "DE*TNM",
        "ref": "101",
        "request": {"session_id": "101"},
        "response_url": "https://tnm.example/back/1",
        "on_timeout": {"result": "TIMEOUT"},
    }
    return Inbound(**given | changes)


async def _open(server: Server, **changes: Any) -> int:
    asked = await _inbound(server, **changes)
    async with server.app.building.database.write() as tx:
        return await inbound.open_request(tx, asked, b'{"result":"ACCEPTED","timeout":30}', timedelta(seconds=30))


async def _settle(server: Server, request_id: int, result: str = "ACCEPTED") -> bool:
    async with server.app.building.database.write() as tx:
        return await inbound.settle(tx, ModuleId.COMMANDS, request_id, b'{"result":"%s"}' % result.encode(), HOUR)


async def _claim(server: Server, *, each: int = 4) -> list[delivery.Due]:
    async with server.app.building.database.write() as tx:
        return await delivery.claim(tx, most=32, each=each, busy=[], lease_for=LEASE)


async def _overdue(server: Server) -> None:
    async with server.app.building.database.write() as tx:
        for table in ("inbound_requests", "outbound_requests"):
            await tx.run(Statement(f"UPDATE {table} SET deadline = now()"))


@pytest.mark.requirement("CMD-R-04")
async def test_a_request_is_settled_exactly_once(server: Server, tnm: Caller) -> None:
    request_id = await _open(server)

    settled = [await _settle(server, request_id), await _settle(server, request_id, "FAILED")]

    (due,) = await _claim(server)
    assert (settled, decode(due.document)) == ([True, False], {"result": "ACCEPTED"})


@pytest.mark.requirement("CMD-R-04")
async def test_silence_becomes_the_result_that_stands_for_it_and_a_late_one_is_not_told(
    server: Server, tnm: Caller
) -> None:
    request_id = await _open(server)
    await _overdue(server)

    await server.app.results.time_out()

    (due,) = await _claim(server)
    assert decode(due.document) == {"result": "TIMEOUT"}
    assert not await _settle(server, request_id)


async def test_the_deadline_lies_before_the_timeout_that_the_partner_was_told(server: Server, tnm: Caller) -> None:
    await _open(server)

    (row,) = await server.rows("SELECT deadline - received_at AS wait FROM inbound_requests")

    assert row["wait"] == timedelta(seconds=27)


@pytest.mark.requirement("CMD-R-25")
async def test_the_same_request_within_its_time_has_the_same_first_answer(server: Server, tnm: Caller) -> None:
    await _open(server)
    same, other = await _inbound(server), await _inbound(server, response_url="https://tnm.example/back/2")

    async with server.app.building.database.write() as tx:
        found = [await repeated.first(tx, asked) for asked in (same, other)]
    await _overdue(server)
    async with server.app.building.database.write() as tx:
        later = await repeated.first(tx, same)

    assert [one and one.response for one in found] == [b'{"result":"ACCEPTED","timeout":30}', None]
    assert later is None


async def test_a_claimed_result_is_nobody_elses_until_its_lease_ends(server: Server, tnm: Caller) -> None:
    await _settle(server, await _open(server))

    first, second = await _claim(server), await _claim(server)
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE results_due SET next_at = now()"))
    (taken_over,) = await _claim(server)
    async with server.app.building.database.write() as tx:
        await delivery.settle(tx, first[0], "GIVEN_UP")

    assert (len(first), second, taken_over.attempts) == (1, [], 2)
    (row,) = await server.rows("SELECT state FROM results_due")
    assert row["state"] == "DUE"  # Who lost the lease settles nothing.


@pytest.mark.requirement("CMD-R-18")
async def test_results_of_one_request_are_delivered_one_after_the_other(server: Server, tnm: Caller) -> None:
    request_id = await _open(server)
    await _settle(server, request_id)
    async with server.app.building.database.write() as tx:
        await inbound.add_result(tx, request_id, b'{"result":"CANCELED_RESERVATION"}', now() + HOUR)

    (first,) = await _claim(server)
    while_open = await _claim(server)
    async with server.app.building.database.write() as tx:
        await delivery.settle(tx, first, "DELIVERED")
    (second,) = await _claim(server)

    assert while_open == []
    assert [document_of(d.document)["result"] for d in (first, second)] == ["ACCEPTED", "CANCELED_RESERVATION"]


async def test_a_partner_gets_only_its_share_of_the_workers(server: Server, tnm: Caller) -> None:
    for n in range(6):
        await _settle(server, await _open(server, response_url=f"https://tnm.example/back/{n}"))

    assert len(await _claim(server, each=4)) == 4


async def _create(server: Server) -> tuple[int, bytes, int]:
    partner_id = await _partner_id(server)
    _, digest = new_secret(server.app.building.vault)
    asked = Outbound(
        ModuleId.COMMANDS, "STOP_SESSION", partner_id, "NL*OWM", "NL*TNM", "101", {"session_id": "101"}, LEASE
    )
    async with server.app.building.database.write() as tx:
        return await outbound.create(tx, asked, digest), digest, partner_id


async def _state(server: Server) -> str:
    (row,) = await server.rows("SELECT state FROM outbound_requests")
    return str(row["state"])


@pytest.mark.requirement("CMD-S-07")
async def test_a_result_that_overtakes_the_response_is_kept(server: Server, tnm: Caller) -> None:
    request_id, digest, partner_id = await _create(server)

    async with server.app.building.database.write() as tx:
        await outbound.receive(tx, ModuleId.COMMANDS, partner_id, digest, {"result": "ACCEPTED"})
        await outbound.answered(tx, request_id, b"{}", LEASE, accepted=False)

    assert await _state(server) == "RESULTED"


@pytest.mark.requirement("CMD-S-04", "CMD-S-05", "CMD-S-08")
async def test_a_request_times_out_and_takes_a_late_result_once(server: Server, tnm: Caller) -> None:
    request_id, digest, partner_id = await _create(server)
    async with server.app.building.database.write() as tx:
        await outbound.answered(tx, request_id, b"{}", LEASE, accepted=True)
    await _overdue(server)

    await server.app.results.time_out()
    timed_out = await _state(server)
    async with server.app.building.database.write() as tx:
        for _ in range(2):
            assert await outbound.receive(tx, ModuleId.COMMANDS, partner_id, digest, {"result": "ACCEPTED"})

    (row,) = await server.rows("SELECT state, json_array_length(results) AS n FROM outbound_requests")
    assert (timed_out, row) == ("TIMED_OUT", {"state": "RESULTED", "n": 1})


@pytest.mark.requirement("CMD-S-03", "CMD-S-08")
async def test_a_secret_of_another_partner_or_module_or_time_is_unknown(server: Server, tnm: Caller) -> None:
    _, digest, partner_id = await _create(server)

    async with server.app.building.database.write() as tx:
        found = await outbound.by_secret(tx, ModuleId.COMMANDS, partner_id, digest)
        others = [
            await outbound.by_secret(tx, ModuleId.COMMANDS, partner_id + 1, digest),
            await outbound.by_secret(tx, ModuleId.CHARGING_PROFILES, partner_id, digest),
        ]
        await tx.run(Statement("UPDATE outbound_requests SET expires_at = now()"))
        others.append(await outbound.by_secret(tx, ModuleId.COMMANDS, partner_id, digest))

    assert found is not None
    assert others == [None, None, None]


@pytest.mark.requirement("CMD-S-01")
async def test_call_back_urls_are_unique_and_tell_nothing(server: Server) -> None:
    made = [new_secret(server.app.building.vault) for _ in range(2)]

    urls = {callback_url("https://ours.example", "2.2.1", ModuleId.COMMANDS, secret) for secret, _ in made}

    assert len(urls) == 2
    assert all(url.startswith("https://ours.example/ocpi/emsp/2.2.1/commands/results/") for url in urls)
    assert all(secret.encode() not in digest for secret, digest in made)


@pytest.mark.requirement("CMD-R-23", "CHP-R-18")
@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/back",
        "http://tnm.example/back",
        "https://tnm.example.elsewhere.example/back",
        "https://user:secret@tnm.example/back",
        "https://elsewhere.example\\@tnm.example/back",
        "https://tnm.exa\nmple/back",
        "https://tnm.example/a b",
        "https://127.0.0.1/back",
        "/back",
        "https://tnm.example/" + "a" * 255,
        "",
        None,
        17,
    ],
)
async def test_a_response_url_that_would_carry_the_token_elsewhere_is_refused(
    server: Server, tnm: Caller, url: object
) -> None:
    async with server.app.building.database.read() as tx:
        partner = await partners.get(tx, await _partner_id(server))
    assert partner is not None

    with pytest.raises(InvalidObject) as refused:
        check_response_url(url, partner, allow_private=False)

    assert refused.value.pointer == "/response_url"
    assert not url or str(url) not in str(refused.value)
    assert check_response_url("https://TNM.example:8443/back?id=1", partner, allow_private=False)
