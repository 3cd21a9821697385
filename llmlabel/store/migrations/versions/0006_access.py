"""API keys, browser sessions, and the log of who did what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; without a key the service stays as it was."""
    moment = sa.DateTime(timezone=True)
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "access_keys",
        sa.Column("seq", serial, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("requests_per_minute", sa.Integer(), nullable=True),
        sa.Column("documents_per_minute", sa.Integer(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("revoked_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_access_keys")),
        sa.UniqueConstraint("id", name=op.f("uq_access_keys_id")),
    )
    op.create_table(
        "access_sessions",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_access_sessions")),
    )
    for column in ("key_id", "expires_at"):
        op.create_index(op.f(f"ix_access_sessions_{column}"), "access_sessions", [column])
    op.create_table(
        "access_log",
        sa.Column("seq", serial, autoincrement=True, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_access_log")),
    )
    op.create_index(op.f("ix_access_log_project_seq"), "access_log", ["project", "seq"])
    op.create_index(op.f("ix_access_log_key_id_seq"), "access_log", ["key_id", "seq"])
    op.create_index(op.f("ix_access_log_at"), "access_log", ["at"])
