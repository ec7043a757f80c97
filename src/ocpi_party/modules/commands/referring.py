"""The authorization_reference of the command by which a charge began. OCPI 2.2.1, Commands, "StartSession" and "ReserveNow"."""

from ocpi_party.database import ReadTx, Statement
from ocpi_party.modules.charge import BEGINS_WITHIN, CLOCKS_DIFFER, Charge
from ocpi_party.modules.commands.sessions import BEGAN_BY_THEIRS
from ocpi_party.ocpi.command import CommandType
from ocpi_party.ocpi.types import fold

_GIVEN = Statement(
    f"""SELECT c.kind, NULLIF(c.request ->> 'authorization_reference', '') AS reference, c.request ->> 'evse_uid' AS evse_uid
          FROM inbound_requests c
         WHERE c.module = 'commands' AND c.ref = :location AND c.ours = :owner AND c.kind IN ('START_SESSION', 'RESERVE_NOW')
           AND c.received_at <= CAST(:began AS timestamptz) + CAST(:clocks_differ AS interval)
           AND CASE c.kind WHEN 'START_SESSION' THEN c.received_at >= CAST(:began AS timestamptz) - CAST(:within AS interval)
                           ELSE CAST(c.request ->> 'expiry_date' AS timestamptz) + CAST(:clocks_differ AS interval) >= :began END
           AND c.state <> 'REFUSED' AND COALESCE(c.result ->> 'result', 'ACCEPTED') IN ('ACCEPTED', 'TIMEOUT')
           AND upper((c.request -> 'token' ->> 'country_code') || '*' || (c.request -> 'token' ->> 'party_id')) = :emsp
           AND upper(c.request -> 'token' ->> 'uid') = :uid AND upper(c.request -> 'token' ->> 'type') = :type
           AND (c.request ->> 'evse_uid' IS NULL OR CAST(:evse AS text) IS NULL OR upper(c.request ->> 'evse_uid') = :evse)
           AND NOT EXISTS (SELECT FROM sessions s
                            WHERE s.authorization_reference = upper(c.request ->> 'authorization_reference')
                              AND s.partner_id = 0 AND s.key <> :session AND {BEGAN_BY_THEIRS} = c.id)
         ORDER BY c.id DESC"""
)


async def given_with_a_command(tx: ReadTx, charge: Charge) -> str | None:
    """What the eMSP gave with the command by which this charge began; None, if that was nothing, or could be several."""
    rows = await tx.rows(
        _GIVEN,
        owner=charge.owner,
        session=fold(charge.session),
        emsp=charge.emsp,
        uid=fold(charge.cdr_token["uid"]),
        type=fold(charge.cdr_token["type"]),
        location=charge.location,
        evse=charge.evse,
        began=charge.began,
        within=BEGINS_WITHIN,
        clocks_differ=CLOCKS_DIFFER,
    )
    for kind in (CommandType.START_SESSION, CommandType.RESERVE_NOW):
        given = [row for row in rows if row["kind"] == kind]
        # Of those for this very EVSE the last one counts. Who names none may have meant another session of the same driver.
        if given and given[0]["reference"] is not None:
            last: str = given[0]["reference"]
            others = {fold(row["reference"] or "") for row in given} - {fold(last)}
            return None if others and given[0]["evse_uid"] is None else last
    return None
