"""Tables of CDRs, and of the URLs under which partners keep ours."""

from sqlalchemy import BigInteger, Column, Computed, DateTime, ForeignKey, Index, Integer, Table, Text, text

from ocpi_party.database import metadata
from ocpi_party.owned.table import owned_table

CDRS = owned_table(
    "cdrs",
    Column("session", Text, Computed("upper(document->>'session_id')", persisted=True), comment="in upper case"),
    Column(
        "credits",
        Text,
        Computed(
            "CASE WHEN document->>'credit' = 'true' THEN upper(document->>'credit_reference_id') END", persisted=True
        ),
        comment="key of the CDR that this one takes back",
    ),
    one_per="owner, key",
)
# The id of a CDR is unique per CPO, whichever of our parties it was sent to.
Index("cdrs_id_idx", CDRS.c.partner_id, CDRS.c.owner, CDRS.c.key, unique=True)
Index(
    "cdrs_session_idx",
    CDRS.c.partner_id,
    CDRS.c.owner,
    CDRS.c.session,
    postgresql_where=text("session IS NOT NULL"),
)
Index(
    "cdrs_credits_idx",
    CDRS.c.partner_id,
    CDRS.c.owner,
    CDRS.c.credits,
    postgresql_where=text("credits IS NOT NULL"),
)
# We credit each of our own once; what partners do is stored as it comes, and flagged.
Index(
    "cdrs_credited_once_idx",
    CDRS.c.owner,
    CDRS.c.credits,
    unique=True,
    postgresql_where=text("partner_id = 0 AND credits IS NOT NULL"),
)
Index("cdrs_last_updated_idx", CDRS.c.last_updated)
# Those that are old enough to be forgotten.
Index("cdrs_own_age_idx", CDRS.c.last_updated, postgresql_where=text("partner_id = 0"))
Index("cdrs_theirs_age_idx", CDRS.c.last_updated, postgresql_where=text("partner_id <> 0"))

CDR_URLS = Table(
    "cdr_urls",
    metadata,
    Column("ref", Text, primary_key=True, comment="our CDR: COUNTRY*PARTY/id"),
    Column("partner_id", BigInteger, ForeignKey("partners.id", ondelete="CASCADE"), primary_key=True),
    Column("url", Text, comment="where it can be seen; NULL if the partner did not say"),
    Column("told_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("attempts", Integer, comment="it took to tell it or to reach the partner; NULL: not counted"),
    comment="our CDRs that a partner has",
)
