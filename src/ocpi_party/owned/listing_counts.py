"""Folds the differences that triggers wrote into one count a bucket; readers see the same sums before and after."""

from ocpi_party.database import Statement, WriteTx

_FOLD = Statement(
    """
    WITH many AS (SELECT listing, owner, audience, kind, bucket FROM listing_counts
                   GROUP BY 1, 2, 3, 4, 5 HAVING count(*) > 1 LIMIT 500),
         taken AS (DELETE FROM listing_counts c USING many m
                    WHERE (c.listing, c.owner, c.audience, c.kind, c.bucket) = (m.listing, m.owner, m.audience, m.kind, m.bucket)
                RETURNING c.listing, c.owner, c.audience, c.kind, c.bucket, c.n)
    INSERT INTO listing_counts (listing, owner, audience, kind, bucket, n)
    SELECT listing, owner, audience, kind, bucket, sum(n) FROM taken GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0
    """
)


async def fold_counts(tx: WriteTx) -> None:
    """Only one process at a time: two that fold the same bucket would wait for each other."""
    if await tx.value(Statement("SELECT pg_try_advisory_xact_lock(hashtext('listing_counts'))")):
        await tx.run(_FOLD)
