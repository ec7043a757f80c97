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
from ocpi_party.backoffice.filters import For, OneTokenType, Partner
from ocpi_party.backoffice.lists import LISTED, answer, asked_for
from ocpi_party.backoffice.writing import PathId
from ocpi_party.database import ReadTx, Row, Statement
from ocpi_party.modules.registry import MODULES, Module
from ocpi_party.ocpi.errors import UnknownObject
from ocpi_party.ocpi.types import PartyId, document_of, encode, fold
from ocpi_party.owned.documents import Owned
from ocpi_party.owned.listing import Page, Window
from ocpi_party.partners.audience import OURS
from ocpi_party.transport.asked import Building

router = APIRouter(tags=["objects"], dependencies=[READ])


@dataclass(frozen=True, slots=True)
class Filter:
    """own  True ours, False theirs, None both; partner  whose connection; addressee  our party that it was sent to;
    owner  a whole party, or only its country"""

    own: bool | None
    partner: int | None
    addressee: str | None
    country_code: str | None
    party_id: str | None

    def conditions(self) -> str:
        found = ["NOT gone"]
        if self.own is not None:
            found.append(f"partner_id {'=' if self.own else '<>'} {OURS}")
        if self.partner is not None:
            found.append("partner_id = :partner")
        if self.addressee is not None:
            found.append("addressee = :addressee")
        if self.country_code is not None:
            found.append("owner = :owner" if self.party_id is not None else "split_part(owner, '*', 1) = :country_code")
        elif self.party_id is not None:
            found.append("split_part(owner, '*', 2) = :party_id")
        return " AND ".join(found)

    def arguments(self) -> dict[str, Any]:
        """All that may stand in the conditions; a statement takes what it names."""
        country_code, party_id = fold(self.country_code or ""), fold(self.party_id or "")
        owner = str(PartyId(country_code, party_id))
        found = {"partner": self.partner, "addressee": self.addressee and fold(self.addressee)}
        return found | {"country_code": country_code, "party_id": party_id, "owner": owner}


_NEWEST = 2**63 - 1
_COLUMNS = "seq, rev, partner_id, addressee"

Origin = Annotated[
    bool,
    Query(
        description="true: each object also says in `origin` from which `partner` it came and `for` which party of ours;"
        " null for our own"
    ),
]


@cache
def _statements(table: str, conditions: str, *, dated: bool, newest: bool) -> tuple[Statement, Statement]:
    if dated:
        conditions += (
            " AND last_updated >= COALESCE(:date_from, '-infinity'::timestamptz)"
            " AND last_updated < COALESCE(:date_to, 'infinity'::timestamptz)"
        )
    behind, order = ("<", "seq DESC") if newest else (">", "seq")
    found = f"SELECT {_COLUMNS} FROM {table} WHERE {conditions} AND seq {behind} :after ORDER BY {order} OFFSET :skip LIMIT :most"
    return Statement(found), Statement(f"SELECT count(*) FROM {table} WHERE {conditions}")


async def _page(
    tx: ReadTx, building: Building, module: Module, asked: Filter, wanted: Window, *, newest: bool, origin: bool
) -> Page:
    assert module.owned is not None
    found, count = _statements(module.owned.table.name, asked.conditions(), dated=wanted.is_filtered, newest=newest)
    given = asked.arguments()
    if wanted.is_filtered:
        given |= {"date_from": wanted.date_from, "date_to": wanted.date_to}
    skip = 0 if wanted.after is not None else wanted.offset
    start = wanted.after if wanted.after is not None else _NEWEST if newest else 0
    rows = await tx.rows(found, **given, after=start, skip=skip, most=wanted.limit)
    total = int(await tx.value(count, **given))
    documents = await _documents(tx, building, module.owned, rows, origin=origin)
    return Page(documents, total, rows[-1]["seq"] if rows else None)


async def _documents(tx: ReadTx, building: Building, owned: Owned, rows: Sequence[Row], *, origin: bool) -> list[bytes]:
    pairs = [(row["seq"], row["rev"]) for row in rows]
    found = await building.documents.by_seq(tx, owned.table.name, pairs, owned.documents)
    there = [(row, found[row["seq"]]) for row in rows if row["seq"] in found]
    return [_with_origin(row, document) if origin else document for row, document in there]


def _with_origin(row: Row, document: bytes) -> bytes:
    came = None if row["partner_id"] == OURS else {"partner": row["partner_id"], "for": row["addressee"]}
    return encode(document_of(document) | {"origin": came})


async def list_objects(
    request: Request,
    building: CurrentBuilding,
    country_code: Annotated[str | None, Query(min_length=1, max_length=2)] = None,
    party_id: Annotated[str | None, Query(min_length=1, max_length=3)] = None,
    partner: Partner = None,
    sent_to: For = None,
    own: Annotated[bool | None, Query(description="true: ours, false: theirs, by default both")] = None,
    order: Annotated[Literal["oldest", "newest"], Query(description="which come first, by creation")] = "oldest",
    origin: Origin = False,
) -> Response:
    """OCPI objects, oldest first unless asked otherwise, with X-Total-Count and Link as OCPI has them."""
    wanted = asked_for(request, building)
    module = BY_NAME[request.scope["path"].rpartition("/")[2]]
    async with building.database.read() as tx:
        asked = Filter(own, partner, sent_to, country_code, party_id)
        found = await _page(tx, building, module, asked, wanted, newest=order == "newest", origin=origin)
    shown = b"[" + b",".join(found.documents) + b"]"
    return answer(request, building, wanted, shown, found.total, count=len(found.documents), last=found.last)


@cache
def _newest(table: str) -> Statement:
    return Statement(
        f"""SELECT {_COLUMNS} FROM {table} WHERE owner = :owner AND key = ANY(:keys) AND NOT gone
             AND (CAST(:partner AS bigint) IS NULL OR partner_id = :partner)
             AND (CAST(:addressee AS text) IS NULL OR addressee = :addressee)
             ORDER BY partner_id <> 0, array_position(CAST(:keys AS text[]), key), last_updated DESC LIMIT 1"""
    )


async def find(
    building: Building,
    module: Module,
    country_code: str,
    party_id: str,
    keys: Sequence[str],
    partner: int | None = None,
    sent_to: str | None = None,
    *,
    origin: bool = False,
) -> bytes:
    """One object: ours, else the newest that a partner told us. Raises UnknownObject"""
    assert module.owned is not None
    table: Table = module.owned.table
    owner = str(PartyId(country_code, party_id).folded())
    async with building.database.read() as tx:
        row = await tx.row(
            _newest(table.name),
            owner=owner,
            keys=[fold(key) for key in keys],
            partner=partner,
            addressee=sent_to and fold(sent_to),
        )
        if row is None:
            raise UnknownObject(f"{owner}/{keys[0]}")
        found = await _documents(tx, building, module.owned, [row], origin=origin)
    if not found:
        raise UnknownObject(f"{owner}/{keys[0]}")
    return found[0]


async def get_object(
    request: Request,
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    object_id: PathId,
    partner: Partner = None,
    sent_to: For = None,
    token_type: OneTokenType = None,
    origin: Origin = False,
) -> Response:
    """One object: ours, else the newest that a partner told us."""
    module = BY_NAME[request.scope["path"].split("/")[2]]
    assert module.owned is not None
    keys = module.owned.keys(object_id, token_type)
    found = await find(building, module, country_code, party_id, keys, partner, sent_to, origin=origin)
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
