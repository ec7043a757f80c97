"""Each object and its state: what the owner has, and what each partner knows of it."""

from collections.abc import AsyncIterator
from typing import Any

from ocpi_party.cli.demo.platform import Platform
from ocpi_party.ocpi.types import parse_time
from tests.network.desk import Desk
from tests.network.platforms import Member, Sandbox
from tests.network.table import Table

OF_CPO = ("locations", "tariffs", "sessions", "cdrs")
OF_EMSP = ("tokens",)
_OF_DRIVERS = ("sessions", "cdrs")
"""Told only to the eMSP of the driver."""

Objects = dict[str, Any]


async def compared(
    members: list[Member], sandboxes: list[Sandbox]
) -> AsyncIterator[tuple[str, Platform, Platform, Objects, Objects]]:
    """Module, owner, partner, what the owner has that concerns the partner, and what the partner has of the owner."""
    cpo, emsp = members
    pairs: list[tuple[Platform, Platform]] = [(cpo, emsp), (emsp, cpo)]
    for sandbox in sandboxes:
        pairs += [(sandbox.member, sandbox), (sandbox, sandbox.member)]
    for owner, partner in pairs:
        for module in OF_CPO if owner.side.role == "CPO" else OF_EMSP:
            yield module, owner, partner, await _own(owner, module, partner), await _held(partner, module, owner)


async def differences(members: list[Member], sandboxes: list[Sandbox]) -> list[str]:
    found = []
    async for module, owner, partner, ours, theirs in compared(members, sandboxes):
        wrong = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
        if wrong:
            key = wrong[0]
            text = f"{partner.side.name}: {len(wrong)} {module} of {owner.side.name} differ, as {key}"
            found.append(f"{text}: {_first_difference(ours.get(key), theirs.get(key))}")
    return found


def _first_difference(one: Any, other: Any) -> str:
    if one is None or other is None:
        return "only one of them has it: the " + ("partner" if one is None else "owner")
    return next(
        (
            f"{name}: {one.get(name)!r} ≠ {other.get(name)!r}"[:600]
            for name in {**one, **other}
            if one.get(name) != other.get(name)
        ),
        "",
    )


async def kept(table: Table, desk: Desk) -> None:
    """The owner has the last change of everything that its API accepted."""
    lost = []
    for path, moments in desk.made.items():
        params = {"type": "RFID"} if path.startswith("/tokens") else {}
        has = parse_time((await desk.look(path, **params))["last_updated"])
        # A Location is as new as its newest EVSE.
        if has < parse_time(moments[-1]) or (has > parse_time(moments[-1]) and not _is_location(path)):
            lost.append(f"{path}: {moments[-1]} was accepted, and it is of {has}")
    total = sum(len(moments) for moments in desk.made.values())
    table.none(f"{desk.member.name}: changes accepted / objects that are not as the last of them says", lost, total)


def _is_location(path: str) -> bool:
    return path.startswith("/locations") and path.count("/") == 4


async def _own(owner: Platform, module: str, partner: Platform) -> Objects:
    found = [one async for one in owner.everything(f"/{module}", own="true")]
    if module in _OF_DRIVERS:
        asked = (partner.side.country_code, partner.side.party_id)
        found = [one for one in found if (one["cdr_token"]["country_code"], one["cdr_token"]["party_id"]) == asked]
    # The app token of a sandbox is in no list: its eMSP alone knows it.
    return {_key(one): one for one in found if one.get("type") != "APP_USER"}


async def _held(partner: Platform, module: str, owner: Platform) -> Objects:
    side = owner.side
    whose = {"country_code": side.country_code, "party_id": side.party_id}
    return {_key(one): one async for one in partner.everything(f"/{module}", own="false", **whose)}


def _key(one: dict[str, Any]) -> str:
    return f"{one['uid']}/{one['type']}" if "uid" in one else str(one["id"])
