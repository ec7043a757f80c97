"""Looking at objects, ours and partners': GET /api/{module} and GET /api/{module}/{country_code}/{party_id}/{id}."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Table

from ocpi_party.backoffice.answers import as_json
from ocpi_party.backoffice.authorization import READ, CurrentBuilding
from ocpi_party.backoffice.described import listed, shown
from ocpi_party.backoffice.lists import LISTED, answer, asked_for
from ocpi_party.backoffice.writing import PathId
from ocpi_party.database import ReadTx, Statement
from ocpi_party.modules.registry import MODULES, Module
from ocpi_party.ocpi.errors import UnknownObject
from ocpi_party.ocpi.types import PartyId, fold
from ocpi_party.owned.listing import Page, Window
from ocpi_party.partners.audience import OURS
from ocpi_party.transport.asked import Building

router = APIRouter(tags=["objects"], dependencies=[READ])


@dataclass(frozen=True, slots=True)
class Filter:
    """own  True ours, False theirs, None both; partner  whose connection; owner  a whole party, or only its country"""

    own: bool | None
    partner: int | None
    country_code: str | None
    party_id: str | None

    def conditions(self) -> str:
        found = ["NOT gone"]
        if self.own is not None:
            found.append(f"partner_id {'=' if self.own else '<>'} {OURS}")
        if self.partner is not None:
            found.append("partner_id = :partner")
        if self.country_code is not None:
            found.append("owner = :owner" if self.party_id is not None else "split_part(owner, '*', 1) = :country_code")
        elif self.party_id is not None:
            found.append("split_part(owner, '*', 2) = :party_id")
        return " AND ".join(found)

    def arguments(self) -> dict[str, Any]:
        """All that may stand in the conditions; a statement takes what it names."""
        country_code, party_id = fold(self.country_code or ""), fold(self.party_id or "")
        owner = str(PartyId(country_code, party_id))
        return {"partner": self.partner, "country_code": country_code, "party_id": party_id, "owner": owner}


_NEWEST = 2**63 - 1


@cache
def _statements(table: str, conditions: str, *, dated: bool, newest: bool) -> tuple[Statement, Statement]:
    if dated:
        conditions += (
            " AND last_updated >= COALESCE(:date_from, '-infinity'::timestamptz)"
            " AND last_updated < COALESCE(:date_to, 'infinity'::timestamptz)"
        )
    behind, order = ("<", "seq DESC") if newest else (">", "seq")
    found = f"SELECT seq, rev FROM {table} WHERE {conditions} AND seq {behind} :after ORDER BY {order} OFFSET :skip LIMIT :most"
    return Statement(found), Statement(f"SELECT count(*) FROM {table} WHERE {conditions}")


async def _page(tx: ReadTx, building: Building, module: Module, asked: Filter, wanted: Window, *, newest: bool) -> Page:
    assert module.owned is not None
    found, count = _statements(module.owned.table.name, asked.conditions(), dated=wanted.is_filtered, newest=newest)
    given = asked.arguments()
    if wanted.is_filtered:
        given |= {"date_from": wanted.date_from, "date_to": wanted.date_to}
    skip = 0 if wanted.after is not None else wanted.offset
    start = wanted.after if wanted.after is not None else _NEWEST if newest else 0
    rows = await tx.rows(found, **given, after=start, skip=skip, most=wanted.limit)
    total = int(await tx.value(count, **given))
    pairs = [(row["seq"], row["rev"]) for row in rows]
    name = module.owned.table.name
    documents = await building.documents.get(tx, name, pairs, module.owned.documents)
    return Page(documents, total, pairs[-1][0] if pairs else None)


async def list_objects(
    request: Request,
    building: CurrentBuilding,
    country_code: Annotated[str | None, Query(max_length=2)] = None,
    party_id: Annotated[str | None, Query(max_length=3)] = None,
    partner: Annotated[int | None, Query(ge=1, le=2**62, description="id of the partner it came from")] = None,
    own: Annotated[bool | None, Query(description="true: ours, false: theirs, by default both")] = None,
    order: Annotated[Literal["oldest", "newest"], Query(description="which come first, by creation")] = "oldest",
) -> Response:
    """OCPI objects, oldest first unless asked otherwise, with X-Total-Count and Link as OCPI has them."""
    wanted = asked_for(request, building)
    module = BY_NAME[request.scope["path"].rpartition("/")[2]]
    async with building.database.read() as tx:
        found = await _page(
            tx, building, module, Filter(own, partner, country_code, party_id), wanted, newest=order == "newest"
        )
    shown = b"[" + b",".join(found.documents) + b"]"
    return answer(request, building, wanted, shown, found.total, count=len(found.documents), last=found.last)


@cache
def _newest(table: str) -> Statement:
    return Statement(
        f"""SELECT seq, rev FROM {table} WHERE owner = :owner AND key = ANY(:keys) AND NOT gone
             AND (CAST(:partner AS bigint) IS NULL OR partner_id = :partner)
             ORDER BY partner_id <> 0, array_position(CAST(:keys AS text[]), key), last_updated DESC LIMIT 1"""
    )


async def find(
    building: Building, module: Module, country_code: str, party_id: str, keys: Sequence[str], partner: int | None
) -> bytes:
    """One object: ours, else the newest that a partner told us. Raises UnknownObject"""
    assert module.owned is not None
    table: Table = module.owned.table
    owner = str(PartyId(country_code, party_id).folded())
    async with building.database.read() as tx:
        row = await tx.row(_newest(table.name), owner=owner, keys=[fold(key) for key in keys], partner=partner)
        if row is None:
            raise UnknownObject(f"{owner}/{keys[0]}")
        found = await building.documents.get(tx, table.name, [(row["seq"], row["rev"])], module.owned.documents)
    if not found:
        raise UnknownObject(f"{owner}/{keys[0]}")
    return found[0]


async def get_object(
    request: Request,
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    object_id: PathId,
    partner: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    token_type: Annotated[
        str | None, Query(alias="type", max_length=20, description="of a token, by default RFID")
    ] = None,
) -> Response:
    """One object: ours, else the newest that a partner told us."""
    module = BY_NAME[request.scope["path"].split("/")[2]]
    assert module.owned is not None
    found = await find(building, module, country_code, party_id, module.owned.keys(object_id, token_type), partner)
    return as_json(found)


BY_NAME = {str(module.id): module for module in MODULES if module.owned is not None}
for name, module in BY_NAME.items():
    assert module.pulled is not None
    router.add_api_route(
        f"/{name}",
        list_objects,
        methods=["GET"],
        name=f"list_{name}",
        operation_id=f"list_{name}",
        responses=listed(module.pulled.kind),
        dependencies=[LISTED],
    )
    router.add_api_route(
        f"/{name}/{{country_code}}/{{party_id}}/{{object_id}}",
        get_object,
        methods=["GET"],
        name=f"get_{name}",
        operation_id=f"get_{name}",
        responses=shown(module.pulled.kind),
    )
