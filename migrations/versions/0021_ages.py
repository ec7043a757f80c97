"""Indexes by which what is old enough is found."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "retention1"
down_revision: str | None = "commands3"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_BY_AGE = (
    ("authorizations_at_idx", "authorizations", ("at",), None),
    ("cdrs_own_age_idx", "cdrs", ("last_updated",), "partner_id = 0"),
    ("cdrs_theirs_age_idx", "cdrs", ("last_updated",), "partner_id <> 0"),
    ("findings_last_at_idx", "findings", ("last_at",), None),
    ("inbound_requests_over_idx", "inbound_requests", ("module", "deadline"), "state <> 'PENDING'"),
    ("outbound_requests_over_idx", "outbound_requests", ("module", "expires_at"), "state <> 'WAITING'"),
    ("reservations_expires_at_idx", "reservations", ("expires_at",), None),
    ("reservations_request_id_idx", "reservations", ("request_id",), None),
    ("sessions_own_age_idx", "sessions", ("last_updated",), "partner_id = 0"),
    ("sessions_theirs_age_idx", "sessions", ("last_updated",), "partner_id <> 0"),
)


def upgrade() -> None:
    for name, table, columns, only in _BY_AGE:
        op.create_index(name, table, list(columns), postgresql_where=None if only is None else sa.text(only))


def downgrade() -> None:
    for name, table, _, _ in _BY_AGE:
        op.drop_index(name, table)
