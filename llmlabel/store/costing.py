"""What labels cost, counted in the transaction that saves them: by day, guideline and model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC
from typing import Any

import sqlalchemy as sa

from llmlabel.domain.label import Label
from llmlabel.domain.prediction import Source
from llmlabel.llm.prices import nano
from llmlabel.store.database import Database
from llmlabel.store.provider_tables import label_costs

COUNTERS = ("labels", "cached", "unknown", "prompt_tokens", "completion_tokens", "nano")


def count_costs(database: Database, connection: sa.Connection, added: Sequence[Label]) -> None:
    """Add what new labels cost to the counters, within the transaction that saves them."""
    sums: dict[tuple[str, str, str], dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(COUNTERS, 0)
    )
    for label in added:
        day = label.created_at.astimezone(UTC).date().isoformat()
        sources = [opinion.source for opinion in label.opinions]
        _count(sums[day, label.guideline, ""], sources)
        # What failed before a model was asked names none, and counts in the row of all alone.
        for model in {source.model for source in sources if source.model}:
            _count(sums[day, label.guideline, model], [s for s in sources if s.model == model])
    # In one order, so that two workers never wait for each other.
    rows: list[dict[str, Any]] = [
        {"day": day, "guideline": guideline, "model": model, **sums[day, guideline, model]}
        for day, guideline, model in sorted(sums)
    ]
    database.add_up(connection, label_costs, rows, COUNTERS)


def _count(sums: dict[str, int], sources: Sequence[Source]) -> None:
    sums["labels"] += 1
    sums["cached"] += any(source.cached for source in sources)
    sums["unknown"] += any(source.cost_usd is None for source in sources)
    for source in sources:
        sums["prompt_tokens"] += 0 if source.cached else source.prompt_tokens
        sums["completion_tokens"] += 0 if source.cached else source.completion_tokens
        sums["nano"] += nano(source.cost_usd or 0.0)
