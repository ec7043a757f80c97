"""Partners whose lists we fetch: a list behind a Sender interface, page by page, as OCPI says it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.objects import CPO, a_location
from tests.partner import FakePartner, envelope

from ocpi_party.ocpi.types import JsonObject, PartyId

LOCATIONS = ("locations", "SENDER")


def a_cpo(**changes: Any) -> FakePartner:
    """A CPO NL/TNM that offers its Locations, and nothing else."""
    given: dict[str, Any] = {"roles": (("CPO", "NL", "TNM"),), "endpoints": [LOCATIONS]} | changes
    return FakePartner(**given)


def some_locations(count: int, owner: PartyId = CPO, **changes: Any) -> list[JsonObject]:
    return [a_location(owner, id=f"LOC{number}", **changes) for number in range(1, count + 1)]


@dataclass
class PagedList:
    """A list as a partner sends it, `most` objects on a page.

    links    whether there is a Link
    cuts     objects that leave the list before the request with this number (from 0)
    changes  what else happens to the objects before it
    """

    partner: FakePartner
    objects: list[Any]
    most: int = 2
    module: str = "locations"
    links: bool = True
    total: int | None = None
    cuts: dict[int, int] = field(default_factory=dict)
    changes: Callable[[int, list[Any]], None] | None = None
    asked: list[httpx.Request] = field(default_factory=list)
    instead: dict[int, httpx.Response] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.partner.on("GET", f"/sender/{self.module}", self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        number = len(self.asked)
        self.asked.append(request)
        if number in self.cuts:
            del self.objects[: self.cuts[number]]
        if self.changes is not None:
            self.changes(number, self.objects)
        if number in self.instead:
            return self.instead[number]
        offset = int(request.url.params.get("offset", 0))
        page = self.objects[offset : offset + self.most]
        total = len(self.objects) if self.total is None else self.total
        sent = {"x-total-count": str(total), "x-limit": str(self.most)}
        if self.links and offset + self.most < len(self.objects):
            url = request.url.copy_merge_params({"offset": str(offset + self.most), "limit": str(self.most)})
            sent["link"] = f'<{url}>; rel="next"'
        return envelope(page, headers=sent)

    @property
    def offsets(self) -> list[int]:
        return [int(request.url.params.get("offset", 0)) for request in self.asked]


def ids(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["key"] for row in rows]
