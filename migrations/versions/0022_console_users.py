"""People who sign in at the console with a password."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "console2"
down_revision: str | None = "retention1"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "console_users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False, comment="Argon2id, with its salt and parameters"),
        sa.Column("scope", sa.Text(), nullable=False, comment="as of an API key"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="the password",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("console_users_pkey")),
    )
    op.create_index("console_users_name_key", "console_users", [sa.text("lower(name)")], unique=True)
    op.create_table(
        "console_attempts",
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=False,
            comment="HMAC of what is counted: a name, an address, or both",
        ),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="to sign in, that did not succeed"),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False, comment="when counting begins anew"),
        sa.PrimaryKeyConstraint("digest", name=op.f("console_attempts_pkey")),
    )
    op.create_index(op.f("console_attempts_until_idx"), "console_attempts", ["until"])
    op.alter_column("console_sessions", "key_digest", nullable=True)
    op.add_column("console_sessions", sa.Column("user_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("console_sessions_user_id_fkey"),
        "console_sessions",
        "console_users",
        ["user_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index(op.f("console_sessions_user_id_idx"), "console_sessions", ["user_id"])
    op.create_check_constraint(
        op.f("console_sessions_somebody_check"), "console_sessions", "num_nonnulls(key_digest, user_id) = 1"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("console_sessions_somebody_check"), "console_sessions")
    op.execute("DELETE FROM console_sessions WHERE key_digest IS NULL")
    op.drop_column("console_sessions", "user_id")
    op.alter_column("console_sessions", "key_digest", nullable=False)
    op.drop_table("console_attempts")
    op.drop_table("console_users")
