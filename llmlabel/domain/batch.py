"""A batch: a file of documents to label, how far it is, and what was wrong with its lines."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from llmlabel.domain.base import Value

BatchFormat = Literal["jsonl", "csv", "parquet"]

BatchStatus = Literal[
    "uploading", "reading", "labeling", "paused", "stopped", "done", "cancelled", "failed"
]
"""`uploading`: its file is not here yet; `reading`: lines are being accepted; `labeling`: all are,
labels are to come; `paused`: by a person; `stopped`: its budget is used up; `failed`: the file as a
whole cannot be read."""

ENDED: tuple[BatchStatus, ...] = ("done", "cancelled", "failed")

Column = Annotated[str, Field(min_length=1, max_length=256)]


class Columns(Value):
    """Which fields of a JSON line, or columns of a table, hold what."""

    text: Column = "text"
    id: Column = Field(default="id", description="It may be absent: ids are then made of texts.")
    language: Column = Field(default="language", description="It may be absent.")
    metadata: tuple[Column, ...] | None = Field(
        default=None,
        max_length=200,
        description="Those kept as metadata; null: all others. A field `metadata` that holds an "
        "object is kept as it is.",
    )


class Batch(Value):
    """A batch as it is stored."""

    id: str
    status: BatchStatus
    guidelines: tuple[str, ...] = Field(description="Each as name@version.")
    format: BatchFormat
    columns: Columns = Columns()
    delimiter: str | None = Field(default=None, description="Of a CSV file; null: by its header.")
    metadata: dict[str, JsonValue] = Field(default_factory=dict, description="Of the client's.")
    budget_usd: float | None = Field(
        default=None, description="What may be spent on it; null: no limit of its own."
    )
    bytes: int | None = Field(default=None, description="Of the file, once it is here whole.")
    lines: int | None = Field(default=None, description="Of the file, once they were counted.")
    lines_read: int = 0
    accepted: int = Field(default=0, description="Lines that are documents now.")
    refused: int = Field(default=0, description="Lines with an error.")
    code: str | None = Field(default=None, description="Of what stopped it, if anything did.")
    problem: str | None = Field(default=None, description="What stopped it, and the remedy.")
    created_at: datetime
    started_at: datetime | None = Field(default=None, description="When its first line was read.")
    ended_at: datetime | None = None

    @property
    def scope(self) -> str:
        """Whose money is counted, as `llmlabel.llm.budget.Ledger` knows it."""
        return f"batch:{self.id}"

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come."""
        return self.status in ENDED


class Progress(Value):
    """How far the labels of a batch are. A label is of one line under one guideline."""

    labels: int = Field(description="Asked for so far: accepted lines times guidelines.")
    labeled: int
    waiting: int = Field(description="Queued or under way.")
    failed: int
    held: int = Field(description="They wait for money: raise the budget of the batch.")
    cancelled: int
    in_review: int = Field(description="Of those labeled: a person has to decide.")
    spent_usd: float = Field(description="On models of providers; set aside for calls under way.")
    expected_end: datetime | None = Field(
        default=None, description="At the pace so far; null while there is none to go by."
    )


class LineError(Value):
    """A line that was not accepted; the others were."""

    line: int = Field(description="From 1; in a CSV file the first line of the record.")
    field: str | None
    code: str
    detail: str = Field(description="What is wrong and what to do.")
