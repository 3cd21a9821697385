"""The tables of providers and money: notes all workers share, what was spent, what labels cost."""

from __future__ import annotations

import sqlalchemy as sa

from llmlabel.store.tables import UtcDateTime, metadata

# What is known of a provider, as one short text; rewritten in place.
provider_notes = sa.Table(
    "provider_notes",
    metadata,
    sa.Column("name", sa.String(256), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)

# Money spent or set aside, in nanodollars. `period` is `total`, a month or a day. `refused` is
# what the last call may have cost that did not fit any more; 0 if none was refused.
spending = sa.Table(
    "spending",
    metadata,
    sa.Column("scope", sa.String(128), primary_key=True),
    sa.Column("period", sa.String(16), primary_key=True),
    sa.Column("nano", sa.BigInteger, nullable=False),
    sa.Column("refused", sa.BigInteger, nullable=False),
)

# What the labels of a day cost, by model; the row with an empty model counts each label once.
# `unknown` counts labels a part of whose cost is not known.
label_costs = sa.Table(
    "label_costs",
    metadata,
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("guideline", sa.String(128), primary_key=True),
    sa.Column("model", sa.String(512), primary_key=True),
    sa.Column("labels", sa.BigInteger, nullable=False),
    sa.Column("cached", sa.BigInteger, nullable=False),
    sa.Column("unknown", sa.BigInteger, nullable=False),
    sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
    sa.Column("completion_tokens", sa.BigInteger, nullable=False),
    sa.Column("nano", sa.BigInteger, nullable=False),
)
