"""What a partner is not told because the operator switched it off waits, paused."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "partners_untold"
down_revision: str | None = "secrets1"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_BEFORE = "WAITING, or REFUSED by the partner"
_NOW = "WAITING, PAUSED while the operator has switched it off, or REFUSED by the partner"


def upgrade() -> None:
    op.alter_column("outbox_marks", "state", existing_type=sa.Text(), existing_comment=_BEFORE, comment=_NOW)
    op.execute(
        """UPDATE outbox_marks m SET state = 'PAUSED' FROM partners p
            WHERE p.id = m.partner_id AND m.state = 'WAITING'
              AND NOT (p.push AND (p.modules IS NULL OR p.modules::jsonb ? m.module))"""
    )


def downgrade() -> None:
    op.execute("UPDATE outbox_marks SET state = 'WAITING' WHERE state = 'PAUSED'")
    op.alter_column("outbox_marks", "state", existing_type=sa.Text(), existing_comment=_NOW, comment=_BEFORE)
