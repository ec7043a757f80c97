"""Credit CDRs: taking back a CDR that was sent. OCPI 2.2.1, CDRs, "Credit CDRs"."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ocpi_party.ocpi.errors import Refusal
from ocpi_party.pricing.exact import Document, exact


class NotCreditable(Refusal):
    """A Credit CDR cannot be credited itself: a corrected CDR with a new id follows it."""


def credit(cdr: Document, credit_id: str, last_updated: datetime) -> dict[str, Any]:
    """The Credit CDR for a CDR: "all the data of the original", and the negative amounts in `total_cost` only.

    credit_id  up to 39 characters, unlike the id of any other CDR; "-C" after the original's is the usual form
    Raises     NotCreditable
    """
    if cdr.get("credit"):
        raise NotCreditable(f"CDR {cdr['id']} is a Credit CDR")
    at = last_updated.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return deepcopy(dict(cdr)) | {
        "id": credit_id,
        "credit": True,
        "credit_reference_id": cdr["id"],
        "total_cost": negated(cdr["total_cost"]),
        "last_updated": at,
    }


def takes_back_unsaid(cdr: Document) -> bool:
    """Whether a CDR pays back, and does not say that it is a Credit CDR. Who sold energy to the grid is paid for it."""
    return not cdr.get("credit") and exact(cdr["total_cost"]["excl_vat"]) < 0 <= exact(cdr["total_energy"])


def negated(price: Mapping[str, Any]) -> dict[str, Any]:
    """The total_cost of the Credit CDR for a CDR with this one."""
    return {name: _opposite(value) for name, value in price.items()}


def _opposite(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value.copy_negate() if value else value  # No "-0" on the wire.
    return -value if isinstance(value, int | float) and value else value
