"""What labels cost, by guideline, model or day."""

from __future__ import annotations

from datetime import date
from typing import Literal

import sqlalchemy as sa
from pydantic import Field

from llmlabel.domain.base import Value
from llmlabel.llm.prices import NANO
from llmlabel.store.costing import COUNTERS
from llmlabel.store.database import Database
from llmlabel.store.labels import matches
from llmlabel.store.provider_tables import label_costs

By = Literal["guideline", "model", "day"]


class LabelCost(Value):
    """What some labels cost.

    A label's cost is that of the model calls behind its opinions; a reply from the cache costs
    nothing. A label of several models counts under each of them.
    """

    key: str = Field(description="The guideline, the model or the day; empty for the sum.")
    labels: int
    cached: int = Field(description="Labels with a reply that came from the cache.")
    unknown: int = Field(description="Labels of which not every price is known.")
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float = Field(description="As far as prices are known.")

    @property
    def per_label_usd(self) -> float | None:
        """Mean over all labels, cached ones included; None where not every price is known."""
        return None if self.unknown or not self.labels else self.cost_usd / self.labels


class Costs:
    """The costs of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(
        self,
        by: By,
        *,
        guideline: str | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> list[LabelCost]:
        """The costs, dearest first; days in their order.

        Args:
            by: What to sum by.
            guideline: Only of this one: a name or a `name@version`.
            since: First day (UTC).
            until: Last day (UTC).
        """
        table = label_costs.c
        key = {"guideline": table.guideline, "model": table.model, "day": table.day}[by]
        whole = table.model != "" if by == "model" else table.model == ""
        found = self._sums(key, whole, guideline, since, until)
        if by == "day":
            return sorted(found, key=lambda cost: cost.key)
        return sorted(found, key=lambda cost: (-cost.cost_usd, cost.key))

    def total(
        self,
        *,
        guideline: str | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> LabelCost:
        """The sum; see `read`."""
        empty = sa.literal("")
        found = self._sums(empty, label_costs.c.model == "", guideline, since, until)
        none = dict.fromkeys(("labels", "cached", "unknown", "prompt_tokens"), 0)
        return found[0] if found else LabelCost(key="", completion_tokens=0, cost_usd=0.0, **none)

    def _sums(
        self,
        key: sa.ColumnElement[str],
        where: sa.ColumnElement[bool],
        guideline: str | None,
        since: date | None,
        until: date | None,
    ) -> list[LabelCost]:
        sums = [sa.func.sum(label_costs.c[name]).label(name) for name in COUNTERS]
        query = sa.select(key.label("key"), *sums).where(where).group_by(sa.literal_column("1"))
        if guideline is not None:
            query = query.where(matches(label_costs.c.guideline, guideline))
        if since is not None:
            query = query.where(label_costs.c.day >= since.isoformat())
        if until is not None:
            query = query.where(label_costs.c.day <= until.isoformat())
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            LabelCost(
                key=row["key"],
                cost_usd=int(row["nano"]) / NANO,
                **{name: int(row[name]) for name in COUNTERS if name != "nano"},
            )
            for row in rows
        ]
