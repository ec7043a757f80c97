"""First tables: parties, partners and their tokens, the outbox, pulls, locations."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


COUNT_LISTINGS = """
CREATE FUNCTION listing_day(at timestamptz) RETURNS bigint IMMUTABLE PARALLEL SAFE LANGUAGE sql
AS $$ SELECT floor(extract(epoch FROM at) / 86400)::bigint $$;

CREATE FUNCTION listing_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO listing_counts (listing, owner, audience, kind, bucket, n)
    SELECT TG_TABLE_NAME, owner, audience, 'T', 0, count(*)
      FROM added WHERE partner_id = 0 AND NOT gone GROUP BY owner, audience
    UNION ALL
    SELECT TG_TABLE_NAME, owner, audience, 'S', seq / 2000, count(*)
      FROM added WHERE partner_id = 0 AND NOT gone GROUP BY owner, audience, seq / 2000
    UNION ALL
    SELECT TG_TABLE_NAME, owner, audience, 'D', listing_day(last_updated), count(*)
      FROM added WHERE partner_id = 0 AND NOT gone GROUP BY owner, audience, listing_day(last_updated);
    RETURN NULL;
END $$;

CREATE FUNCTION listing_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The usual change, a new status, moves an object to another day and to no other place.
    IF TG_OP = 'UPDATE' AND NOT OLD.gone AND NOT NEW.gone AND OLD.audience = NEW.audience THEN
        INSERT INTO listing_counts (listing, owner, audience, kind, bucket, n) VALUES
            (TG_TABLE_NAME, OLD.owner, OLD.audience, 'D', listing_day(OLD.last_updated), -1),
            (TG_TABLE_NAME, NEW.owner, NEW.audience, 'D', listing_day(NEW.last_updated), 1);
        RETURN NULL;
    END IF;
    IF NOT OLD.gone THEN
        INSERT INTO listing_counts (listing, owner, audience, kind, bucket, n) VALUES
            (TG_TABLE_NAME, OLD.owner, OLD.audience, 'T', 0, -1),
            (TG_TABLE_NAME, OLD.owner, OLD.audience, 'S', OLD.seq / 2000, -1),
            (TG_TABLE_NAME, OLD.owner, OLD.audience, 'D', listing_day(OLD.last_updated), -1);
    END IF;
    IF TG_OP = 'UPDATE' AND NOT NEW.gone THEN
        INSERT INTO listing_counts (listing, owner, audience, kind, bucket, n) VALUES
            (TG_TABLE_NAME, NEW.owner, NEW.audience, 'T', 0, 1),
            (TG_TABLE_NAME, NEW.owner, NEW.audience, 'S', NEW.seq / 2000, 1),
            (TG_TABLE_NAME, NEW.owner, NEW.audience, 'D', listing_day(NEW.last_updated), 1);
    END IF;
    RETURN NULL;
END $$;

