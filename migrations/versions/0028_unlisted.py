"""What the whole lists of partners leave out."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "unlisted"
down_revision: str | None = "partners_untold"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "unlisted",
        sa.Column("module", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="of the object in the table of its module"),
        sa.Column(
            "rev", sa.BigInteger(), nullable=False, comment="it had when it was left out; told since, it counts anew"
        ),
        sa.Column("lists", sa.SmallInteger(), nullable=False, comment="so many in a row left it out; 2 for more"),
        sa.PrimaryKeyConstraint("module", "seq", name=op.f("unlisted_pkey")),
        comment="objects of partners that their whole lists leave out",
    )


def downgrade() -> None:
    op.drop_table("unlisted")
