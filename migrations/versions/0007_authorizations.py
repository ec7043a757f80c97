"""Rules of tokens, tokens of commands, authorizations."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "tokens2"
down_revision: str | None = "tokens1"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "authorizations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("as_emsp", sa.Boolean(), nullable=False, comment="we were asked; false: we decided as CPO"),
        sa.Column("partner_id", sa.BigInteger(), nullable=True, comment="who asked, or who was asked"),
        sa.Column("cpo", sa.Text(), nullable=True, comment="where the driver stood, COUNTRY*PARTY"),
        sa.Column("owner", sa.Text(), nullable=True, comment="of the token; NULL if nobody knows it"),
        sa.Column(
            "token",
            sa.LargeBinary(),
            nullable=False,
            comment="HMAC of uid and type: enough to find, not enough to tell",
        ),
        sa.Column("token_rev", sa.BigInteger(), nullable=True, comment="tokens.rev that was decided on"),
        sa.Column("allowed", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column(
            "reference",
            sa.Text(),
            nullable=True,
            comment="authorization_reference, as the Session and the CDR will carry it",
        ),
        sa.Column("location_id", sa.Text(), nullable=True, comment="in upper case"),
        sa.Column("evse_uids", sa.ARRAY(sa.Text()), nullable=True, comment="in upper case"),
        sa.Column("correlation_id", sa.Text(), nullable=True, comment="of the request to or from the partner"),
        sa.PrimaryKeyConstraint("id", name=op.f("authorizations_pkey")),
        comment="authorizations given and taken; personal data stays in tokens",
    )
    op.create_index(
        op.f("authorizations_reference_idx"),
        "authorizations",
        ["reference"],
        unique=False,
        postgresql_where=sa.text("reference IS NOT NULL"),
    )
    op.create_index(op.f("authorizations_token_at_idx"), "authorizations", ["token", "at"], unique=False)
    op.create_table(
        "command_tokens",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("partner_id", sa.BigInteger(), nullable=False),
        sa.Column("addressee", sa.Text(), nullable=False, comment="our CPO that got the command, COUNTRY*PARTY"),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("location_id", sa.Text(), nullable=False, comment="in upper case"),
        sa.Column("evse_uid", sa.Text(), nullable=True, comment="in upper case; NULL: any EVSE of the Location"),
        sa.Column("reference", sa.Text(), nullable=True, comment="authorization_reference of the command"),
        sa.Column(
            "document",
            postgresql.JSON(astext_type=sa.Text()),
            nullable=False,
            comment="the Token; it need not be known otherwise",
        ),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("good_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f("command_tokens_partner_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("command_tokens_pkey")),
        comment="tokens of START_SESSION and RESERVE_NOW: their eMSP authorized them already",
    )
    op.create_index(op.f("command_tokens_good_until_idx"), "command_tokens", ["good_until"], unique=False)
    op.create_index(op.f("command_tokens_key_idx"), "command_tokens", ["key"], unique=False)
    op.create_table(
        "token_rules",
        sa.Column("token_seq", sa.BigInteger(), nullable=False),
        sa.Column(
            "rules",
            postgresql.JSON(astext_type=sa.Text()),
            nullable=False,
            comment="TokenRules: what we answer when a CPO asks whether it may be used",
        ),
        sa.ForeignKeyConstraint(
            ["token_seq"], ["tokens.seq"], name=op.f("token_rules_token_seq_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_seq", name=op.f("token_rules_pkey")),
        comment="of our own tokens; no partner is told of them",
    )


def downgrade() -> None:
    op.drop_table("token_rules")
    op.drop_index(op.f("command_tokens_key_idx"), table_name="command_tokens")
    op.drop_index(op.f("command_tokens_good_until_idx"), table_name="command_tokens")
    op.drop_table("command_tokens")
    op.drop_index(op.f("authorizations_token_at_idx"), table_name="authorizations")
    op.drop_index(
        op.f("authorizations_reference_idx"),
        table_name="authorizations",
        postgresql_where=sa.text("reference IS NOT NULL"),
    )
    op.drop_table("authorizations")
