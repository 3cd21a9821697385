"""Panels of reviewers, sessions, flags, clearances, benchmarks; the order of the queue.

Revision: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PLACE: tuple[str | sa.TextClause, ...] = ("status", "guideline", sa.text("priority DESC"), "seq")
KIND_PLACE = (*PLACE[:2], "kind", *PLACE[2:])


def upgrade() -> None:
    """Add the tables and columns; every review that is stored already has one reviewer."""
    _extend_reviews()
    op.add_column("verdicts", sa.Column("session", sa.Text(), nullable=True))
    _create_flags()
    op.create_table(
        "reviewers",
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("guidelines", sa.Text(), nullable=True),
        sa.Column("adjudicates", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_reviewers")),
    )
    _create_benchmarks()
    op.create_index(op.f("ix_documents_text_sha256"), "documents", ["text_sha256"])


def _extend_reviews() -> None:
    op.add_column("reviews", sa.Column("panel", sa.String(length=40), nullable=True))
    op.add_column("reviews", sa.Column("seat", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(
        "reviews", sa.Column("settles", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column("reviews", sa.Column("session", sa.Text(), nullable=True))
    op.add_column("reviews", sa.Column("language", sa.Text(), nullable=True))
    op.execute(
        "UPDATE reviews SET language = "
        "(SELECT documents.language FROM documents WHERE documents.id = reviews.document_id)"
    )
    op.drop_index(op.f("ix_reviews_status_guideline_priority_seq"), "reviews")
    op.create_index("ix_reviews_place", "reviews", PLACE)
    op.create_index("ix_reviews_kind_place", "reviews", KIND_PLACE)
    for columns in (
        ["panel", "leased_by"],
        ["leased_by", "status"],
        ["guideline", "winner"],
        ["status", "guideline", "seq"],
    ):
        op.create_index(op.f(f"ix_reviews_{'_'.join(columns)}"), "reviews", columns)


def _create_flags() -> None:
    op.create_table(
        "flags",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("review_id", sa.String(length=40), nullable=False),
        sa.Column("document_id", sa.String(length=256), nullable=False),
        sa.Column("guideline", sa.String(length=128), nullable=False),
        sa.Column("clause", sa.Text(), nullable=True),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_flags")),
        sa.UniqueConstraint("id", name=op.f("uq_flags_id")),
    )
    op.create_index(op.f("ix_flags_guideline_seq"), "flags", ["guideline", "seq"])


def _create_benchmarks() -> None:
    op.create_table(
        "benchmarks",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("gold_id", sa.String(length=40), nullable=False),
        sa.Column("guideline", sa.String(length=128), nullable=False),
        sa.Column("document_id", sa.String(length=256), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("truth", sa.Text(), nullable=True),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=True),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("loss", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_benchmarks")),
        sa.UniqueConstraint("id", name=op.f("uq_benchmarks_id")),
        sa.UniqueConstraint("gold_id", "reviewer", name=op.f("uq_benchmarks_gold_id_reviewer")),
    )
    op.create_index(op.f("ix_benchmarks_reviewer_status"), "benchmarks", ["reviewer", "status"])
    op.create_index(
        op.f("ix_benchmarks_guideline_reviewer"), "benchmarks", ["guideline", "reviewer"]
    )
