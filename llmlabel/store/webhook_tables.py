"""The tables of webhooks: endpoints, and the messages to them."""

from __future__ import annotations

import sqlalchemy as sa

from llmlabel.store.tables import Serial, UtcDateTime, metadata

# `events` and `guidelines` are JSON lists; null guidelines are all. `failures` counts attempts
# that failed in a row, since `failing_since`; before `rests_until` nothing is tried.
webhooks = sa.Table(
    "webhooks",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("events", sa.Text, nullable=False),
    sa.Column("guidelines", sa.Text),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("old_secret", sa.Text),
    sa.Column("old_secret_until", UtcDateTime),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("disabled_reason", sa.Text, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("failing_since", UtcDateTime),
    sa.Column("rests_until", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

# One row per event and endpoint, written in the transaction in which it happened. `webhook_id` is
# no foreign key: whoever removes an endpoint must not make the labeling of a document fail.
# Taking a message up moves `due_at` to where the attempt must be over, and names it in `claim`:
# one whose sender died is due again by itself.
deliveries = sa.Table(
    "webhook_deliveries",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("webhook_id", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("guideline", sa.String(128)),
    sa.Column("document_id", sa.String(256)),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("claim", sa.String(40), nullable=False),
    sa.Column("last_status", sa.Integer),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("settled_at", UtcDateTime),
    sa.Index(None, "webhook_id", "status", "due_at"),
    sa.Index(None, "webhook_id", "seq"),
    sa.Index(None, "document_id"),
    sa.Index(None, "status", "created_at"),
)
