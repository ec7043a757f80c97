"""The tables of pulls: one row for each list of a partner that we fetch, how far we are, and the pages of the crawl."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from ocpi_party.database import metadata

PULLS = Table(
    "pulls",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("partner_id", BigInteger, ForeignKey("partners.id", ondelete="CASCADE"), nullable=False),
    Column("module", Text, nullable=False),
    Column("party", Text, nullable=False, comment="whose list it is, COUNTRY*PARTY"),
    Column(
        "addressee",
        Text,
        nullable=False,
        comment="our party that asks for it, COUNTRY*PARTY; '' without routing headers",
    ),
    Column("rank", Integer, nullable=False, comment="tariffs before locations, sessions before CDRs"),
    Column("next_at", DateTime(timezone=True), comment="NULL: not planned"),
    Column(
        "wanted_full", Boolean, nullable=False, server_default=text("false"), comment="the next one fetches everything"
    ),
    Column("leased_until", DateTime(timezone=True)),
    Column("lease", Text),
    Column("started_at", DateTime(timezone=True), comment="of the crawl that is not finished"),
    Column(
        "date_from",
        DateTime(timezone=True),
        comment="of this crawl, or of the last one if it is finished; NULL: everything",
    ),
    Column("since_rev", BigInteger, comment="what has a higher revision was written while we crawled"),
    Column("next_url", Text, comment="where the crawl that is not finished goes on"),
    Column("good_until", DateTime(timezone=True), comment="what changed before was fetched"),
    Column("pages", Integer, nullable=False, server_default=text("0")),
    Column("objects", Integer, nullable=False, server_default=text("0")),
    Column("refused", Integer, nullable=False, server_default=text("0"), comment="objects that we could not take"),
    Column("total", Integer, comment="X-Total-Count of the last page"),
    Column(
        "shrank", Boolean, nullable=False, server_default=text("false"), comment="total was less than on a page before"
    ),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("error", Text),
    Column("finished_at", DateTime(timezone=True)),
    Column(
        "repeats",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="crawls in a row that may not have shown all: the next one fetches the same again",
    ),
    Column("doubt", Text, comment="of the last one of them, in words; NULL: there is none"),
    Column(
        "together_since",
        DateTime(timezone=True),
        comment="when the first of those began that may, together, have shown all; NULL: objects left the list",
    ),
    Column("unfounded", Text, comment="a doubt about which a repeat showed that there is no more to be had"),
    UniqueConstraint("partner_id", "module", "party", "addressee", name="pulls_key"),
)

PULL_PAGES = Table(
    "pull_pages",
    metadata,
    Column("pull_id", BigInteger, ForeignKey("pulls.id", ondelete="CASCADE"), primary_key=True),
    Column("crawl", Integer, primary_key=True, server_default=text("0"), comment="pulls.repeats, as it was then"),
    Column("number", Integer, primary_key=True),
    Column("url", Text, nullable=False),
    Column("refs", ARRAY(Text), comment="the objects on it, OWNER/key"),
    comment="the pages of crawls that are not finished, and of those before that may not have shown all",
)
