"""Guidelines as clients get them."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from llmlabel.domain.answer import Kind
from llmlabel.domain.guideline import Clause, Guideline, LabelDefinition


class GuidelineSummary(BaseModel):
    """A task in short."""

    ref: str = Field(description="`name@version`")
    name: str
    version: str
    kind: Kind
    title: str
    question: str = Field(description="The one question an annotator answers.")
    labels: list[str]
    threshold: float = Field(description="Answers at or above it are accepted.")
    sha256: str

    @classmethod
    def of(cls, guideline: Guideline) -> Self:
        """A guideline as clients get it."""
        return cls(
            ref=guideline.ref,
            name=guideline.name,
            version=guideline.version,
            kind=guideline.kind,
            title=guideline.title,
            question=guideline.question,
            labels=list(guideline.label_names),
            threshold=guideline.policy.threshold,
            sha256=guideline.sha256,
        )


class GuidelinesOut(BaseModel):
    """All tasks; `broken` names what keeps a file from being read."""

    guidelines: list[GuidelineSummary]
    broken: list[str]


class GuidelineForReview(BaseModel):
    """A task as a reviewer needs it."""

    ref: str
    kind: Kind
    title: str
    question: str
    labels: list[LabelDefinition]
    clauses: list[Clause] = Field(description="Numbered rules for the hard cases.")
    body: str = Field(description="The Markdown an annotator reads.")

    @classmethod
    def of(cls, guideline: Guideline) -> Self:
        """A guideline as reviewers get it."""
        return cls(
            ref=guideline.ref,
            kind=guideline.kind,
            title=guideline.title,
            question=guideline.question,
            labels=list(guideline.labels),
            clauses=list(guideline.clauses),
            body=guideline.body,
        )
