"""Commands: what the charge points of our CPO did is what our eMSP was told, and no command is left without an end."""

from collections import Counter
from typing import Any

from tests.network.platforms import Member
from tests.network.table import Table


async def compare(table: Table, cpo: Member, emsp: Member) -> None:
    received = [one async for one in cpo.everything("/commands", direction="inbound")]
    sent = [one async for one in emsp.everything("/commands", direction="outbound")]
    at_emsp = {_reference(one): one for one in sent}
    delivered = [one for one in received if one.get("delivery", {}).get("state") == "DELIVERED"]
    wrong = [
        f"{_reference(one)}: {one['result']} ≠ {(at_emsp.get(_reference(one)) or {}).get('result')}"
        for one in delivered
        if (at_emsp.get(_reference(one)) or {}).get("result") != one["result"]
    ]
    table.none(f"{cpo.name}: results of commands delivered / that {emsp.name} does not know so", wrong, len(delivered))
    states = Counter(one["state"] for one in sent)
    table.none(f"{emsp.name}: commands sent / without an end", ["WAITING"] * states.pop("WAITING", 0), len(sent),
               ", ".join(f"{n} {state}" for state, n in sorted(states.items())))  # fmt: skip


def _reference(command: dict[str, Any]) -> str:
    """Made by the eMSP for the charge, and sent along."""
    return str(command["request"].get("authorization_reference"))
