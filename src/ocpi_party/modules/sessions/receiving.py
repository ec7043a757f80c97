"""A partner tells us of its session, by a push or in a list. OCPI 2.2.1, Sessions, "Receiver Interface"."""

from collections.abc import Sequence
from dataclasses import replace

from ocpi_party.database import WriteTx
from ocpi_party.dialects.dialect import Dialect, Finding, Reading
from ocpi_party.modules.sessions.audit import audit, oddities
from ocpi_party.modules.sessions.charging_periods import with_new_periods
from ocpi_party.modules.sessions.status import must_not_reopen
from ocpi_party.modules.sessions.table import SESSIONS
from ocpi_party.ocpi.errors import InvalidObject
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.session import Session
from ocpi_party.ocpi.types import JsonObject, document_of
from ocpi_party.owned import receive, repository
from ocpi_party.owned.names import spelt
from ocpi_party.owned.repository import Put
from ocpi_party.owned.table import Ref
from ocpi_party.partners.findings import note


async def put(tx: WriteTx, ref: Ref, reading: Reading, *, any_age: bool) -> Put:
    """Store the whole Session, its charging periods included.

    Raises InvalidObject, if we have a newer state, or one that is final while this is not
    """
    (odd,) = await audit(tx, ref.partner_id, [reading.document])
    reading = replace(reading, findings=(*reading.findings, *odd))
    try:
        return await receive.put(tx, SESSIONS, ModuleId.SESSIONS, ref, reading, any_age=any_age)
    except InvalidObject:
        if known := await repository.get(tx, SESSIONS, ref):
            must_not_reopen(document_of(known.document), reading.document)
        raise


async def patch(
    tx: WriteTx, ref: Ref, spoken: Dialect, changes: JsonObject, lacking: Sequence[Finding], *, any_age: bool
) -> None:
    """Change fields of the Session and add charging periods.

    lacking  what the changes left out, to be noted with the rest
    Raises   UnknownObject, InvalidObject
    """
    document = await receive.patch(
        tx, SESSIONS, ModuleId.SESSIONS, ref, Session, spoken, changes, merge=_patched, any_age=any_age
    )
    odd = (await audit(tx, ref.partner_id, [document]))[0] if "cdr_token" in changes else oddities(document)
    if found := [*lacking, *odd]:
        await note(tx, ref.partner_id, ModuleId.SESSIONS, str(spelt(ModuleId.SESSIONS, ref, document)), found)


def _patched(known: JsonObject, changes: JsonObject) -> JsonObject:
    must_not_reopen(known, changes)
    return with_new_periods(known, changes)
