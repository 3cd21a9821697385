"""The tables of keys, browser sessions and the log of who did what.

They lie in the database of the default project, whichever project a key is of.
"""

from __future__ import annotations

import sqlalchemy as sa

from llmlabel.store.tables import Serial, UtcDateTime, metadata

# Rows are never deleted: that a key was ever made keeps the service closed. `roles` is a JSON list.
access_keys = sa.Table(
    "access_keys",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(16), nullable=False, unique=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("secret_hash", sa.Text, nullable=False),
    sa.Column("requests_per_minute", sa.Integer),
    sa.Column("documents_per_minute", sa.Integer),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.String(200), nullable=False),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("revoked_at", UtcDateTime),
)

# A session that is signed out of is deleted; one that expired goes with the next sign-in.
access_sessions = sa.Table(
    "access_sessions",
    metadata,
    sa.Column("token_sha256", sa.String(64), primary_key=True),
    sa.Column("key_id", sa.String(16), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Index(None, "key_id"),
    sa.Index(None, "expires_at"),
)

access_log = sa.Table(
    "access_log",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("key_id", sa.String(16)),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("method", sa.String(16), nullable=False),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("request_id", sa.String(128), nullable=False),
    sa.Index(None, "project", "seq"),
    sa.Index(None, "key_id", "seq"),
    sa.Index(None, "at"),
)
