"""The authorization_reference with which an eMSP allowed a charge in real time. OCPI 2.2.1, Tokens, "AuthorizationInfo"."""

from ocpi_party.database import ReadTx, Statement
from ocpi_party.modules.charge import BEGINS_WITHIN, CLOCKS_DIFFER, Charge
from ocpi_party.modules.tokens.keys import token_key
from ocpi_party.ocpi.types import fold
from ocpi_party.partners.secrets import Vault

# What another session of ours has carried since is not meant for this one.
_GIVEN = Statement(
    """SELECT a.reference, a.evse_uids = ARRAY[CAST(:evse AS text)] AS for_this_evse FROM authorizations a
        WHERE a.token = :token AND a.at >= CAST(:began AS timestamptz) - CAST(:within AS interval)
          AND a.at <= CAST(:began AS timestamptz) + CAST(:clocks_differ AS interval)
          AND NOT a.as_emsp AND a.source = 'AUTH_REQUEST' AND a.allowed = 'ALLOWED'
          AND a.owner = :emsp AND (a.cpo IS NULL OR a.cpo = :owner)
          AND (a.location_id IS NULL OR a.location_id = :location)
          AND (COALESCE(cardinality(a.evse_uids), 0) = 0 OR CAST(:evse AS text) IS NULL OR :evse = ANY(a.evse_uids))
          AND NOT EXISTS (SELECT FROM sessions s
                           WHERE s.authorization_reference = upper(a.reference) AND s.partner_id = 0 AND s.key <> :session
                             AND CAST(s.document ->> 'start_date_time' AS timestamptz) >= a.at)
        ORDER BY a.at DESC, a.id DESC"""
)


async def given_at_a_swipe(tx: ReadTx, vault: Vault, charge: Charge) -> str | None:
    """What the eMSP gave when it was asked before this charge; None, if that was nothing, or could be several."""
    token = charge.cdr_token
    given = await tx.rows(
        _GIVEN,
        token=vault.digest(token_key(token["uid"], token["type"])),
        emsp=charge.emsp,
        owner=charge.owner,
        session=fold(charge.session),
        location=charge.location,
        evse=charge.evse,
        began=charge.began,
        within=BEGINS_WITHIN,
        clocks_differ=CLOCKS_DIFFER,
    )
    # Who was not asked about this very EVSE may have meant another session of the same driver.
    meant = given[:1] if given and given[0]["for_this_evse"] else given
    references: set[str | None] = {row["reference"] for row in meant}
    return references.pop() if len(references) == 1 else None
