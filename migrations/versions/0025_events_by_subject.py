"""Events about an object are found whatever the case in which its id is written."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "events2"
down_revision: str | None = "pulls2"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("events_upper_subject_idx", "events", [sa.literal_column("upper(subject)"), "seq"])
    op.drop_index("events_subject_seq_idx", table_name="events")


def downgrade() -> None:
    op.create_index("events_subject_seq_idx", "events", ["subject", "seq"])
    op.drop_index("events_upper_subject_idx", table_name="events")
