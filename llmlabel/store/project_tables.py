"""The table of projects. Every database has it; the default project's holds the list."""

from __future__ import annotations

import sqlalchemy as sa

from llmlabel.store.tables import UtcDateTime, metadata

# `status` is active, deleting or deleted: a name is never given twice. `settings` is JSON.
projects = sa.Table(
    "projects",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)
