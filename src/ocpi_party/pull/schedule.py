"""When the lists of partners are fetched: planned, wanted, at once, and whole. OCPI 2.2.1, Transport and format, "Pagination".

Whoever writes several lists of a partner has locked it before, for two of them would take the lists in different orders.
"""

from collections.abc import Sequence
from datetime import timedelta

from ocpi_party.database import Statement, WriteTx
from ocpi_party.ocpi.modules import OWNED_BY_CPO, ModuleId, Role
from ocpi_party.partners import repository as partners
from ocpi_party.pull.planning import Wanted

_KEYS = """unnest(CAST(:modules AS text[]), CAST(:parties AS text[]), CAST(:addressees AS text[]), CAST(:ranks AS int[]))
           AS w(module, party, addressee, rank)"""
_PLAN = Statement(
    f"""
    WITH gone AS (
        DELETE FROM pulls p WHERE partner_id = :partner_id AND NOT EXISTS (
            SELECT FROM {_KEYS} WHERE (w.module, w.party, w.addressee) = (p.module, p.party, p.addressee))
    )
    INSERT INTO pulls AS p (partner_id, module, party, addressee, rank, next_at)
    SELECT :partner_id, module, party, addressee, rank, now() FROM {_KEYS}
    ON CONFLICT ON CONSTRAINT pulls_key DO UPDATE
       SET rank = excluded.rank,
           next_at = CASE WHEN p.leased_until IS NULL AND p.finished_at IS NULL THEN COALESCE(p.next_at, now()) ELSE p.next_at END
    """
)


async def plan(tx: WriteTx, partner_id: int, lists: Sequence[Wanted]) -> None:
    """Fetch these lists of the partner from now on, and no others; those that are fetched already go on as they are."""
    await tx.run(
        _PLAN,
        partner_id=partner_id,
        modules=[one.module for one in lists],
        parties=[one.party for one in lists],
        addressees=[one.addressee for one in lists],
        ranks=[one.rank for one in lists],
    )


_WANT = Statement(
    """UPDATE pulls SET next_at = LEAST(next_at, GREATEST(now(), finished_at + :pause))
        WHERE partner_id = :partner_id AND module = :module
          AND (next_at IS NULL OR next_at > GREATEST(now(), finished_at + :pause))"""
)
_PAUSE = timedelta(seconds=5)
"""A partner that changes many objects unknown to us is not asked for its list at each of them."""


async def want(tx: WriteTx, partner_id: int, module: ModuleId) -> bool:
    """The partner has something that we miss: fetch what changed soon. False, if that was planned, or nothing is fetched."""
    await partners.lock(tx, partner_id)
    return await tx.run(_WANT, partner_id=partner_id, module=module, pause=_PAUSE) > 0


# A crawl that runs ends with a good_until of its own, so that only a further one of everything is sure to see what came back.
_CATCH_UP = Statement(
    """
    WITH back AS (
        UPDATE partner_parties SET away_since = NULL
          FROM partner_parties q
         WHERE q.partner_id = :partner_id AND q.status = 'CONNECTED' AND q.away_since IS NOT NULL
           AND (partner_parties.partner_id, partner_parties.owner, partner_parties.role) = (q.partner_id, q.owner, q.role)
        RETURNING q.role, q.away_since)
    UPDATE pulls p
       SET next_at = LEAST(next_at, GREATEST(now(), finished_at + CAST(:pause AS interval))),
           good_until = CASE WHEN started_at IS NOT NULL THEN good_until
                             WHEN b.since > to_timestamp(0) THEN LEAST(good_until, b.since) END,
           wanted_full = wanted_full OR (started_at IS NOT NULL AND leased_until IS NOT NULL)
      FROM (SELECT role = 'CPO' AS cpo, min(away_since) AS since FROM back WHERE role = ANY(CAST(:roles AS text[]))
              GROUP BY role = 'CPO') b
     WHERE p.partner_id = :partner_id AND p.module <> 'hubclientinfo'
       AND b.cpo = (p.module = ANY(CAST(:of_cpos AS text[])))
    """
)


async def catch_up(tx: WriteTx, partner_id: int) -> None:
    """Parties of a hub are there, or back: what they have, or changed meanwhile, is fetched soon (HCI-R-06)."""
    await tx.run(_CATCH_UP, partner_id=partner_id, pause=_PAUSE, of_cpos=sorted(OWNED_BY_CPO), roles=sorted(Role))


_NOW = Statement(
    """UPDATE pulls SET next_at = now(), wanted_full = wanted_full OR :full,
              started_at = CASE WHEN :full AND leased_until IS NULL THEN NULL ELSE started_at END
        WHERE partner_id = :partner_id AND (CAST(:module AS text) IS NULL OR module = :module)"""
)


async def pull_now(tx: WriteTx, partner_id: int, module: ModuleId | None, *, full: bool) -> int:
    """Fetch the partner's lists, or those of one module, at once; tells how many there are."""
    await partners.lock(tx, partner_id)
    return await tx.run(_NOW, partner_id=partner_id, module=module, full=full)


_WANT_WHOLE = Statement(
    """UPDATE pulls SET wanted_full = true, next_at = CASE WHEN :soon THEN LEAST(next_at, now() + :pause) ELSE next_at END
        WHERE id = :id"""
)


async def want_whole(tx: WriteTx, pull_id: int, *, soon: bool) -> None:
    """The next time, fetch the whole list and not what changed. soon  do not wait until it is due"""
    await tx.run(_WANT_WHOLE, id=pull_id, soon=soon, pause=_PAUSE)
