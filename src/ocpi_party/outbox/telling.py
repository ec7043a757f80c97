"""The marks of a lane, in the order in which they are told: settled, refused, in doubt, or dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ocpi_party.database import ReadTx, Statement, WriteTx
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.types import document_of, encode
from ocpi_party.outbox.lanes import Lane
from ocpi_party.outbox.reach import REACHABLE, state


@dataclass(frozen=True, slots=True)
class Mark:
    seq: int
    version: int
    module: ModuleId
    ref: str
    patch: dict[str, Any] | None
    attempts: int


_WAITING = Statement(
    f"""SELECT seq, version, module, ref, patch, attempts FROM outbox_marks m
         WHERE partner_id = :partner_id AND party = :party AND state = 'WAITING' AND {REACHABLE}
         ORDER BY rank, seq LIMIT :most"""
)


async def waiting(tx: ReadTx, lane: Lane, most: int) -> list[Mark]:
    """What this party does not know, in the order in which it should hear of it."""
    rows = await tx.rows(_WAITING, partner_id=lane.partner_id, party=lane.party, most=most)
    return [
        Mark(
            r["seq"],
            r["version"],
            ModuleId(r["module"]),
            r["ref"],
            None if r["patch"] is None else document_of(r["patch"]),
            r["attempts"],
        )
        for r in rows
    ]


_SETTLE = Statement(
    """DELETE FROM outbox_marks m USING unnest(CAST(:seqs AS bigint[]), CAST(:versions AS int[])) AS told(seq, version)
        WHERE m.seq = told.seq AND m.version = told.version"""
)
# No moment stands where a version before this one marked: that part may have changed again.
_NEWER = Statement(
    """UPDATE outbox_marks m
          SET patch = (SELECT coalesce(json_object_agg(key, news.value), '{}')
                         FROM jsonb_each(m.patch::jsonb) news LEFT JOIN jsonb_each(told.patch::jsonb) old USING (key)
                        WHERE news.value = 'null' OR old.value IS DISTINCT FROM news.value)
         FROM unnest(CAST(:seqs AS bigint[]), CAST(:patches AS text[])) AS told(seq, patch)
        WHERE m.seq = told.seq AND m.patch IS NOT NULL"""
)
_DELIVERED = Statement(
    """UPDATE outbox_lanes SET failures = 0, delivered = delivered + :n, last_success_at = now()
        WHERE partner_id = :partner_id AND party = :party"""
)


async def settle(tx: WriteTx, lane: Lane, told: Sequence[Mark], by_moment: Sequence[Mark] = ()) -> None:
    """These were told. One that changed meanwhile stays: its newer state was not.

    by_moment  those of them whose patch says when each part changed: what was told of it goes, what changed since stays
    """
    settled = await tx.run(_SETTLE, seqs=[m.seq for m in told], versions=[m.version for m in told])
    parts = {m.seq: encode(m.patch).decode() for m in by_moment if m.patch is not None}
    if settled < len(told) and parts:
        await tx.run(_NEWER, seqs=list(parts), patches=list(parts.values()))
    await tx.run(_DELIVERED, n=len(told), partner_id=lane.partner_id, party=lane.party)


_REFUSE = Statement(
    """UPDATE outbox_marks SET state = 'REFUSED', attempts = attempts + 1, error = :why
        WHERE seq = :seq AND version = :version"""
)


async def refuse(tx: WriteTx, mark: Mark, why: str) -> None:
    """The partner refuses this object; it is told again when it changes or an operator asks for it."""
    await tx.run(_REFUSE, seq=mark.seq, version=mark.version, why=why[:1000])


_DOUBT = Statement("UPDATE outbox_marks SET attempts = attempts + 1, error = :why, patch = NULL WHERE seq = :seq")


async def doubt(tx: WriteTx, mark: Mark, why: str) -> None:
    """Nobody knows whether the partner took it; the next attempt tells the whole object."""
    await tx.run(_DOUBT, seq=mark.seq, why=why[:1000])


_DROP = Statement("DELETE FROM outbox_marks WHERE seq = :seq AND version = :version")


async def drop(tx: WriteTx, mark: Mark) -> None:
    """There is nothing to tell any more: the object is no longer ours, or the partner has no interface for it."""
    await tx.run(_DROP, seq=mark.seq, version=mark.version)


_RETRY = Statement(
    f"""WITH p AS (SELECT * FROM partners WHERE id = :id FOR KEY SHARE)
        UPDATE outbox_marks m SET state = {state("m.module", "m.ref")}, patch = NULL FROM p
         WHERE m.partner_id = p.id AND m.state = 'REFUSED'"""
)


async def retry_refused(tx: WriteTx, partner_id: int) -> int:
    """Tell the partner again what it refused, if that is not switched off; tells how many objects that are."""
    return await tx.run(_RETRY, id=partner_id)
