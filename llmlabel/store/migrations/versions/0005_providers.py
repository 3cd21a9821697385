"""Notes on providers, money spent, and what labels cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; what earlier labels cost is not counted."""
    op.create_table(
        "provider_notes",
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_provider_notes")),
    )
    op.create_table(
        "spending",
        sa.Column("scope", sa.String(length=128), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("nano", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "period", name=op.f("pk_spending")),
    )
    counters = ("labels", "cached", "unknown", "prompt_tokens", "completion_tokens", "nano")
    op.create_table(
        "label_costs",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("guideline", sa.String(length=128), nullable=False),
        sa.Column("model", sa.String(length=512), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in counters),
        sa.PrimaryKeyConstraint("day", "guideline", "model", name=op.f("pk_label_costs")),
    )
