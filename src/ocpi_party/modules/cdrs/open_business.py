"""CDRs that a party will not be told any more: people settle them by other means."""

from collections.abc import Sequence

from ocpi_party.database import ReadTx
from ocpi_party.modules.cdrs.table import CDRS
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.owned.names import load_names


async def undelivered(tx: ReadTx, given_up: Sequence[tuple[ModuleId, str]]) -> list[str]:
    """The CDRs among what was given up, as they are shown. given_up  modules and references of marks"""
    refs = [ref for module, ref in given_up if module is ModuleId.CDRS]
    names = await load_names(tx, CDRS, refs)
    return [names.get(ref, ref) for ref in refs]
