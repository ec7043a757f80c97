"""A platform that registers again goes on with what it told over connections that ended: each of its objects stays one."""

from functools import cache

from sqlalchemy import Table

from ocpi_party.database import Statement, WriteTx
from ocpi_party.ocpi.modules import ModuleId, senders_of
from ocpi_party.owned.table import OWNED
from ocpi_party.partners.parties import Ended, ended_connections

_THEIRS = """t.partner_id = ANY(CAST(:partner_ids AS bigint[]))
             AND EXISTS (SELECT FROM unnest(CAST(:partner_ids AS bigint[]), CAST(:owners AS text[])) AS e(partner_id, owner)
                          WHERE e.partner_id = t.partner_id AND (e.owner IS NULL OR e.owner = t.owner))"""


@cache
def _drop_older(table: Table) -> Statement:
    # Several connections that ended, and what came over the new one already, may hold the same object.
    return Statement(
        f"""DELETE FROM {table.name} d
             USING (SELECT t.seq, row_number() OVER (PARTITION BY {table.info["one_per"]}
                                                     ORDER BY t.last_updated DESC, t.rev DESC) AS place
                      FROM {table.name} t WHERE t.partner_id = :heir OR {_THEIRS}) s
             WHERE d.seq = s.seq AND s.place > 1"""
    )


@cache
def _take(table: Table) -> Statement:
    # rev stays: the first list of the new connection is compared with what was there before it.
    return Statement(f"UPDATE {table.name} t SET partner_id = :heir WHERE {_THEIRS}")


async def take_over(tx: WriteTx, partner_id: int) -> None:
    """A partner that has just registered has what its parties told us in the same roles, before those connections ended.

    Of an object that several of them told, the newest state stays. What happened stays with the partner that it was then:
    events, messages, commands, findings.
    """
    ended = await ended_connections(tx, partner_id)
    for table in OWNED:
        left = [one for one in ended if _goes_on(one, ModuleId(table.name))]
        if left:
            theirs = {"partner_ids": [one.partner_id for one in left], "owners": [one.owner for one in left]}
            await tx.run(_drop_older(table), heir=partner_id, **theirs)
            await tx.run(_take(table), heir=partner_id, **theirs)


def _goes_on(ended: Ended, module: ModuleId) -> bool:
    """Whether such objects go where this role of the party went: a platform of both roles may be followed by one for each.

    If it sent them without a role that usually does, they go with any.
    """
    senders = senders_of(module)
    return ended.owner is None or ended.role in senders or not senders & ended.roles
