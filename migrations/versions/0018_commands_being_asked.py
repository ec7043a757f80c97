"""Until when the operator's system is asked whether it takes a command, and which command a token was noted with."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "commands2"
down_revision: str | None = "hub2"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "inbound_requests",
        sa.Column(
            "asked_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="until then somebody finds out whether it is taken; NULL: the response stands",
        ),
    )
    op.add_column(
        "command_tokens",
        sa.Column("request_id", sa.BigInteger(), nullable=True, comment="the command, as in inbound_requests"),
    )
    op.create_index(op.f("command_tokens_request_id_idx"), "command_tokens", ["request_id"])


def downgrade() -> None:
    op.drop_index(op.f("command_tokens_request_id_idx"), table_name="command_tokens")
    op.drop_column("command_tokens", "request_id")
    op.drop_column("inbound_requests", "asked_until")
