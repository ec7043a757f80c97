"""Sessions of people at the console."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "console1"
down_revision: str | None = "messages1"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "console_sessions",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="HMAC-SHA256 of the cookie"),
        sa.Column(
            "key_digest", sa.LargeBinary(), nullable=False, comment="of the API key that somebody signed in with"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("console_sessions_pkey")),
    )
    op.create_index(op.f("console_sessions_expires_at_idx"), "console_sessions", ["expires_at"])


def downgrade() -> None:
    op.drop_table("console_sessions")
