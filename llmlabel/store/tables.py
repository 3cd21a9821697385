"""The tables. History is only added to: predictions, labels, verdicts and events never change."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A moment in UTC; reads back with its time zone on every database."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a time zone; SQLite keeps no zone, so UTC is implied there."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored moment needs a time zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Name the time zone that SQLite does not keep."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


# SQLite numbers rows by itself only in a column that is exactly INTEGER PRIMARY KEY.
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# A recording's bytes lie in a file named by their hash; the database holds the reference.
recordings = sa.Table(
    "recordings",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("media_type", sa.Text),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

# `text` is null only while a recording waits for its transcript.
documents = sa.Table(
    "documents",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(256), nullable=False, unique=True),
    sa.Column("text", sa.Text),
    sa.Column("text_sha256", sa.String(64)),
    sa.Column("language", sa.Text),
    sa.Column("metadata", sa.Text, nullable=False),
    sa.Column("transcript", sa.Text),
    sa.Column("recording_sha256", sa.ForeignKey("recordings.sha256")),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index(None, "text_sha256"),
)

# Work on a recording: one row per document that came as sound.
transcriptions = sa.Table(
    "transcriptions",
    metadata,
    sa.Column("document_id", sa.ForeignKey("documents.id"), primary_key=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error_code", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)

# What was asked for: one row per document and guideline; `run` grows when it is asked again.
requests = sa.Table(
    "requests",
    metadata,
    sa.Column("document_id", sa.ForeignKey("documents.id"), primary_key=True),
    sa.Column("guideline", sa.String(128), primary_key=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error_code", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index(None, "status", "guideline"),
)

# The newest row (highest seq) of a document and guideline is its current label. `payload` is
# the Label without its opinions, which are the rows of `predictions`. A row whose `opinions_of`
# is its own id was made by the pipeline; verdicts and what undoes them point to that row.
labels = sa.Table(
    "labels",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("document_id", sa.ForeignKey("documents.id"), nullable=False),
    sa.Column("guideline", sa.String(128), nullable=False),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("route", sa.String(16), nullable=False),
    sa.Column("confidence", sa.Float),
    sa.Column("verified", sa.Boolean, nullable=False),
    sa.Column("opinions_of", sa.String(40), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("certificate", sa.String(64)),
    sa.Column("audit_rate", sa.Float, nullable=False, server_default="0"),
    sa.Column("drawn", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index(None, "document_id", "guideline", "seq"),
    sa.Index(None, "guideline", "route"),
    sa.Index(None, "certificate", "seq"),
    sa.Index(None, "opinions_of", "seq"),
)

predictions = sa.Table(
    "predictions",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("label_id", sa.ForeignKey("labels.id"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("labeler", sa.Text, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.UniqueConstraint("label_id", "position"),
)

# The fencing `token` grows with every lease. `winner` is the verdict that closed the item.
# `sampled` is the probability with which the document was chosen whatever its confidence; null
# where doubt, or a person, chose it: such verdicts are no random sample. The seats of a panel and
# their adjudication share `panel`; a verdict counts only where `settles` is true. `session` is the
# browser tab of the last lease. `language` is the document's.
reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("label_id", sa.ForeignKey("labels.id"), nullable=False),
    sa.Column("document_id", sa.ForeignKey("documents.id"), nullable=False),
    sa.Column("guideline", sa.String(128), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("priority", sa.Float, nullable=False),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("leased_by", sa.Text),
    sa.Column("lease_expires_at", UtcDateTime),
    sa.Column("winner", sa.BigInteger),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False, server_default="doubt"),
    sa.Column("blind", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("sampled", sa.Float),
    sa.Column("panel", sa.String(40)),
    sa.Column("seat", sa.Integer, nullable=False, server_default="0"),
    sa.Column("settles", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("session", sa.Text),
    sa.Column("language", sa.Text),
    sa.Index(None, "document_id"),
    sa.Index(None, "label_id"),
    sa.Index(None, "panel", "leased_by"),
    sa.Index(None, "leased_by", "status"),
    sa.Index(None, "guideline", "winner"),
    sa.Index(None, "status", "guideline", "seq"),
)

# The order in which items are given out, of all and of one kind; a lease reads it from its start.
_place = (reviews.c.priority.desc(), reviews.c.seq)
sa.Index("ix_reviews_place", reviews.c.status, reviews.c.guideline, *_place)
sa.Index("ix_reviews_kind_place", reviews.c.status, reviews.c.guideline, reviews.c.kind, *_place)

verdicts = sa.Table(
    "verdicts",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("review_id", sa.ForeignKey("reviews.id"), nullable=False),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("answer", sa.Text),
    sa.Column("comment", sa.Text),
    sa.Column("seconds", sa.Float),
    sa.Column("undoes", sa.BigInteger),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("session", sa.Text),
    sa.Index(None, "review_id", "reviewer"),
    sa.Index(None, "reviewer", "seq"),
)

# The answer to a POST is kept so that the same Idempotency-Key gets the same answer.
idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("key", sa.String(256), primary_key=True),
    sa.Column("request_sha256", sa.String(64), nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("headers", sa.Text),
    sa.Column("body", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index(None, "kind", "seq"),
)

# Processes that run jobs; the work of one that stopped beating is taken over by another.
workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("seen_at", UtcDateTime, nullable=False),
)

# Imported gold. The newest row of a guideline and text counts; older ones are its history.
gold = sa.Table(
    "gold",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("guideline", sa.String(128), nullable=False),
    sa.Column("document_id", sa.String(256), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("text_sha256", sa.String(64), nullable=False),
    sa.Column("language", sa.Text),
    sa.Column("answer", sa.Text),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index(None, "guideline", "text_sha256", "seq"),
)

# Runs that learn. `payload` is what was learned; at most one row of a guideline and hash is
# active. `beat_at` is the last sign of life of a running one.
trainings = sa.Table(
    "trainings",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("guideline", sa.String(128), nullable=False),
    sa.Column("guideline_sha256", sa.String(64), nullable=False),
    sa.Column("started_by", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("beat_at", UtcDateTime, nullable=False),
    sa.Column("payload", sa.LargeBinary),
    sa.Column("payload_sha256", sa.String(64)),
    sa.Column("payload_bytes", sa.BigInteger),
    sa.Column("report", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Index(None, "guideline", "seq"),
)

certificates = sa.Table(
    "certificates",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("guideline", sa.String(128), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Index(None, "guideline", "status"),
)

# One row per guideline whose gate was ever touched. The `after_` columns are the row numbers
# that `gold_since` stands for: a clock that is set back cannot bring old gold back, nor hide
# new gold.
gates = sa.Table(
    "gates",
    metadata,
    sa.Column("guideline", sa.String(128), primary_key=True),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("gold_since", UtcDateTime),
    sa.Column("after_gold", sa.BigInteger, nullable=False),
    sa.Column("after_verdict", sa.BigInteger, nullable=False),
    sa.Column("after_certificate", sa.BigInteger, nullable=False),
    sa.Column("audit_rate", sa.Float),
)

# What reviewers remark on a guideline. The review may be a benchmark.
flags = sa.Table(
    "flags",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("review_id", sa.String(40), nullable=False),
    sa.Column("document_id", sa.String(256), nullable=False),
    sa.Column("guideline", sa.String(128), nullable=False),
    sa.Column("clause", sa.Text),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("resolved_at", UtcDateTime),
    sa.Column("resolved_by", sa.Text),
    sa.Column("resolution", sa.Text),
    sa.Index(None, "guideline", "seq"),
)

# What a reviewer may review; `guidelines` is a JSON list of names, null for all. Who has no row
# may review everything.
reviewers = sa.Table(
    "reviewers",
    metadata,
    sa.Column("name", sa.String(256), primary_key=True),
    sa.Column("guidelines", sa.Text),
    sa.Column("adjudicates", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)

# Hidden items whose right answer (`truth`) is known: one row per gold and reviewer who got it.
benchmarks = sa.Table(
    "benchmarks",
    metadata,
    sa.Column("seq", Serial, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("gold_id", sa.String(40), nullable=False),
    sa.Column("guideline", sa.String(128), nullable=False),
    sa.Column("document_id", sa.String(256), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("text_sha256", sa.String(64), nullable=False),
    sa.Column("language", sa.Text),
    sa.Column("truth", sa.Text),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("session", sa.Text),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("lease_expires_at", UtcDateTime),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(16)),
    sa.Column("answer", sa.Text),
    sa.Column("comment", sa.Text),
    sa.Column("seconds", sa.Float),
    sa.Column("loss", sa.Float),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("decided_at", UtcDateTime),
    sa.UniqueConstraint("gold_id", "reviewer"),
    sa.Index(None, "reviewer", "status"),
    sa.Index(None, "guideline", "reviewer"),
)
