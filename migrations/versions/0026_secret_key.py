"""The database knows which OCPI_SECRET_KEY it belongs to."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "secrets1"
down_revision: str | None = "events2"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "secret_key",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "proof", sa.LargeBinary(), nullable=False, comment="sealed with OCPI_SECRET_KEY; nothing stands in it"
        ),
        sa.CheckConstraint("one", name=op.f("secret_key_one_check")),
        sa.PrimaryKeyConstraint("one", name=op.f("secret_key_pkey")),
        comment="by which the key that this database belongs to is known again; one row at most",
    )


def downgrade() -> None:
    op.drop_table("secret_key")
