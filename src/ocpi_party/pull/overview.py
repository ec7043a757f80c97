"""How old our copies of partners' lists are, and how their crawls do: for people who look and for metrics."""

from ocpi_party.database import ReadTx, Row, Statement

_STATE = Statement(
    """SELECT module, party, addressee, next_at, wanted_full, COALESCE(leased_until >= now(), false) AS running, started_at,
              date_from, good_until, pages, objects, refused, total, failures, repeats, COALESCE(error, doubt) AS error, finished_at
         FROM pulls WHERE partner_id = :id ORDER BY rank, module, party, addressee"""
)


async def state(tx: ReadTx, partner_id: int) -> list[Row]:
    """The partner's lists and how far we are: for people who look. error  also why a list is fetched again"""
    return await tx.rows(_STATE, id=partner_id)


_AGES = Statement(
    """SELECT partner_id, module, max(extract(epoch FROM now() - good_until))::float AS age FROM pulls
        WHERE good_until IS NOT NULL GROUP BY partner_id, module ORDER BY partner_id, module"""
)


async def ages(tx: ReadTx) -> list[Row]:
    """For those who watch: how old, in seconds, is what was fetched of each list; none for one never fetched."""
    return await tx.rows(_AGES)
