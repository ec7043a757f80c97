"""We publish our own Tariffs, and take away those that no connector refers to any more. OCPI 2.2.1, Tariffs."""

from ocpi_party.database import WriteTx
from ocpi_party.modules.locations.facts import connectors_with_tariff
from ocpi_party.modules.tariffs.contradictions import must_agree_with_itself
from ocpi_party.modules.tariffs.expiry import show_again
from ocpi_party.modules.tariffs.table import TARIFFS
from ocpi_party.ocpi.errors import InvalidObject, Refusal
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.tariff import Tariff, TariffDimensionType
from ocpi_party.ocpi.types import JsonObject
from ocpi_party.owned.publish import Published, Publisher
from ocpi_party.owned.table import Ref

PUBLISHER = Publisher(ModuleId.TARIFFS, TARIFFS, Tariff)

FOR_RESERVATIONS = frozenset({TariffDimensionType.FLAT, TariffDimensionType.TIME})
"""OCPI 2.2.1, Tariffs, "TariffRestrictions class": all that a reservation can have."""

_NAMED = 5


class StillReferredTo(Refusal):
    """A tariff cannot go while connectors of ours refer to it."""


async def put_tariff(tx: WriteTx, ref: Ref, body: JsonObject, audience: str | None) -> Published:
    """Store a tariff of ours. audience  None leaves it as it was. Raises InvalidObject; OlderThanKnown"""
    await show_again(tx, ref)
    return _charged(await PUBLISHER.put(tx, ref, body, audience=audience))


async def patch_tariff(tx: WriteTx, ref: Ref, changes: JsonObject) -> Published:
    """Change fields of a tariff of ours. Raises UnknownObject; InvalidObject; OlderThanKnown"""
    await show_again(tx, ref)
    return _charged(await PUBLISHER.patch(tx, ref, changes))


def _charged(tariff: Published) -> Published:
    """The tariff, if all that it prices can be charged. Raises InvalidObject"""
    must_agree_with_itself(tariff.document)
    for number, element in enumerate(tariff.document["elements"]):
        reserves = (element.get("restrictions") or {}).get("reservation")
        for place, component in enumerate(element["price_components"]):
            pointer = f"/elements/{number}/price_components/{place}"
            if component["step_size"] < 0:
                raise InvalidObject(f"{pointer}/step_size", "must not be negative")
            if reserves and component["type"] not in FOR_RESERVATIONS:
                raise InvalidObject(f"{pointer}/type", f"must be FLAT or TIME in an element for {reserves}")
    return tariff


async def delete_tariff(tx: WriteTx, ref: Ref) -> None:
    """Take a tariff of ours away for good. Raises UnknownObject; StillReferredTo"""
    found = await connectors_with_tariff(tx, ref.owner, ref.key, most=_NAMED + 1)
    if found:
        names = ", ".join(found[:_NAMED]) + (", …" if len(found) > _NAMED else "")
        raise StillReferredTo(f"connectors still refer to tariff {ref.key}: {names}")
    await show_again(tx, ref)
    await PUBLISHER.delete(tx, ref)
