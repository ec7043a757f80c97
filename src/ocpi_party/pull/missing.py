"""What we hold of a partner, and its full list did not show (PAG-19)."""

from functools import cache

from ocpi_party.database import Statement, WriteTx
from ocpi_party.partners.findings import Note, tell_findings
from ocpi_party.pull.progress import Pull


@cache
def _missing(held: str) -> Statement:
    # What was written since the crawl began may be too new for its pages.
    return Statement(
        f"""
        INSERT INTO findings (partner_id, module, ref, pointer, rule)
        SELECT :partner_id, CAST(:module AS text), h.name, '', CAST(:rule AS text)
          FROM ({held}) h
         WHERE h.rev <= :before
           AND NOT EXISTS (SELECT FROM pull_pages g CROSS JOIN LATERAL unnest(g.refs) AS r(ref)
                            WHERE g.pull_id = :id AND g.crawl = :crawl AND r.ref = h.ref)
         ORDER BY 3
        ON CONFLICT ON CONSTRAINT findings_key DO UPDATE SET times = findings.times + 1, last_at = now()
        RETURNING ref, pointer, rule, xmax = 0 AS new
        """
    )


async def note_missing(tx: WriteTx, pull: Pull, held: str, owner: str | None, rule: str) -> list[str]:
    """A finding for each object that we hold and a whole crawl did not show (PAG-19); their names.

    held   Pulled.held
    owner  whose objects the list holds; None for everybody's behind a hub
    """
    rows = await tx.rows(
        _missing(held),
        id=pull.id, crawl=pull.repeats, partner_id=pull.partner_id, addressee=pull.addressee, owner=owner,
        module=pull.module, rule=rule, before=pull.since_rev,
    )  # fmt: skip
    new = [Note(row["ref"], row["pointer"], row["rule"]) for row in rows if row["new"]]
    await tell_findings(tx, pull.partner_id, pull.module, new)
    return [row["ref"] for row in rows]
