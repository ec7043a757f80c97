"""How marks of the outbox are shown: with the ids of our objects as we spell them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from ocpi_party.database import ReadTx
from ocpi_party.modules.registry import PUSHED


async def shown(tx: ReadTx, marks: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """marks  (module, ref); those whose object is not there any more, and what is no mark, are shown as they are"""
    by_module: dict[str, set[str]] = defaultdict(set)
    found = {}
    for module, ref in marks:
        by_module[module].add(ref)
        found[module, ref] = ref
    for module, pushed in PUSHED.items():
        if refs := by_module.get(module):
            names = await pushed.names(tx, sorted(refs))
            found |= {(module, ref): name for ref, name in names.items()}
    return found
