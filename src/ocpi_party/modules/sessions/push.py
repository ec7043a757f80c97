"""How partners are told of our Sessions: PUT first, then PATCH of what changed with the new charging periods alone.

OCPI 2.2.1, Sessions, "Push model".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ocpi_party.database import ReadTx, Statement
from ocpi_party.modules.sessions.charging_periods import appended
from ocpi_party.modules.sessions.table import SESSIONS
from ocpi_party.ocpi.session import Session
from ocpi_party.ocpi.types import JsonObject, document_of
from ocpi_party.outbox.telling import Mark
from ocpi_party.owned.names import load_names
from ocpi_party.owned.push import Pushed, State, Teller
from ocpi_party.partners.answer import Answer

_NEW_PERIOD = "charging_periods/"
"""Before the start_date_time of a new period: marks merge by name, and two new periods must not displace each other."""

_STATES = Statement(
    """SELECT s.owner || '/' || s.key AS ref, convert_to(s.document::text, 'UTF8') AS document,
              s.document->>'country_code' AS country_code, s.document->>'party_id' AS party_id, s.document->>'id' AS id
         FROM sessions s
        WHERE s.partner_id = 0 AND s.addressee = '' AND NOT s.gone
          AND (s.owner, s.key) IN (SELECT * FROM unnest(CAST(:owners AS text[]), CAST(:keys AS text[])))"""
)


def news(before: JsonObject, after: JsonObject) -> dict[str, str] | None:
    """The names of what changed; None, if PATCH cannot tell it: a field was removed, or a known period corrected (SES-R-08).

    Each with its moment: what changes again while it is told is news again, and a period is told once. The values are
    taken from the session as it stands when it is told.
    """
    new = appended(before, after)
    if new is None or before.keys() - after.keys() - {"charging_periods"}:
        return None
    changed = [name for name in after if name != "charging_periods" and before.get(name) != after[name]]
    named = [*changed, *(_NEW_PERIOD + period["start_date_time"] for period in new)]
    return dict.fromkeys(named, str(after["last_updated"]))


def changes(names: Iterable[str], document: JsonObject) -> JsonObject:
    """The PATCH that tells what has these names."""
    told = {name: document[name] for name in names if name in document}
    starts = {name.removeprefix(_NEW_PERIOD) for name in names if name.startswith(_NEW_PERIOD)}
    periods = [p for p in document.get("charging_periods") or () if p["start_date_time"] in starts]
    return told | ({"charging_periods": periods} if periods else {}) | {"last_updated": document["last_updated"]}


class PushedSessions(Pushed):
    """References are OWNER/SESSION, folded."""

    by_moment = True  # Charging periods are added by PATCH: who is told one twice may count it twice (SES-R-05).

    async def load(self, tx: ReadTx, refs: Sequence[str]) -> Mapping[str, State]:
        split = [ref.partition("/") for ref in refs]
        rows = await tx.rows(_STATES, owners=[o for o, _, _ in split], keys=[k for _, _, k in split])
        return {r["ref"]: State((r["country_code"], r["party_id"], r["id"]), r["document"]) for r in rows}

    async def names(self, tx: ReadTx, refs: Sequence[str]) -> Mapping[str, str]:
        return await load_names(tx, SESSIONS, refs)

    async def tell(self, teller: Teller, mark: Mark, state: State | None) -> Answer | None:
        if state is None:
            return None
        patch = None if mark.patch is None else changes(mark.patch, document_of(state.document))
        return await teller.put_or_patch(Session, state, replace(mark, patch=patch))


PUSHED = PushedSessions()
