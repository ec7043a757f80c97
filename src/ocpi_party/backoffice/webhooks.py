"""Webhooks of the operator's systems: events are told to them, or questions asked."""

import json
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from ocpi_party.backoffice.authorization import ADMIN, READ, CurrentBuilding
from ocpi_party.backoffice.described import body_of
from ocpi_party.backoffice.errors import Conflict
from ocpi_party.backoffice.lists import LISTED, of_few
from ocpi_party.backoffice.writing import Body, read_as
from ocpi_party.database import Row
from ocpi_party.events.repository import may_happen
from ocpi_party.ocpi.errors import InvalidObject, UnknownObject
from ocpi_party.ocpi.types import wire_time
from ocpi_party.partners.urls import without_user
from ocpi_party.webhooks import repository as webhooks

router = APIRouter(prefix="/webhooks", tags=["events"])

WebhookId = Annotated[int, Field(ge=1, le=2**62)]


class NewWebhook(Body):
    """types: only these events, a * at the end matches the rest; none means all. answers: it is asked this question and told no
    events. url: without user and password; what we send is signed instead."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=500)]
    types: list[Annotated[str, Field(min_length=1, max_length=60)]] | None = None
    answers: Literal["authorization", "command"] | None = None
    timeout_ms: Annotated[int, Field(ge=100, le=30_000)] | None = None


class Resend(Body):
    after: Annotated[int, Field(ge=0, le=2**62)]


def _check(body: NewWebhook) -> None:
    """Raises InvalidObject"""
    try:
        _port = urlsplit(body.url).port
    except ValueError:
        raise InvalidObject("/url", "is not a URL") from None
    if without_user(body.url) != body.url:
        raise InvalidObject("/url", "must not carry user or password: check our signature instead")
    if body.answers and body.types:
        raise InvalidObject("/types", "must be left out with answers: a webhook that is asked is told no events")
    for n, kind in enumerate(body.types or ()):
        if not may_happen(kind):
            raise InvalidObject(f"/types/{n}", f"there are no events of the type {kind}")


@router.post("", status_code=201, dependencies=[ADMIN], openapi_extra=body_of(NewWebhook))
async def post_webhook(building: CurrentBuilding, body: Annotated[NewWebhook, read_as(NewWebhook)]) -> dict[str, Any]:
    """Add a webhook. Its secret, with which each delivery is signed (Standard Webhooks), is shown this once."""
    _check(body)
    async with building.database.write() as tx:
        webhook_id, secret = await webhooks.create(
            tx, building.vault, body.url, types=body.types or None, asked=body.answers, timeout_ms=body.timeout_ms
        )
        row = await webhooks.get(tx, webhook_id)
    assert row is not None
    return _told(row) | {"secret": secret}


@router.get("", dependencies=[READ, LISTED])
async def list_webhooks(request: Request, building: CurrentBuilding) -> Response:
    """All webhooks, oldest first. Dates are of created_at."""
    async with building.database.read() as tx:
        found = [_told(row) for row in await webhooks.every(tx)]
    return of_few(request, building, [(one["created_at"], one) for one in found])


@router.get("/{webhook_id}", dependencies=[READ])
async def get_webhook(building: CurrentBuilding, webhook_id: WebhookId) -> dict[str, Any]:
    async with building.database.read() as tx:
        row = await webhooks.get(tx, webhook_id)
    if row is None:
        raise UnknownObject(f"webhook {webhook_id}")
    return _told(row)


@router.delete("/{webhook_id}", status_code=204, dependencies=[ADMIN])
async def delete_webhook(building: CurrentBuilding, webhook_id: WebhookId) -> None:
    async with building.database.write() as tx:
        if not await webhooks.delete(tx, webhook_id):
            raise UnknownObject(f"webhook {webhook_id}")


@router.post("/{webhook_id}/resend", status_code=202, dependencies=[ADMIN], openapi_extra=body_of(Resend))
async def resend(
    building: CurrentBuilding, webhook_id: WebhookId, body: Annotated[Resend, read_as(Resend)]
) -> dict[str, Any]:
    """Deliver everything behind an event again, which must be one that the webhook was told already."""
    async with building.database.write() as tx:
        row = await webhooks.locked(tx, webhook_id)
        if row is None:
            raise UnknownObject(f"webhook {webhook_id}")
        if row["asked"]:
            raise Conflict(f"webhook {webhook_id} is asked questions: there are no events to send it again")
        if body.after > row["cursor"]:
            raise InvalidObject("/after", f"is ahead of the webhook, which was told up to {row['cursor']}")
        await webhooks.send_again(tx, webhook_id, body.after)
        row = await webhooks.get(tx, webhook_id)
    building.wake()
    assert row is not None
    return _told(row)


def _told(row: Row) -> dict[str, Any]:
    times = {name: wire_time(row[name]) if row[name] else None for name in ("last_success_at", "created_at")}
    return {
        "id": row["id"],
        "url": without_user(row["url"]),  # There was a time when it was taken with a password.
        "types": json.loads(row["types"]) if row["types"] else None,
        "answers": row["asked"],
        "timeout_ms": row["timeout_ms"],
        "enabled": row["enabled"],
        "delivered_up_to": row["cursor"],
        "delivered": row["delivered"],
        "failures": row["failures"],
        "last_error": row["last_error"],
    } | times
