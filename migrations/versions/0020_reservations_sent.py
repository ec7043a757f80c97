"""Find the reservation that an eMSP of ours made by its id."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "commands3"
down_revision: str | None = "results2"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        "outbound_requests_reservation_idx",
        "outbound_requests",
        [sa.literal_column("upper(request ->> 'reservation_id')")],
        unique=False,
        postgresql_where=sa.text("kind = 'RESERVE_NOW'"),
    )


def downgrade() -> None:
    op.drop_index(
        "outbound_requests_reservation_idx",
        table_name="outbound_requests",
        postgresql_where=sa.text("kind = 'RESERVE_NOW'"),
    )
