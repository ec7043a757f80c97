"""A partner's CDR is kept once and never changes; what is odd in it is noted for an operator. OCPI 2.2.1, CDRs."""

from collections.abc import Collection, Sequence
from enum import Enum

from ocpi_party.database import WriteTx
from ocpi_party.dialects.dialect import Finding
from ocpi_party.events.repository import EventType
from ocpi_party.modules.cdrs import repository
from ocpi_party.modules.cdrs.audit import audit
from ocpi_party.ocpi.errors import ForeignToken
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import JsonObject, PartyId, document_of
from ocpi_party.owned import receive
from ocpi_party.owned.names import spelt
from ocpi_party.owned.publish import same_content
from ocpi_party.owned.table import Ref
from ocpi_party.partners.findings import note


class Taken(Enum):
    """NEW and stored; KNOWN already; or OTHER than the one we have with this id, which stays."""

    NEW = "NEW"
    KNOWN = "KNOWN"
    OTHER = "OTHER"


def payer(cdr: JsonObject) -> PartyId:
    """The eMSP that pays: the owner of the token."""
    return PartyId(cdr["cdr_token"]["country_code"], cdr["cdr_token"]["party_id"]).folded()


async def take(
    tx: WriteTx, ref: Ref, cdr: JsonObject, ours: Collection[PartyId], findings: Sequence[Finding] = ()
) -> Taken:
    """Keep a CDR as it was sent.

    ref       its addressee does not count: a CDR is for the owner of its token
    ours      our eMSP parties
    findings  where the CDR strayed from the specification, to be kept with it
    Raises    ForeignToken
    """
    party = payer(cdr)
    if party not in ours:
        raise ForeignToken(f"cdr_token is of {party}, which is no eMSP of ours")
    ref = ref._replace(addressee=str(party))
    if await repository.add(tx, ref, cdr):
        found = [*findings, *await audit(tx, ref, cdr)]
        shown = spelt(ModuleId.CDRS, ref, cdr)
        await note(tx, ref.partner_id, ModuleId.CDRS, str(shown), set(found))
        await receive.tell(tx, ModuleId.CDRS, shown, kind=EventType.CDR_RECEIVED)
        return Taken.NEW
    known = await repository.by_id(tx, ref.partner_id, ref.owner, ref.key)
    assert known is not None  # CDRs are kept for a year at least.
    before = document_of(known.document)
    if same_content(before, cdr):
        return Taken.KNOWN
    fields = sorted(name for name in before.keys() | cdr.keys() if before.get(name) != cdr.get(name))
    rule = f"was sent again with another content, which was not taken: {', '.join(fields)}"
    shown = spelt(ModuleId.CDRS, ref, before)
    await note(tx, ref.partner_id, ModuleId.CDRS, str(shown), [("/id", rule)])
    await receive.tell(tx, ModuleId.CDRS, shown, kind=EventType.CDR_REFUSED)
    return Taken.OTHER
