"""Batches as clients send and get them."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from llmlabel.api.document_shapes import Body, Metadata, Refs
from llmlabel.batches.batching import MAX_BUDGET_USD
from llmlabel.domain.batch import Batch, BatchFormat, Column, Columns, Progress

Budget = Annotated[
    float,
    Field(
        ge=0,
        le=MAX_BUDGET_USD,
        strict=True,
        allow_inf_nan=False,
        description="US dollars that may be spent on models of providers for this batch. No call "
        "is made that could pass it: the batch is `stopped` then, and goes on by itself when the "
        "budget is raised.",
    ),
]


class ColumnsIn(Body):
    """Which fields of a JSON line, or columns of a table, hold what."""

    text: Column = "text"
    id: Column = Field(
        default="id", description="It may be absent: an id is then made of the text."
    )
    language: Column = Field(default="language", description="It may be absent.")
    metadata: list[Column] | None = Field(
        default=None,
        max_length=200,
        description="Those kept as metadata; null: all others. The members of an object in a "
        "field `metadata` count as fields.",
    )

    def value(self) -> Columns:
        """As the rest of the service knows it."""
        wanted = None if self.metadata is None else tuple(self.metadata)
        return Columns(text=self.text, id=self.id, language=self.language, metadata=wanted)


class BatchIn(Body):
    """A file of documents that is about to be sent."""

    guidelines: Refs
    format: BatchFormat = Field(
        default="jsonl",
        description="`jsonl`: one object a line. `csv`: the first record names the columns. JSON "
        "lines and CSV may be compressed by gzip or zstd, which is seen by their first bytes.",
    )
    columns: ColumnsIn = ColumnsIn()
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = Field(
        default=None, description="Of a CSV file; null: `,`, `;` or a tab, as the header has it."
    )
    budget_usd: Budget | None = None
    metadata: Metadata = Field(default_factory=dict)


class BatchChangeIn(Body):
    """What changes of a batch."""

    budget_usd: Budget | None = Field(description="Null takes the limit away.")


class BatchOut(BaseModel):
    """A batch.

    `status`: `uploading` until its file is here, `reading` while lines are accepted, `labeling`
    until the last label is there, then `done`; `paused` by you, `stopped` for want of money,
    `cancelled` by you, `failed` where the file as a whole cannot be read. `problem` says why.
    """

    batch: Batch
    urls: dict[str, str] = Field(description="Where to send the file, and to find the rest.")

    @classmethod
    def of(cls, batch: Batch) -> Self:
        """A stored batch as clients get it."""
        return cls(**_shown(batch))


class BatchWithProgress(BatchOut):
    """A batch with how far its labels are."""

    progress: Progress


class BatchPage(BaseModel):
    """Batches, newest first."""

    batches: list[BatchOut]
    next_cursor: str | None = Field(description="Send it as `cursor`; null at the end.")


class FileOut(BaseModel):
    """How much of a batch's file is here."""

    offset: int = Field(description="Bytes that are here; go on with this one.")
    complete: bool = Field(description="All of it is here.")
    max_bytes: int = Field(description="The file may have so many.")


def batch_url(id: str) -> str:
    """Where a batch is found."""
    return f"/v1/batches/{id}"


def _shown(batch: Batch) -> dict[str, Any]:
    url = batch_url(batch.id)
    parts = ("file", "results", "errors")
    urls = {"self": url} | {part: f"{url}/{part}" for part in parts}
    return {"batch": batch, "urls": urls}
