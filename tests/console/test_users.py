"""Signing in with a password: who may, how often, and when it is over."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from tests.console.test_pages import OURS, browser
from tests.console.test_pages import sign_in as sign_in_with_key
from tests.server import API_KEY, Server, start_server

from ocpi_party.console import attempts, passwords, users
from ocpi_party.database import Statement

PASSWORD, OTHER, WRONG = "correct horse battery", "another horse battery", "wrong horse battery"

pytestmark = pytest.mark.anyio


async def add(server: Server, name: str = "Anna", scope: str = "read", password: str = PASSWORD) -> int:
    return await users.add(server.app.building.database, name, password, scope, by="a test")


async def sign_in(
    visitor: httpx.AsyncClient, name: str = "Anna", password: str = PASSWORD, **headers: str
) -> httpx.Response:
    return await visitor.post(
        "/console/sign-in", data={"name": name, "password": password}, headers=OURS | headers
    )  # fmt: skip


@pytest.fixture
async def visitor(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody yet."""
    async with browser(server) as stranger:
        yield stranger


async def _events(server: Server) -> list[tuple[str, dict[str, Any]]]:
    rows = await server.rows("SELECT type, data FROM events WHERE type LIKE 'user.%' ORDER BY seq")
    return [(row["type"], json.loads(row["data"])) for row in rows]


async def test_somebody_signs_in_with_name_and_password_and_may_what_their_scope_allows(
    server: Server, visitor: httpx.AsyncClient
) -> None:
    await add(server, scope="write")

    done = await sign_in(visitor, "anna ")
    seen = await visitor.get("/console/commands/new")

    assert (done.status_code, done.headers["location"]) == (303, "/console")
    assert seen.status_code == 200
    assert "You: Anna" in seen.text
    assert (await visitor.get("/console/settings")).status_code == 403


@pytest.mark.parametrize(("name", "password"), [("Anna", WRONG), ("Nobody", PASSWORD), ("Anna", ""), ("", "")])
async def test_a_wrong_password_and_an_unknown_name_look_the_same(
    server: Server, visitor: httpx.AsyncClient, name: str, password: str
) -> None:
    await add(server)

    refused = await sign_in(visitor, name, password)

    assert refused.status_code == 403
    assert "do not go together" in refused.text
    assert "set-cookie" not in refused.headers