-- Call it for each table that partners may list: SELECT count_listing('tokens').
CREATE FUNCTION count_listing(listing regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER listing_added AFTER INSERT ON %s REFERENCING NEW TABLE AS added
                    FOR EACH STATEMENT EXECUTE FUNCTION listing_added()', listing);
    EXECUTE format('CREATE TRIGGER listing_changed AFTER UPDATE ON %s FOR EACH ROW
                    WHEN (OLD.partner_id = 0 AND (OLD.gone, OLD.audience, listing_day(OLD.last_updated))
                                  IS DISTINCT FROM (NEW.gone, NEW.audience, listing_day(NEW.last_updated)))
                    EXECUTE FUNCTION listing_changed()', listing);
    EXECUTE format('CREATE TRIGGER listing_removed AFTER DELETE ON %s FOR EACH ROW
                    WHEN (OLD.partner_id = 0) EXECUTE FUNCTION listing_changed()', listing);
    -- Documents stay in line and uncompressed: a list answer is their text.
    EXECUTE format('ALTER TABLE %s SET (toast_tuple_target = 8160)', listing);
END $$;
"""


def _run(script: str) -> None:
    # asyncpg prepares what it executes, and prepares one statement at a time.
    for statement in script.split(";\n\n"):
        op.execute(statement)


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("revisions")))
    _run(COUNT_LISTINGS)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False, comment="read, write, admin"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("api_keys_pkey")),
        sa.UniqueConstraint("digest", name=op.f("api_keys_digest_key")),
    )
    op.create_table(
        "listing_counts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("listing", sa.Text(), nullable=False, comment="the table that is counted"),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="T: total, S: block of seq, D: day of last_updated"),
        sa.Column("bucket", sa.BigInteger(), nullable=False, comment="0, seq / 2000, or days since 1970"),
        sa.Column(
            "n", sa.Integer(), nullable=False, comment="a difference; the sum over the rows of a bucket is its count"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("listing_counts_pkey")),
        comment="own objects listed, kept by triggers, so that no page has to count",
    )
    op.create_index(
        op.f("listing_counts_listing_owner_audience_kind_bucket_idx"),
        "listing_counts",
        ["listing", "owner", "audience", "kind", "bucket"],
        unique=False,
        postgresql_include=["n"],
    )
    op.create_table(
        "locations",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="order of creation"),
        sa.Column("partner_id", sa.BigInteger(), nullable=False, comment="0: our own"),
        sa.Column("addressee", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("audience", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "rev",
            sa.BigInteger(),
            server_default=sa.text("nextval('revisions')"),
            nullable=False,
            comment="new with each write",
        ),
        sa.Column(
            "gone",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="hidden; kept for those who refer to it",
        ),
        sa.Column("document", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("stamp", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("locations_pkey")),
        sa.UniqueConstraint("partner_id", "addressee", "owner", "key", name="locations_key"),
    )
    op.create_index(
        "locations_own_changed_idx",
        "locations",
        ["owner", "audience", "last_updated"],
        unique=False,
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["seq"],
    )
    op.create_index(
        "locations_own_idx",
        "locations",
        ["owner", "audience", "seq"],
        unique=False,
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["rev", "last_updated"],
    )
    op.create_index(
        "locations_theirs_idx",
        "locations",
        ["partner_id", "seq"],
        unique=False,
        postgresql_where=sa.text("partner_id <> 0"),
    )
    op.create_table(
        "parties",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("country_code", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="COUNTRY*PARTY in upper case"),
        sa.Column("business_details", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("parties_pkey")),
        sa.UniqueConstraint("owner", "role", name=op.f("parties_owner_role_key")),
        comment="our own parties",
    )
    op.create_table(
        "partners",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, comment="INVITED, CONNECTING, CONNECTED or UNREGISTERED"),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("versions_url", sa.Text(), nullable=True),
        sa.Column("is_hub", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "token_sent",
            sa.LargeBinary(),
            nullable=True,
            comment="the credentials token that we send, encrypted with the row id",
        ),
        sa.Column(
            "token_encoding",
            sa.Text(),
            server_default=sa.text("'base64'"),
            nullable=False,
            comment="base64 or raw (AMB-01)",
        ),
        sa.Column("quirks", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("modules", sa.JSON(), nullable=True, comment="module ids exchanged with this partner; NULL for all"),
        sa.Column(
            "parties",
            sa.JSON(),
            nullable=True,
            comment="own parties agreed with this partner, COUNTRY*PARTY; NULL for all",
        ),
        sa.Column("push", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("pull", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("alert", sa.Text(), nullable=True, comment="what an operator must look at, in words"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_contact_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("partners_pkey")),
    )
    op.create_table(
        "credentials_tokens",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="HMAC-SHA256 of the token that a partner sends"),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state", sa.Text(), nullable=False, comment="INVITATION, OFFERED (our request is still open) or ISSUED"
        ),
        sa.Column("issued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f("credentials_tokens_partner_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("credentials_tokens_pkey")),
    )
    op.create_index(op.f("credentials_tokens_partner_id_idx"), "credentials_tokens", ["partner_id"], unique=False)
    op.create_table(
        "evses",
        sa.Column("pk", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("location_seq", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="EVSE.uid in upper case"),
        sa.Column("place", sa.Integer(), nullable=False, comment="its place in the Location's list"),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "gone",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="missing from a replacing PUT (AMB-36)",
        ),
        sa.Column("document", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["location_seq"], ["locations.seq"], name=op.f("evses_location_seq_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("evses_pkey")),
        sa.UniqueConstraint("location_seq", "key", name=op.f("evses_location_seq_key_key")),
    )
    op.create_table(
        "findings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("module", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False, comment="the object: COUNTRY*PARTY/id…"),
        sa.Column("pointer", sa.Text(), nullable=False, comment="JSON Pointer into the object"),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f("findings_partner_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("findings_pkey")),
        sa.UniqueConstraint("partner_id", "module", "ref", "pointer", "rule", name="findings_key"),
        comment="where a partner deviates from the specification",
    )
    op.create_table(
        "outbox_lanes",
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.Text(), nullable=True, comment="who holds it; changes with each claim"),
        sa.Column(
            "failures",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="in a row; the breaker is open while > 0",
        ),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("delivered", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failure_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f("outbox_lanes_partner_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("partner_id", "party", name=op.f("outbox_lanes_pkey")),
    )
    op.create_table(
        "outbox_marks",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False, comment="the partner's party that is told, COUNTRY*PARTY"),
        sa.Column("module", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False, comment="tariffs go before the locations that refer to them"),
        sa.Column("ref", sa.Text(), nullable=False, comment="the object: COUNTRY*PARTY/id…"),
        sa.Column(
            "version", sa.Integer(), server_default=sa.text("1"), nullable=False, comment="moves with each change"
        ),
        sa.Column(
            "patch",
            sa.JSON(),
            nullable=True,
            comment="the fields that changed; NULL when the whole object must be told",
        ),
        sa.Column(
            "state",
            sa.Text(),
            server_default=sa.text("'WAITING'"),
            nullable=False,
            comment="WAITING, or REFUSED by the partner",
        ),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("marked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f("outbox_marks_partner_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("outbox_marks_pkey")),
        sa.UniqueConstraint("partner_id", "party", "module", "ref", name="outbox_marks_key"),
    )
    op.create_index(
        "outbox_marks_order_idx", "outbox_marks", ["partner_id", "party", "state", "rank", "seq"], unique=False
    )
    op.create_table(
        "partner_endpoints",
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("module", sa.Text(), nullable=False),
        sa.Column("interface", sa.Text(), nullable=False, comment="SENDER or RECEIVER"),
        sa.Column("url", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f("partner_endpoints_partner_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("partner_id", "module", "interface", name=op.f("partner_endpoints_pkey")),
    )
    op.create_table(
        "partner_parties",
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="COUNTRY*PARTY in upper case"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("country_code", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("business_details", sa.JSON(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False, comment="credentials, or hub for a party behind a hub"),
        sa.Column(
            "status", sa.Text(), server_default=sa.text("'CONNECTED'"), nullable=False, comment="ConnectionStatus"
        ),
        sa.Column("last_updated", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("document", sa.JSON(), nullable=True, comment="ClientInfo as the hub sent it"),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f("partner_parties_partner_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("partner_id", "owner", "role", name=op.f("partner_parties_pkey")),
    )
    op.create_index(op.f("partner_parties_owner_role_idx"), "partner_parties", ["owner", "role"], unique=False)
    op.create_table(
        "pulls",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("module", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False, comment="whose list it is, COUNTRY*PARTY"),
        sa.Column(
            "addressee",
            sa.Text(),
            nullable=False,
            comment="our party that asks for it, COUNTRY*PARTY; '' without routing headers",
        ),
        sa.Column("rank", sa.Integer(), nullable=False, comment="tariffs before locations, sessions before CDRs"),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True, comment="NULL: not planned"),
        sa.Column(
            "wanted_full",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="the next one fetches everything",
        ),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="of the crawl that is not finished"),
        sa.Column(
            "date_from",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="of the crawl that is not finished; NULL: everything",
        ),
        sa.Column("next_url", sa.Text(), nullable=True, comment="where the crawl that is not finished goes on"),
        sa.Column("good_until", sa.DateTime(timezone=True), nullable=True, comment="what changed before was fetched"),
        sa.Column("pages", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("objects", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "refused",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="objects that we could not take",
        ),
        sa.Column("total", sa.Integer(), nullable=True, comment="X-Total-Count of the last page"),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f("pulls_partner_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pulls_pkey")),
        sa.UniqueConstraint("partner_id", "module", "party", "addressee", name="pulls_key"),
    )
    op.execute("SELECT count_listing('locations')")
    op.execute("ALTER TABLE evses SET (toast_tuple_target = 8160, fillfactor = 85)")


def downgrade() -> None:
    op.drop_table("pulls")
    op.drop_index(op.f("partner_parties_owner_role_idx"), table_name="partner_parties")
    op.drop_table("partner_parties")
    op.drop_table("partner_endpoints")
    op.drop_index("outbox_marks_order_idx", table_name="outbox_marks")
    op.drop_table("outbox_marks")
    op.drop_table("outbox_lanes")
    op.drop_table("findings")
    op.drop_table("evses")
    op.drop_index(op.f("credentials_tokens_partner_id_idx"), table_name="credentials_tokens")
    op.drop_table("credentials_tokens")
    op.drop_table("partners")
    op.drop_table("parties")
    op.drop_index("locations_theirs_idx", table_name="locations", postgresql_where=sa.text("partner_id <> 0"))
    op.drop_index(
        "locations_own_idx",
        table_name="locations",
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["rev", "last_updated"],
    )
    op.drop_index(
        "locations_own_changed_idx",
        table_name="locations",
        postgresql_where=sa.text("partner_id = 0 AND NOT gone"),
        postgresql_include=["seq"],
    )
    op.drop_table("locations")
    op.drop_index(
        op.f("listing_counts_listing_owner_audience_kind_bucket_idx"),
        table_name="listing_counts",
        postgresql_include=["n"],
    )
    op.drop_table("listing_counts")
    op.drop_table("api_keys")
    op.execute("DROP FUNCTION count_listing, listing_changed, listing_added, listing_day")
    op.execute("DROP SEQUENCE revisions")
