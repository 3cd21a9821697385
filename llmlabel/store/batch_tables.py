"""The tables of batches: what was asked for, which line is which document, which was refused."""

from __future__ import annotations

import sqlalchemy as sa

from llmlabel.store.tables import Serial, UtcDateTime, metadata

# `lines_read` is the place in the file: it moves in the transaction that accepts what lies before
# it. Whoever reads the file holds the lease; `lease_until` is in seconds since 1970 by the one
# clock of all hosts. `pace_at` and `pace_settled`: since when the pace is measured, and how many
# labels were settled by then.
batches = sa.Table(
    "batches",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("guidelines", sa.Text, nullable=False),
    sa.Column("format", sa.String(16), nullable=False),
    sa.Column("mapping", sa.Text, nullable=False),
    sa.Column("delimiter", sa.String(1)),
    sa.Column("metadata", sa.Text, nullable=False),
    sa.Column("budget_nano", sa.BigInteger),
    sa.Column("bytes", sa.BigInteger),
    sa.Column("lines", sa.BigInteger),
    sa.Column("lines_read", sa.BigInteger, nullable=False),
    sa.Column("accepted", sa.BigInteger, nullable=False),
    sa.Column("refused", sa.BigInteger, nullable=False),
    sa.Column("read_all", sa.Boolean, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("problem", sa.Text),
    sa.Column("leased_by", sa.String(128)),
    sa.Column("lease_until", sa.Float),
    sa.Column("pace_at", UtcDateTime),
    sa.Column("pace_settled", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Index(None, "status", "seq"),
)

# `batch` is a batch's `seq`. `asked`: this line had its document labeled, so its batch pays.
# `document_id` is no foreign key, because a million lines would pay for it; whoever deletes a
# document deletes these rows too.
batch_lines = sa.Table(
    "batch_lines",
    metadata,
    sa.Column("batch", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("line", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("document_id", sa.String(256), nullable=False),
    sa.Column("asked", sa.Boolean, nullable=False),
    sa.Index(None, "document_id"),
    sqlite_with_rowid=False,
)

# `document_id`: of the document that has the line's id already; the error names it.
batch_errors = sa.Table(
    "batch_errors",
    metadata,
    sa.Column("batch", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("line", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("field", sa.Text),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("document_id", sa.String(256)),
    sa.Index(None, "document_id"),
    sqlite_with_rowid=False,
)
