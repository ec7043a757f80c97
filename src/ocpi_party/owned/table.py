"""The row that all client owned objects share, and how one is named. OCPI 2.2.1, Client owned objects."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from ocpi_party.database import metadata

REVISIONS = Sequence("revisions", metadata=metadata)

OWNED: list[Table] = []
"""All tables of client owned objects: each that `owned_table` made."""


class Ref(NamedTuple):
    """Names a client owned object where it is stored.

    partner_id  the connection it came through; OURS for our own
    addressee   our party that it was sent to, COUNTRY*PARTY; "" for our own
    owner       the party it belongs to, COUNTRY*PARTY in upper case
    key         its id in upper case: identifiers are case-insensitive; of a token `UID TYPE`
    """

    partner_id: int
    addressee: str
    owner: str
    key: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.key}"


def in_columns(refs: Iterable[Ref]) -> dict[str, list[Any]]:
    """What they are named by, for unnest(:partner_ids, :addressees, :owners, :keys)."""
    named = list(refs)
    return {
        "partner_ids": [ref.partner_id for ref in named],
        "addressees": [ref.addressee for ref in named],
        "owners": [ref.owner for ref in named],
        "keys": [ref.key for ref in named],
    }


def owned_table(
    name: str,
    *further: Column[Any],
    stays: str = "false",
    shown_as: str = "document->>'id'",
    one_per: str = "addressee, owner, key",
) -> Table:
    """A table of client owned objects. The document is `json`: lists splice its text as it was stored.

    stays     SQL: when a state t is not replaced by a state `excluded` that its owner tells, however new
    shown_as  SQL: its key as its owner spells it
    one_per   SQL: what is the same in all rows that a partner's object may have, of which there is one
    """
    table = Table(
        name,
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True, comment="order of creation"),
        Column("partner_id", BigInteger, nullable=False, comment="0: our own"),
        Column("addressee", Text, nullable=False, server_default=text("''")),
        Column("owner", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("last_updated", DateTime(timezone=True), nullable=False),
        Column("audience", Text, nullable=False, server_default=text("''")),
        Column(
            "rev",
            BigInteger,
            nullable=False,
            server_default=text("nextval('revisions')"),
            comment="new with each write",
        ),
        Column(
            "gone",
            Boolean,
            nullable=False,
            server_default=text("false"),
            comment="hidden; kept for those who refer to it",
        ),
        Column("document", JSON, nullable=False),
        *further,
        UniqueConstraint("partner_id", "addressee", "owner", "key", name=f"{name}_key"),
        Index(
            f"{name}_own_idx",
            "owner",
            "audience",
            "seq",
            postgresql_where=text("partner_id = 0 AND NOT gone"),
            postgresql_include=["rev", "last_updated"],
        ),
        Index(
            f"{name}_own_changed_idx",
            "owner",
            "audience",
            "last_updated",
            postgresql_where=text("partner_id = 0 AND NOT gone"),
            postgresql_include=["seq"],
        ),
        Index(f"{name}_theirs_idx", "partner_id", "seq", postgresql_where=text("partner_id <> 0")),
        info={"stays": stays, "name": shown_as, "one_per": one_per},
    )
    OWNED.append(table)
    return table


LISTING_COUNTS = Table(
    "listing_counts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("listing", Text, nullable=False, comment="the table that is counted"),
    Column("owner", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="T: total, S: block of seq, D: day of last_updated"),
    Column("bucket", BigInteger, nullable=False, comment="0, seq / 2000, or days since 1970"),
    Column("n", Integer, nullable=False, comment="a difference; the sum over the rows of a bucket is its count"),
    Index(None, "listing", "owner", "audience", "kind", "bucket", postgresql_include=["n"]),
    comment="own objects listed, kept by triggers, so that no page has to count",
)
