"""What the operator may ask of webhooks, and what they tell of themselves."""

from typing import Any

import pytest
from tests.server import Server

from ocpi_party.database import Statement

HOOK = "https://hooks.example/hook"


async def _made(server: Server, **more: Any) -> dict[str, Any]:
    answer = await server.operator.post("/api/webhooks", json={"url": HOOK, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _get(server: Server, webhook: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await server.operator.get(f"/api/webhooks/{webhook['id']}")).json()
    return found


async def test_nothing_is_skipped_by_sending_again_behind_what_was_not_told_yet(server: Server) -> None:
    made = await _made(server)
    await server.invite("tnm")

    ahead = made["delivered_up_to"] + 1
    answer = await server.operator.post(f"/api/webhooks/{made['id']}/resend", json={"after": ahead})

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/after")
    assert answer.headers["content-type"] == "application/problem+json"
    assert str(made["delivered_up_to"]) in answer.json()["detail"]
    assert (await _get(server, made))["delivered_up_to"] == made["delivered_up_to"]


async def test_events_can_be_sent_again_only_to_a_webhook_that_is_told_events(server: Server) -> None:
    made = await _made(server, answers="command")

    answer = await server.operator.post(f"/api/webhooks/{made['id']}/resend", json={"after": 0})

    assert answer.status_code == 409
    assert "is asked" in answer.json()["detail"]


async def test_a_webhook_that_is_not_there_cannot_send_again(server: Server) -> None:
    assert (await server.operator.post("/api/webhooks/99/resend", json={"after": 0})).status_code == 404


@pytest.mark.parametrize(
    ("types", "kept"),
    [
        (["cdr.received"], ["cdr.received"]),
        (["cdr.*", "comm*"], ["cdr.*", "comm*"]),
        (["*"], ["*"]),
        ([], None),
        (None, None),
    ],
)
async def test_types_are_those_that_there_are_and_none_means_all(server: Server, types: Any, kept: Any) -> None:
    assert (await _made(server, types=types))["types"] == kept


@pytest.mark.parametrize("wrong", ["nonsense", "nonsense.*", "cdr", "*.received", "CDR.RECEIVED"])
async def test_a_type_that_no_event_has_is_named(server: Server, wrong: str) -> None:
    body = {"url": HOOK, "types": ["cdr.*", wrong]}

    answer = await server.operator.post("/api/webhooks", json=body)

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/types/1")
    assert wrong in answer.json()["detail"]
    assert (await server.operator.get("/api/webhooks")).json() == []


async def test_a_webhook_that_is_asked_is_told_no_events(server: Server) -> None:
    body = {"url": HOOK, "answers": "command", "types": ["cdr.*"]}

    answer = await server.operator.post("/api/webhooks", json=body)

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/types")
    assert (await _made(server, answers="command", types=[]))["types"] is None


@pytest.mark.parametrize("who", ["user:s3cret@", "***@", ":s3cret@", "s3cret@", "user:s3%40cret@"])
async def test_a_url_must_not_carry_a_password(server: Server, who: str) -> None:
    answer = await server.operator.post("/api/webhooks", json={"url": f"https://{who}hooks.example/hook"})

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/url")
    assert "password" in answer.json()["detail"]
    assert "cret" not in answer.text
    assert (await server.operator.get("/api/webhooks")).json() == []


@pytest.mark.parametrize("url", ["https://hooks.example:port/", "https://user:pass/word@hooks.example/", "http://[::1"])
async def test_what_is_no_url_is_refused(server: Server, url: str) -> None:
    answer = await server.operator.post("/api/webhooks", json={"url": url})

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/url")


async def test_a_password_that_was_taken_before_is_not_shown(server: Server) -> None:
    made = await _made(server)
    async with server.app.building.database.write() as tx:
        await tx.run(Statement("UPDATE webhooks SET url = 'https://user:s3cret@hooks.example/a@b'"))

    assert (await _get(server, made))["url"] == "https://hooks.example/a@b"


async def test_an_at_sign_behind_the_host_is_no_password(server: Server) -> None:
    made = await _made(server, url="https://hooks.example/@me?to=a@b.example")

    assert (await _get(server, made))["url"] == "https://hooks.example/@me?to=a@b.example"