async def test_for_an_unknown_name_as_much_is_reckoned_as_for_a_known_one(
    server: Server, visitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(server)
    reckoned: list[str] = []

    class Watched:
        def verify(self, known: str, typed: str) -> bool:
            reckoned.append(known)
            return hasher.verify(known, typed)

        def __getattr__(self, name: str) -> Any:
            return getattr(hasher, name)

    hasher = passwords._HASHER
    monkeypatch.setattr(passwords, "_HASHER", Watched())

    await sign_in(visitor, "Anna", WRONG)
    await sign_in(visitor, "Nobody", WRONG)

    parameters = [one.rpartition("$")[0].rpartition("$")[0] for one in reckoned]
    assert len(parameters) == 2
    assert parameters[0] == parameters[1]
    assert parameters[0].startswith("$argon2id$")


async def test_the_password_is_kept_as_a_hash_alone(server: Server, visitor: httpx.AsyncClient) -> None:
    await add(server)
    await sign_in(visitor)
    await sign_in(visitor, "Anna", WRONG)
    await sign_in(visitor, PASSWORD, "typed into the wrong field")

    for table in ("console_users", "console_sessions", "console_attempts", "events"):
        rows = await server.rows(f"SELECT row_to_json(t)::text AS row FROM {table} t")
        assert rows
        assert not any(
            secret in row["row"] for row in rows for secret in (PASSWORD, WRONG, visitor.cookies["ocpi_party_console"])
        )


async def test_after_some_wrong_passwords_the_right_one_has_to_wait_too(
    server: Server, visitor: httpx.AsyncClient
) -> None:
    await add(server)
    await add(server, "Bert")

    tried = [(await sign_in(visitor, "Anna", WRONG)).status_code for _ in range(attempts.OF_NAME_FROM_ADDRESS)]
    blocked = await sign_in(visitor)

    assert tried == [403] * attempts.OF_NAME_FROM_ADDRESS
    assert blocked.status_code == 429
    assert 0 < int(blocked.headers["retry-after"]) <= attempts.SPAN.seconds
    assert (await sign_in(visitor, "Bert")).status_code == 303
    assert (await sign_in_with_key(visitor)).status_code == 303
    await _later(server)
    assert (await sign_in(visitor)).status_code == 303


async def _later(server: Server) -> None:
    """As if what is counted were of a quarter of an hour ago."""
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE console_attempts SET until = now()"))


async def test_many_names_from_one_address_are_too_many(server: Server, visitor: httpx.AsyncClient) -> None:
    await add(server)

    for number in range(attempts.FROM_ADDRESS):
        assert (await sign_in(visitor, f"Name {number}", WRONG)).status_code == 403

    assert (await sign_in(visitor)).status_code == 429


async def test_behind_a_proxy_the_address_is_that_of_the_browser(database_url: str) -> None:
    async with start_server(database_url, proxies=1) as server, browser(server) as visitor:
        await add(server)
        for _ in range(attempts.OF_NAME_FROM_ADDRESS):
            # What stands before the last one, the browser may have made up.
            await sign_in(visitor, "Anna", WRONG, **{"x-forwarded-for": "198.51.100.7, 203.0.113.9"})

        same = await sign_in(visitor, **{"x-forwarded-for": "192.0.2.1, 203.0.113.9"})
        other = await sign_in(visitor, **{"x-forwarded-for": "203.0.113.9, 192.0.2.1"})

    assert (same.status_code, other.status_code) == (429, 303)


async def test_without_proxies_nobody_chooses_their_address(server: Server, visitor: httpx.AsyncClient) -> None:
    await add(server)

    for number in range(attempts.OF_NAME_FROM_ADDRESS):
        await sign_in(visitor, "Anna", WRONG, **{"x-forwarded-for": f"203.0.113.{number}"})

    assert (await sign_in(visitor, **{"x-forwarded-for": "192.0.2.1"})).status_code == 429


async def test_a_right_password_makes_wrong_ones_forgotten(server: Server, visitor: httpx.AsyncClient) -> None:
    await add(server)

    for _ in range(3):
        for _ in range(attempts.OF_NAME_FROM_ADDRESS - 1):
            await sign_in(visitor, "Anna", WRONG)
        assert (await sign_in(visitor)).status_code == 303


async def test_a_session_ends_when_the_user_is_removed(server: Server, visitor: httpx.AsyncClient) -> None:
    user_id = await add(server)
    await sign_in(visitor)
    assert (await visitor.get("/console/partners")).status_code == 200

    async with server.app.building.database.write() as tx:
        await users.remove(tx, user_id, by="a test")

    assert (await visitor.get("/console/partners")).status_code == 303
    assert (await sign_in(visitor)).status_code == 403


async def test_sessions_end_when_the_password_is_changed_and_the_old_one_is_no_good(
    server: Server, visitor: httpx.AsyncClient
) -> None:
    await add(server)
    await sign_in(visitor)
    async with browser(server) as elsewhere:
        await sign_in(elsewhere)

        changed = await elsewhere.post("/console/password", data={"old": PASSWORD, "password": OTHER}, headers=OURS)

        assert (changed.status_code, changed.headers["location"]) == (303, "/console/sign-in?done=password-set")
        assert (await elsewhere.get("/console/partners")).status_code == 303
    assert (await visitor.get("/console/partners")).status_code == 303
    assert (await sign_in(visitor)).status_code == 403
    assert (await sign_in(visitor, password=OTHER)).status_code == 303


async def test_a_password_that_changed_while_it_was_checked_begins_no_session(
    server: Server, visitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = await add(server)
    is_right = passwords.is_right

    async def changed_meanwhile(known: str | None, password: str) -> bool:
        right = await is_right(known, password)
        await users.change_password(server.app.building.database, user_id, OTHER, by="a test")
        return right

    monkeypatch.setattr(passwords, "is_right", changed_meanwhile)

    assert (await sign_in(visitor)).status_code == 403
    assert await server.rows("SELECT 1 FROM console_sessions") == []


async def test_a_session_with_a_password_ends_by_time(server: Server, visitor: httpx.AsyncClient) -> None:
    await add(server)
    await sign_in(visitor)

    await server.expire_console_sessions()

    assert (await visitor.get("/console/partners")).status_code == 303


async def test_ones_own_password_is_changed_with_the_old_one_alone(server: Server, visitor: httpx.AsyncClient) -> None:
    await add(server)
    await sign_in(visitor)

    wrong = await visitor.post("/console/password", data={"old": WRONG, "password": OTHER}, headers=OURS)
    short = await visitor.post("/console/password", data={"old": PASSWORD, "password": "short"}, headers=OURS)

    assert (wrong.status_code, short.status_code) == (403, 422)
    assert (await sign_in(visitor)).status_code == 303
    async with browser(server) as with_key:
        await sign_in_with_key(with_key)
        assert (await with_key.get("/console/password")).status_code == 404


async def test_an_administrator_adds_changes_and_removes_people_on_the_settings_page(
    server: Server, visitor: httpx.AsyncClient
) -> None:
    await sign_in_with_key(visitor)

    async def done(path: str, **form: str) -> httpx.Response:
        return await visitor.post(f"/console/settings/users{path}", data=form, headers=OURS)

    added = await done("", name="Anna", password=PASSWORD, scope="write")
    twice = await done("", name="ANNA", password=PASSWORD, scope="write")
    short = await done("", name="Bert", password="short", scope="write")
    odd = await done("", name="Bert", password=PASSWORD, scope="god")
    listed = (await visitor.get("/console/settings")).text
    (anna,) = await server.rows("SELECT id FROM console_users")
    changed = await done(f"/{anna['id']}/password", password=OTHER)
    async with browser(server) as other:
        assert (await sign_in(other, password=OTHER)).status_code == 303
        may_not = await other.post(f"/console/settings/users/{anna['id']}/remove", headers=OURS)
    removed = await done(f"/{anna['id']}/remove")
    gone = await done(f"/{anna['id']}/remove")

    assert [one.status_code for one in (added, twice, short, odd, changed, may_not, removed, gone)] == [
        303, 409, 422, 422, 303, 403, 303, 404,
    ]  # fmt: skip
    assert ">Anna</th>" in listed
    assert 'value="Bert"' in short.text
    assert PASSWORD not in twice.text


async def test_what_happens_to_users_is_told_as_events(server: Server, visitor: httpx.AsyncClient) -> None:
    anna = await add(server)
    await sign_in(visitor, "Anna", WRONG)
    await sign_in(visitor, "Nobody", WRONG)
    await sign_in(visitor)
    await users.change_password(server.app.building.database, anna, OTHER, by="Bert")
    async with server.app.building.database.write() as tx:
        await users.remove(tx, anna, by="Bert")

    address = (await _events(server))[1][1]["address"]
    assert await _events(server) == [
        ("user.added", {"user": anna, "name": "Anna", "scope": "read", "by": "a test"}),
        ("user.refused", {"user": anna, "name": "Anna", "address": address}),
        ("user.refused", {"user": None, "name": None, "address": address}),
        ("user.signed_in", {"user": anna, "name": "Anna", "address": address}),
        ("user.changed", {"user": anna, "name": "Anna", "by": "Bert"}),
        ("user.removed", {"user": anna, "name": "Anna", "by": "Bert"}),
    ]
    assert address


async def test_the_form_asks_for_a_name_only_where_somebody_has_one(server: Server, visitor: httpx.AsyncClient) -> None:
    before = (await visitor.get("/console/sign-in")).text
    await add(server)
    after = (await visitor.get("/console/sign-in")).text

    assert 'name="password"' not in before
    assert 'name="password"' in after
    assert 'name="key"' in before
    assert 'name="key"' in after


async def test_an_old_hash_is_made_anew_with_todays_parameters(server: Server, visitor: httpx.AsyncClient) -> None:
    await add(server)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE console_users SET password_hash = :hash"), hash=weak)

    assert (await sign_in(visitor)).status_code == 303

    (kept,) = await server.rows("SELECT password_hash FROM console_users")
    assert not passwords.is_outdated(kept["password_hash"])
    assert (await visitor.get("/console/partners")).status_code == 200
    assert (await sign_in(visitor)).status_code == 303


async def test_signing_in_from_another_site_is_refused(server: Server, visitor: httpx.AsyncClient) -> None:
    await add(server)

    refused = await visitor.post("/console/sign-in", data={"name": "Anna", "password": PASSWORD})

    assert refused.status_code == 403
    assert API_KEY not in refused.text
