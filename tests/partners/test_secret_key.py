"""The database knows which OCPI_SECRET_KEY it belongs to, and nobody works on it with another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.conftest import NewDatabase
from tests.own import publish
from tests.partner import FakePartner
from tests.server import Server, start_server

from ocpi_party.database import Database, Statement
from ocpi_party.partners import secret_key
from ocpi_party.partners.secret_key import WrongSecretKey
from ocpi_party.partners.secrets import NO_TOKEN, Vault

RIGHT, WRONG = Vault("test-secret"), Vault("another-secret")


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    database = Database(url, pool_size=4)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def _claim(database: Database, vault: Vault) -> bool:
    try:
        async with database.write() as tx:
            await secret_key.claim(tx, vault)
    except WrongSecretKey:
        return False
    return True


async def test_a_database_belongs_to_the_first_key_that_it_meets(database_url: str) -> None:
    async with _opened(database_url) as database:
        assert await _claim(database, RIGHT)

        assert not await _claim(database, WRONG)
        assert await _claim(database, RIGHT)


async def test_of_processes_that_start_at_once_with_the_same_key_none_is_refused(new_database: NewDatabase) -> None:
    async with _opened(new_database()) as database:
        assert all(await asyncio.gather(*(_claim(database, RIGHT) for _ in range(8))))


async def test_of_two_keys_at_once_one_is_refused(new_database: NewDatabase) -> None:
    async with _opened(new_database()) as database:
        taken = await asyncio.gather(*(_claim(database, vault) for vault in (RIGHT, WRONG) * 4))

        assert sorted(taken) == [False] * 4 + [True] * 4


async def test_what_is_noted_does_not_tell_the_key_and_is_never_the_same(new_database: NewDatabase) -> None:
    proofs = {RIGHT.proof() for _ in range(3)}

    assert len(proofs) == 3
    assert all(RIGHT.proves(proof) and not WRONG.proves(proof) for proof in proofs)


@pytest.mark.parametrize("of", ["partner", "webhook"])
async def test_a_database_from_before_belongs_to_the_key_that_opens_what_is_in_it(server: Server, of: str) -> None:
    if of == "partner":
        await server.connect(server.internet.add(FakePartner()))
    else:
        await server.operator.post("/api/webhooks", json={"url": "https://hooks.example/hook"})
    database = server.app.building.database

    assert not await _claim(database, WRONG)
    assert await server.rows("SELECT * FROM secret_key") == []
    assert await _claim(database, RIGHT)
    assert not await _claim(database, WRONG)


async def test_what_nobody_can_open_any_more_hinders_nobody(server: Server) -> None:
    """A key was exchanged alone once, and some partners have not registered anew."""
    for number in (1, 2):
        partner = FakePartner(name=f"p{number}", host=f"p{number}.example", roles=(("EMSP", "DE", f"TN{number}"),))
        await server.connect(server.internet.add(partner))
    await _seal_with(server, WRONG, "partners", "token_sent")

    assert await _claim(server.app.building.database, RIGHT)


async def test_a_push_with_a_token_that_cannot_be_opened_fails_in_words(server: Server) -> None:
    partner = server.internet.add(FakePartner())
    await server.connect(partner)
    partner.asked.clear()
    await _seal_with(server, WRONG, "partners", "token_sent")

    await publish(server)
    await server.push()

    (lane,) = await server.rows("SELECT * FROM outbox_lanes")
    assert (lane["failures"], lane["last_error"], lane["leased_until"]) == (1, NO_TOKEN, None)
    answer = await server.operator.post("/api/partners/1/rotate")
    assert (answer.status_code, answer.json()["detail"]) == (502, NO_TOKEN)
    assert partner.asked == []


async def test_a_webhook_whose_secret_cannot_be_opened_fails_in_words(database_url: str) -> None:
    async with start_server(database_url) as server:
        for more in ({}, {"answers": "command"}):
            await server.operator.post("/api/webhooks", json={"url": "https://hooks.example/hook", **more})
        await server.invite()
        await _seal_with(server, WRONG, "webhooks", "secret", which="true")

        await server.tell_webhooks()

        (told, _asked) = await server.rows("SELECT * FROM webhooks ORDER BY id")
        assert (told["failures"], told["leased_until"]) == (1, None)
        assert "another OCPI_SECRET_KEY" in told["last_error"]


async def _seal_with(server: Server, vault: Vault, table: str, column: str, which: str = "id = 1") -> None:
    """As if another key had been set when it was stored."""
    async with server.app.building.database.write() as tx:
        for row in await tx.rows(Statement(f"SELECT id FROM {table} WHERE {which}")):
            statement = Statement(f"UPDATE {table} SET {column} = :sealed WHERE id = :id")
            await tx.run(statement, sealed=vault.seal("a-token", row["id"]), id=row["id"])
    server.app.building.directory.drop()
