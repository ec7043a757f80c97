"""Which parties behind a hub its list leaves out."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "hub2"
down_revision: str | None = "hub1"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "partner_parties",
        sa.Column(
            "rev",
            sa.BigInteger(),
            nullable=False,
            server_default=sa.text("nextval('revisions')"),
            comment="new whenever the hub tells of it",
        ),
    )
    op.add_column(
        "partner_parties",
        sa.Column(
            "unlisted_since",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="since when the hub's whole list has left it out",
        ),
    )


def downgrade() -> None:
    op.drop_column("partner_parties", "unlisted_since")
    op.drop_column("partner_parties", "rev")
