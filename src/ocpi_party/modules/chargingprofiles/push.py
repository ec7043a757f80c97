"""How Senders are told what is planned for a session of ours. OCPI 2.2.1, ChargingProfiles, "Sender Interface"."""

from collections.abc import Mapping, Sequence

from ocpi_party.database import ReadTx, Statement
from ocpi_party.modules.sessions.table import SESSIONS
from ocpi_party.ocpi.charging_profile import ActiveChargingProfile
from ocpi_party.ocpi.modules import InterfaceRole
from ocpi_party.outbox.telling import Mark
from ocpi_party.owned.names import load_names
from ocpi_party.owned.push import Pushed, State, Teller
from ocpi_party.partners.answer import Answer

# Once a session has ended its profile is forgotten (CHP-R-19).
_STATES = Statement(
    """SELECT s.owner || '/' || s.key AS ref, s.document ->> 'id' AS id, convert_to(a.document::text, 'UTF8') AS document
         FROM active_charging_profiles a JOIN sessions s ON s.seq = a.session_seq
        WHERE s.partner_id = 0 AND s.addressee = '' AND s.status = 'ACTIVE' AND NOT s.gone
          AND (s.owner, s.key) IN (SELECT * FROM unnest(CAST(:owners AS text[]), CAST(:keys AS text[])))"""
)


class PushedActiveChargingProfiles(Pushed):
    """References are those of sessions: OWNER/SESSION, folded. The URL names no owner."""

    interface = InterfaceRole.SENDER

    async def load(self, tx: ReadTx, refs: Sequence[str]) -> Mapping[str, State]:
        split = [ref.partition("/") for ref in refs]
        rows = await tx.rows(_STATES, owners=[o for o, _, _ in split], keys=[k for _, _, k in split])
        return {row["ref"]: State((row["id"],), row["document"]) for row in rows}

    async def names(self, tx: ReadTx, refs: Sequence[str]) -> Mapping[str, str]:
        return await load_names(tx, SESSIONS, refs)

    async def tell(self, teller: Teller, mark: Mark, state: State | None) -> Answer | None:
        return None if state is None else await teller.put(ActiveChargingProfile, state)


PUSHED = PushedActiveChargingProfiles()
