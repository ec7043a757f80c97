"""The operator issues our CDRs, credits them, and sees what became of them. None is ever changed."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ocpi_party.backoffice.answers import advice, as_json
from ocpi_party.backoffice.authorization import READ, WRITE, CurrentBuilding
from ocpi_party.backoffice.described import body_of, stored
from ocpi_party.backoffice.writing import PathId, json_object, our_owner
from ocpi_party.modules.cdrs import repository, urls
from ocpi_party.modules.cdrs.audit import netted
from ocpi_party.modules.cdrs.costs import with_costs
from ocpi_party.modules.cdrs.issuing import credit, issue, warnings
from ocpi_party.modules.cdrs.table import CDRS
from ocpi_party.ocpi.cdr import Cdr
from ocpi_party.ocpi.errors import InvalidObject, UnknownObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject, document_of, wire_time
from ocpi_party.outbox import marking
from ocpi_party.owned import repository as owned
from ocpi_party.owned.publish import must_be, our_ref
from ocpi_party.pricing.net import Net

router = APIRouter(prefix="/cdrs", tags=["cdrs"])

_CDR = "/{country_code}/{party_id}/{cdr_id}"


@router.put(_CDR, dependencies=[WRITE], openapi_extra=body_of(Cdr), responses=stored(Cdr))
async def put_cdr(
    request: Request, building: CurrentBuilding, country_code: PathId, party_id: PathId, cdr_id: PathId
) -> Response:
    """Issue a CDR; it goes to the owner of its token. The same again is answered as before, another content with 409."""
    body = must_be(await json_object(request, building), country_code=country_code, party_id=party_id, id=cdr_id)
    owner = await our_owner(building, ModuleId.CDRS, country_code, party_id)
    async with building.database.write() as tx:
        done = await issue(tx, building.vault, our_ref(owner, cdr_id), body)
    building.wake()
    return as_json(done.document, 201 if done.created else 200, advice(warnings(done)))


_UNPRICED: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "title": "UnpricedCdr", "description": "a Cdr without its total_… fields"}
            }
        },
    }
}


@router.post("/price", dependencies=[READ], openapi_extra=_UNPRICED)
async def price_cdr(request: Request, building: CurrentBuilding) -> Response:
    """Calculate the cost fields of a CDR from its tariffs and charging periods; nothing is stored.

    Answers the CDR with them, ready to be put, and in `lines` and `notes` how they came about.
    """
    body = await json_object(request, building)
    named = [body.get(name) for name in ("country_code", "party_id")]
    if not all(isinstance(one, str) for one in named):
        raise InvalidObject("/country_code", "and party_id must name a party")
    owner = await our_owner(building, ModuleId.CDRS, *map(str, named))
    async with building.database.read() as tx:
        cdr, priced = await with_costs(tx, owner, body)
    return as_json({"cdr": cdr, "lines": [line.words for line in priced.lines], "notes": priced.notes})


_CREDIT: dict[str, Any] = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "title": "Credit",
                    "properties": {
                        "id": {"type": "string", "maxLength": 39, "description": "by default that of the CDR with -C"},
                        "replacement": {"type": "object", "description": "the corrected CDR, with an id of its own"},
                    },
                }
            }
        }
    }
}


@router.post(_CDR + "/credit", status_code=201, dependencies=[WRITE], openapi_extra=_CREDIT)
async def credit_cdr(
    request: Request, building: CurrentBuilding, country_code: PathId, party_id: PathId, cdr_id: PathId
) -> Response:
    """Take a CDR back with a Credit CDR, and issue the corrected one with it if one is given: both or none of them."""
    body = await json_object(request, building) if await request.body() else {}
    for name in sorted(body.keys() - {"id", "replacement"}):
        # A corrected CDR under another name would not be issued, while the original is taken back.
        raise InvalidObject(f"/{name}", "is not known here")
    credit_id, replacement = body.get("id"), body.get("replacement")
    if credit_id is not None and not isinstance(credit_id, str):
        raise InvalidObject("/id", "must be a string")
    if replacement is not None and not isinstance(replacement, dict):
        raise InvalidObject("/replacement", "must be a CDR")
    owner = await our_owner(building, ModuleId.CDRS, country_code, party_id)
    async with building.database.write() as tx:
        issued = await credit(tx, building.vault, our_ref(owner, cdr_id), credit_id, replacement)
    building.wake()
    return as_json(dict(zip(("credit", "replacement"), issued, strict=False)), 201)


@router.get(_CDR + "/chain", dependencies=[READ])
async def get_chain(
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    cdr_id: PathId,
    partner: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> Response:
    """The CDRs of the same session with what credits them, oldest first, and what is to be paid for it in the end."""
    ref = our_ref((country_code + "*" + party_id).upper(), cdr_id)
    async with building.database.read() as tx:
        found = await repository.newest(tx, ref.owner, ref.key, partner)
        if found is None:
            raise UnknownObject(ref)
        cdr = document_of(found.document)
        chain = await repository.family(tx, found.ref.partner_id, found.ref.owner, cdr)
    return as_json({"cdrs": chain, "net": [_net(one) for one in netted(chain)]})


def _net(one: Net) -> JsonObject:
    return {
        "session_id": one.session_id,
        "currency": one.currency,
        "total_cost": one.price,
        "counted": list(one.counted),
        "flags": list(one.flags),
    }


@router.get(_CDR + "/delivery", dependencies=[READ])
async def get_delivery(
    building: CurrentBuilding, country_code: PathId, party_id: PathId, cdr_id: PathId
) -> list[dict[str, Any]]:
    """Which partner has a CDR of ours, and where; which one waits for it; which one refused it, and why."""
    ref = our_ref(await our_owner(building, ModuleId.CDRS, country_code, party_id), cdr_id)
    async with building.database.read() as tx:
        if await owned.get(tx, CDRS, ref) is None:
            raise UnknownObject(ref)
        rows = await urls.deliveries(tx, str(ref))
    return [
        {
            "partner": row["partner_id"],
            "state": row["state"],
            "url": row["url"],
            "at": wire_time(row["at"]),
            "attempts": row["attempts"],
            "error": row["error"],
        }
        for row in rows
    ]


@router.post(_CDR + "/send", status_code=202, dependencies=[WRITE])
async def send_cdr(building: CurrentBuilding, country_code: PathId, party_id: PathId, cdr_id: PathId) -> dict[str, int]:
    """Send a CDR again, for instance when what its receiver refused it for is mended; tells how many partners get it."""
    ref = our_ref(await our_owner(building, ModuleId.CDRS, country_code, party_id), cdr_id)
    async with building.database.write() as tx:
        known = await owned.get(tx, CDRS, ref)
        if known is None:
            raise UnknownObject(ref)
        told = await marking.mark(tx, ModuleId.CDRS, str(ref), owner=ref.owner, audience=known.audience)
    building.wake()
    return {"partners": told}
