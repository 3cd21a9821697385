"""Gold, trainings, certificates, gates; how a review came to be.

Revision: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables and columns; what is stored already was reviewed because it was doubted."""
    op.add_column("labels", sa.Column("certificate", sa.String(length=64), nullable=True))
    op.add_column("labels", sa.Column("audit_rate", sa.Float(), nullable=False, server_default="0"))
    op.add_column(
        "labels", sa.Column("drawn", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_index(op.f("ix_labels_certificate_seq"), "labels", ["certificate", "seq"])
    op.create_index(op.f("ix_labels_opinions_of_seq"), "labels", ["opinions_of", "seq"])
    op.add_column(
        "reviews",
        sa.Column("kind", sa.String(length=16), nullable=False, server_default="doubt"),
    )
    op.add_column(
        "reviews", sa.Column("blind", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("reviews", sa.Column("sampled", sa.Float(), nullable=True))
    op.create_index(op.f("ix_reviews_label_id"), "reviews", ["label_id"])
    op.create_table(
        "gold",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("guideline", sa.String(length=128), nullable=False),
        sa.Column("document_id", sa.String(length=256), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_gold")),
        sa.UniqueConstraint("id", name=op.f("uq_gold_id")),
    )
    op.create_index(
        op.f("ix_gold_guideline_text_sha256_seq"), "gold", ["guideline", "text_sha256", "seq"]
    )
    op.create_table(
        "trainings",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("guideline", sa.String(length=128), nullable=False),
        sa.Column("guideline_sha256", sa.String(length=64), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("payload_sha256", sa.String(length=64), nullable=True),
        sa.Column("payload_bytes", sa.BigInteger(), nullable=True),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_trainings")),
        sa.UniqueConstraint("id", name=op.f("uq_trainings_id")),
    )
    op.create_index(op.f("ix_trainings_guideline_seq"), "trainings", ["guideline", "seq"])
    op.create_table(
        "certificates",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("guideline", sa.String(length=128), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_certificates")),
        sa.UniqueConstraint("id", name=op.f("uq_certificates_id")),
    )
    op.create_index(
        op.f("ix_certificates_guideline_status"), "certificates", ["guideline", "status"]
    )
    op.create_table(
        "gates",
        sa.Column("guideline", sa.String(length=128), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gold_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("after_gold", sa.BigInteger(), nullable=False),
        sa.Column("after_verdict", sa.BigInteger(), nullable=False),
        sa.Column("after_certificate", sa.BigInteger(), nullable=False),
        sa.Column("audit_rate", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("guideline", name=op.f("pk_gates")),
    )
