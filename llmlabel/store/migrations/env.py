"""Runs migrations on the connection that `llmlabel.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from llmlabel.store.schema_state import VERSION_TABLE
from llmlabel.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
