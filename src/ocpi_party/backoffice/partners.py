"""Partners: invite, connect, look, change, rotate, unregister."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field, model_validator
from starlette.responses import JSONResponse, Response

from ocpi_party.backoffice.authorization import ADMIN, READ, CurrentBuilding
from ocpi_party.backoffice.described import UNREACHABLE, body_of
from ocpi_party.backoffice.lists import LISTED, of_few
from ocpi_party.backoffice.quirks import Quirks
from ocpi_party.backoffice.writing import Body, read_as
from ocpi_party.database import ReadTx
from ocpi_party.modules.credentials import answering, asking
from ocpi_party.modules.credentials.preflight import Preflight
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import now, wire_time
from ocpi_party.outbox import switching
from ocpi_party.partners import repository
from ocpi_party.partners.partner import Partner, PartnerStatus
from ocpi_party.transport import offer
from ocpi_party.transport.asked import Building

router = APIRouter(prefix="/partners", tags=["partners"])

PartnerId = Annotated[int, Field(ge=1, le=2**63 - 1)]


Token = Annotated[str, Field(pattern=r"^[\x21-\x7E]{1,64}$")]
Encoding = Literal["base64", "raw"]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
"""Not blank: it is how people find the partner."""


class NewPartner(Body):
    """With a name alone they register with us; with their versions URL and token we register with them."""

    name: Name
    versions_url: Annotated[str, Field(max_length=255)] | None = None
    credentials_token: Token | None = None
    token_encoding: Encoding = "base64"  # noqa: S105 - the name of a form

    @model_validator(mode="after")
    def _both_or_none(self) -> "NewPartner":
        if (self.versions_url is None) != (self.credentials_token is None):
            raise ValueError("versions_url and credentials_token go together")
        return self


class Prospect(Body):
    """A platform that we may connect to: what it gave us."""

    versions_url: Annotated[str, Field(max_length=255)]
    credentials_token: Token
    token_encoding: Encoding = "base64"  # noqa: S105 - the name of a form


class PartnerChanges(Body):
    """modules, parties: null for all; what is switched off by push, modules or parties waits, and is told when it is switched on"""

    name: Name | None = None
    quirks: Quirks | None = None
    modules: list[ModuleId] | None = None
    parties: list[Annotated[str, Field(pattern=r"^[A-Z]{2}\*[A-Z0-9]{3}$")]] | None = None
    push: bool | None = None
    pull: bool | None = None
    token_encoding: Encoding | None = None


@router.post("", status_code=201, dependencies=[ADMIN], openapi_extra=body_of(NewPartner), responses={502: UNREACHABLE})
async def post_partner(building: CurrentBuilding, body: Annotated[NewPartner, read_as(NewPartner)]) -> Response:
    """Invite a partner, or register with one. A failing handshake answers 502 with the step, and leaves nothing behind."""
    if body.versions_url is None or body.credentials_token is None:
        return JSONResponse(await invite_partner(building, body.name), 201)
    partner = await asking.connect(building, body.name, body.versions_url, body.credentials_token, body.token_encoding)
    return JSONResponse(await _shown(building, partner), 201)


async def invite_partner(building: Building, name: str) -> dict[str, Any]:
    """The invitation, with its token that is shown this once."""
    partner_id, token = await answering.invite(building, name)
    return {
        "id": partner_id,
        "name": name,
        "status": PartnerStatus.INVITED,
        "versions_url": offer.versions_url(building.public_url),
        "credentials_token": token,
    }


@router.post("/preflight", dependencies=[ADMIN], openapi_extra=body_of(Prospect))
async def post_preflight(
    building: CurrentBuilding, body: Annotated[Prospect, read_as(Prospect)]
) -> list[dict[str, Any]]:
    """Try each step of a handshake without changing anything at the partner: what is wrong, and who must mend it."""
    look = Preflight(building, body.versions_url, body.credentials_token, body.token_encoding)
    return [
        {"step": one.step, "ok": one.ok, "words": one.words, "who_must_mend": one.who_must_mend}
        async for one in look.steps()
    ]


@router.get("", dependencies=[READ, LISTED])
async def list_partners(request: Request, building: CurrentBuilding) -> Response:
    """All partners ever, oldest first. Dates are of created_at."""
    return of_few(request, building, [(one["created_at"], one) for one in await get_partners(building)])


async def get_partners(building: Building) -> list[dict[str, Any]]:
    async with building.database.read() as tx:
        return [await _told(tx, partner) for partner in await repository.every(tx)]


@router.get("/{partner_id}", dependencies=[READ])
async def get_partner(building: CurrentBuilding, partner_id: PartnerId) -> dict[str, Any]:
    return await _shown(building, await known(building, partner_id))


@router.patch("/{partner_id}", dependencies=[ADMIN], openapi_extra=body_of(PartnerChanges))
async def patch_partner(
    building: CurrentBuilding, partner_id: PartnerId, body: Annotated[PartnerChanges, read_as(PartnerChanges)]
) -> dict[str, Any]:
    """Change what is given. modules and parties may be null: all.

    Without `push`, or of a module that is not in `modules`, the partner is told nothing. What it does not know waits, and is told
    when it is switched on again: each object once, as it stands then. Of a party of ours that is not in `parties` it is told
    nothing either; when it is added, all that is for it.
    """
    partner = await known(building, partner_id)
    ours = {str(party.key) for party in await building.directory.own_parties()}
    for number, one in enumerate(body.parties or ()):
        if one not in ours:
            raise InvalidObject(f"/parties/{number}", f"{one} is no party of ours")
    changes = body.model_dump(mode="json", exclude_unset=True)
    changes = {name: value for name, value in changes.items() if value is not None or name in ("modules", "parties")}
    if changes:
        async with building.database.write() as tx:
            offered = {"modules": partner.modules, "parties": partner.agreed}
            if any(name in changes and changes[name] != (was and sorted(was)) for name, was in offered.items()):
                changes["renew_at"] = now()  # What we offer to it changed.
            await switching.change(tx, partner_id, **changes)
            await building.connected(tx, partner_id)
        building.directory.drop()
        building.wake()
    return await get_partner(building, partner_id)


@router.post("/{partner_id}/rotate", dependencies=[ADMIN], responses={502: UNREACHABLE})
async def rotate_tokens(building: CurrentBuilding, partner_id: PartnerId) -> dict[str, Any]:
    """New tokens in both directions; if it fails, the old ones work as before."""
    return await _shown(building, await asking.rotate(building, partner_id))


@router.delete("/{partner_id}", dependencies=[ADMIN])
async def delete_partner(building: CurrentBuilding, partner_id: PartnerId) -> dict[str, Any]:
    """Unregister at both ends; what was exchanged is kept. When its parties register again, in the same roles, their objects are
    those of the new partner."""
    warning = await asking.unregister(building, partner_id)
    return await get_partner(building, partner_id) | ({"warning": warning} if warning else {})


async def known(building: Building, partner_id: int) -> Partner:
    """Raises UnknownObject"""
    async with building.database.read() as tx:
        return await repository.known(tx, partner_id)


async def _shown(building: Building, partner: Partner) -> dict[str, Any]:
    async with building.database.read() as tx:
        return await _told(tx, partner)


async def _told(tx: ReadTx, partner: Partner) -> dict[str, Any]:
    row = await repository.facts(tx, partner.id)
    assert row is not None
    dates = ("created_at", "connected_at", "rotated_at", "last_contact_at")
    return {
        "id": partner.id,
        "name": partner.name,
        "status": partner.status,
        "version": partner.version,
        "versions_url": partner.versions_url,
        "hub": partner.is_hub,
        "roles": [
            {
                "role": party.role,
                "country_code": party.country_code,
                "party_id": party.party_id,
                "business_details": party.business_details,
                "status": party.status,
                "behind_hub": party.behind_hub,
            }
            for party in partner.parties
        ],
        "endpoints": [
            {"identifier": module, "role": interface, "url": url}
            for (module, interface), url in partner.endpoints.items()
        ],
        "quirks": json.loads(row["quirks"]),
        "modules": sorted(partner.modules) if partner.modules is not None else None,
        "parties": sorted(partner.agreed) if partner.agreed is not None else None,
        "push": partner.push,
        "pull": partner.pull,
        "token_encoding": partner.token_encoding,
        "alert": row["alert"],
    } | {name: wire_time(row[name]) if row[name] else None for name in dates}
