"""Pages of our own objects at a cost that does not grow with the table. OCPI 2.2.1, Transport and format, "Pagination".

Objects are listed in the order of their creation. A page is found by a cursor (the seq of the last object sent), or by a bare
offset with the help of counts that triggers keep per block of seq; the total comes from the same counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from struct import Struct
from typing import Any

from sqlalchemy import Table

from ocpi_party.database import ReadTx, Statement
from ocpi_party.owned.documents import DocumentCache, Fetch

BLOCK = 2000
"""How many numbers of seq share one count; the triggers in the migration use the same number."""

_SEQ_AND_REV = Struct(">qq")

_DAY = 86400
_FIRST_DAY, _END_DAY = -200_000, 1_000_000
"""Days since 1970 before and after all that anybody tells."""

_SPARSE = 50
"""A window that holds less than one in so many objects is found by its dates, a wider one in the order of seq."""


@dataclass(frozen=True, slots=True)
class Window:
    """What part of a list is wanted.

    date_from  inclusive, and date_to exclusive: windows laid end to end miss and repeat nothing
    after      the cursor of a Link: seq of the last object sent, None when only an offset was given
    """

    date_from: datetime | None
    date_to: datetime | None
    offset: int
    limit: int
    after: int | None = None

    @property
    def is_filtered(self) -> bool:
        return self.date_from is not None or self.date_to is not None


@dataclass(frozen=True, slots=True)
class Page:
    """documents  each a JSON text; total  on all pages; last  seq of the last object, the cursor of the next page"""

    documents: list[bytes]
    total: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Scope:
    """The objects that somebody may see: of these owners, for these audiences. As parallel lists, one entry a pair."""

    owners: list[str]
    audiences: list[str]

    @classmethod
    def of(cls, owners: Sequence[str], audiences: Sequence[str]) -> "Scope":
        pairs = [(owner, audience) for owner in dict.fromkeys(owners) for audience in dict.fromkeys(audiences)]
        return cls([o for o, _ in pairs], [a for _, a in pairs])


_SCOPE = "unnest(CAST(:owners AS text[]), CAST(:audiences AS text[])) AS s(owner, audience)"
# (seq, rev) of each row in eight bytes each: a page of numbers one by one costs the driver as much as the query itself.
_PACKED = "string_agg(int8send(x.seq) || int8send(x.rev), '' ORDER BY x.seq)"
_IN_WINDOW = """t.last_updated >= COALESCE(CAST(:date_from AS timestamptz), '-infinity')
             AND t.last_updated < COALESCE(CAST(:date_to AS timestamptz), 'infinity')"""
_AS_FAR = "LIMIT CAST(:skip AS bigint) + CAST(:most AS bigint)"


class Listing:
    """One table of own objects that partners may list."""

    def __init__(self, table: Table, fetch: Fetch) -> None:
        self._name = table.name
        self._fetch = fetch
        own = f"{table.name} t WHERE t.partner_id = 0 AND NOT t.gone AND t.owner = s.owner AND t.audience = s.audience"
        # A sum for each pair, not a join: of few counts PostgreSQL would read all rather than use the index.
        counts = f"""SELECT COALESCE(sum((SELECT sum(c.n) FROM listing_counts c WHERE c.listing = '{table.name}'
                     AND c.owner = s.owner AND c.audience = s.audience {{}})), 0) FROM {_SCOPE}"""
        total = counts.format("AND c.kind = 'T'")
        # The table's name is ours; values go in as parameters.
        self._total = Statement(total)
        self._page = Statement(
            f"""
            SELECT {_PACKED} AS packed, ({total}) AS total
              FROM (SELECT y.seq, y.rev
                      FROM {_SCOPE}
                     CROSS JOIN LATERAL (SELECT t.seq, t.rev FROM {own} AND t.seq > :after ORDER BY t.seq {_AS_FAR}) y
                     ORDER BY y.seq OFFSET :skip LIMIT :most) x
            """
        )
        self._block = Statement(
            f"""
            WITH b AS (SELECT c.bucket, sum(c.n) AS n FROM {_SCOPE} JOIN listing_counts c
                           ON c.listing = '{table.name}' AND c.owner = s.owner AND c.audience = s.audience AND c.kind = 'S'
                        GROUP BY c.bucket),
                 r AS (SELECT bucket, sum(n) OVER (ORDER BY bucket) - n AS before FROM b)
            SELECT bucket * {BLOCK} - 1 AS after, before FROM r WHERE before <= :offset ORDER BY before DESC, bucket DESC LIMIT 1
            """
        )
        edge = f"""(SELECT count(*) FROM {_SCOPE}
                     CROSS JOIN LATERAL (SELECT FROM {own} AND t.last_updated >= :{{0}}_from AND t.last_updated < :{{0}}_to) e)"""
        self._window_total = Statement(
            f"""
            SELECT ({counts.format("AND c.kind = 'D' AND c.bucket >= :first_day AND c.bucket < :end_day")})
                   + {edge.format("head")} + {edge.format("tail")}
            """
        )
        self._window_dense = Statement(
            f"""
            SELECT {_PACKED} AS packed
              FROM (SELECT y.seq, y.rev FROM {_SCOPE}
                     CROSS JOIN LATERAL (SELECT t.seq, t.rev FROM {own} AND t.seq > :after AND {_IN_WINDOW}
                                          ORDER BY t.seq {_AS_FAR}) y
                     ORDER BY y.seq OFFSET :skip LIMIT :most) x
            """
        )
        self._window_sparse = Statement(
            f"""
            WITH w AS MATERIALIZED (SELECT y.seq, y.rev FROM {_SCOPE}
                     CROSS JOIN LATERAL (SELECT t.seq, t.rev FROM {own} AND {_IN_WINDOW} OFFSET 0) y)
            SELECT {_PACKED} AS packed
              FROM (SELECT seq, rev FROM w WHERE seq > :after ORDER BY seq OFFSET :skip LIMIT :most) x
            """
        )

    async def page(self, tx: ReadTx, cache: DocumentCache, scope: Scope, window: Window) -> Page:
        """One page, oldest first, and how many objects there are on all pages."""
        found, total = await (
            self._filtered(tx, scope, window) if window.is_filtered else self._plain(tx, scope, window)
        )
        wanted = _unpacked(found["packed"])
        documents = await cache.get(tx, self._name, wanted, self._fetch)
        return Page(documents, total, wanted[-1][0] if wanted else None)

    async def _plain(self, tx: ReadTx, scope: Scope, window: Window) -> tuple[Any, int]:
        after, skip = window.after, 0
        if after is None:
            after, skip = 0, window.offset
            if skip >= BLOCK:
                block = await tx.row(self._block, owners=scope.owners, audiences=scope.audiences, offset=skip)
                if block is not None:
                    after, skip = block["after"], skip - int(block["before"])
        found = await tx.row(
            self._page, owners=scope.owners, audiences=scope.audiences, after=after, skip=skip, most=window.limit
        )
        assert found is not None
        return found, int(found["total"])

    async def _filtered(self, tx: ReadTx, scope: Scope, window: Window) -> tuple[Any, int]:
        scoped = {"owners": scope.owners, "audiences": scope.audiences}
        bounds = {"date_from": window.date_from, "date_to": window.date_to}
        total = int(await tx.value(self._window_total, **scoped, **bounds, **_split(window)))
        every = int(await tx.value(self._total, **scoped))
        statement = self._window_sparse if total * _SPARSE < every else self._window_dense
        skip = 0 if window.after is not None else window.offset
        found = await tx.row(statement, **scoped, **bounds, after=window.after or 0, skip=skip, most=window.limit)
        assert found is not None
        return found, total


def _unpacked(packed: bytes | None) -> list[tuple[int, int]]:
    """(seq, rev) of each row."""
    return list(_SEQ_AND_REV.iter_unpack(packed or b""))


def _split(window: Window) -> dict[str, Any]:
    """The whole days in the window, of which counts are kept, and the parts of days at its edges, which are counted."""
    first = -(-window.date_from.timestamp() // _DAY) if window.date_from else _FIRST_DAY
    end = window.date_to.timestamp() // _DAY if window.date_to else _END_DAY
    date_from, date_to = window.date_from or _at(_FIRST_DAY), window.date_to or _at(_END_DAY)
    if first >= end:
        first, end = _END_DAY, _END_DAY
        edges = (date_from, date_to, date_to, date_to)
    else:
        edges = (date_from, _at(first), _at(end), date_to)
    names = ("head_from", "head_to", "tail_from", "tail_to")
    return {"first_day": int(first), "end_day": int(end), **dict(zip(names, edges, strict=True))}


def _at(day: float) -> datetime:
    return datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(days=day)
