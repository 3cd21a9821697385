"""A versioned definition of one labeling task."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from llmlabel.domain.answer import Kind, Span
from llmlabel.domain.base import Value
from llmlabel.domain.privacy import Privacy
from llmlabel.domain.promise import Loss, Promise

NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,63}$"
VERSION_PATTERN = r"^\d+\.\d+\.\d+$"


TrimRule = Literal["determiners", "possessives", "titles", "addresses"]
TRIM_RULES: tuple[TrimRule, ...] = ("determiners", "possessives", "titles", "addresses")
"""What no span holds unless its guideline says otherwise: a leading determiner (`the`), a
trailing possessive (`'s`), the title before a person's name; and web and e-mail addresses."""


class LabelDefinition(Value):
    """A label and what it means in one line."""

    name: str
    definition: str
    spacy: tuple[str, ...] = Field(default=(), description="spaCy labels that map to this one.")


class Clause(Value):
    """A numbered rule for an edge case, e.g. SENT-4."""

    id: str
    text: str


class Example(Value):
    """A worked example; those of a guideline may be shown to a model."""

    id: str
    text: str
    label: str | None = None
    spans: tuple[Span, ...] | None = None
    clause: str | None = None


class LabelerStep(Value):
    """One labeler of the cascade and when it is asked.

    `always`: of every document. `doubtful`: only where the answer so far has a probability
    below `doubt`.
    """

    name: Literal["llm", "spacy", "whisper", "student"]
    when: Literal["always", "doubtful"] = "always"
    doubt: float = Field(default=0.9, ge=0, le=1)
    model: str | None = Field(default=None, description="Overrides the setting for this task.")
    fallbacks: tuple[str, ...] | None = Field(
        default=None,
        description="Language models asked in this order where the one before cannot be reached; "
        "overrides the setting for this task.",
    )


class Panel(Value):
    """Several reviewers who decide the same item, none of whom sees what another said.

    Where they disagree, an adjudicator decides with all their answers in sight.
    """

    share: float = Field(gt=0, le=1, description="Of the reviewed documents, chosen at random.")
    reviewers: int = Field(default=2, ge=2, le=5, description="How many decide each of them.")
    settle: Literal["unanimous", "majority"] = Field(
        default="unanimous", description="When no adjudicator is needed."
    )


class Policy(Value):
    """How a confidence becomes a route."""

    threshold: float = Field(ge=0, le=1, description="Answers at or above it are accepted.")
    promise: Promise | None = Field(
        default=None, description="What is promised of the labels; a certificate must prove it."
    )
    loss: Loss = Field(
        default="exact",
        description="exact: the whole answer is right or wrong; units: the share that is wrong.",
    )
    audit: float = Field(
        default=0.05, ge=0, le=1, description="Share of accepted answers that people check blind."
    )
    order: Literal["uncertainty", "diverse", "fifo"] = Field(
        default="uncertainty", description="Which doubtful document is reviewed first."
    )
    panel: Panel | None = Field(
        default=None, description="Which share of the reviewed documents several people decide."
    )
    benchmarks: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="Share of what reviewers get whose right answer is known: it measures them.",
    )
    verified_examples: int = Field(
        default=0,
        ge=0,
        description="Verified labels nearest to the text that are shown to a model as well.",
    )
    example_tokens: int = Field(
        default=600, ge=0, description="Room, in tokens, for those verified labels."
    )
    batch_calibration: bool = Field(
        default=False, description="Subtract the mean log-probability per label over the batch."
    )
    max_examples: int = Field(default=32, ge=0, description="Examples shown to a model at most.")
    privacy: Privacy = Field(
        default="open",
        description="What a provider's model may see: everything (`open`), texts in which persons, "
        "contacts and numbers are masked (`redact`), or nothing (`local_only`).",
    )
    shortlist: int = Field(
        default=20, ge=2, description="More labels than this are first shortlisted by embedding."
    )


class Guideline(Value):
    """A task as people and models read it: labels, clauses, examples, policy."""

    name: str = Field(pattern=NAME_PATTERN)
    version: str = Field(pattern=VERSION_PATTERN)
    kind: Kind
    title: str
    question: str = Field(description="The one question an annotator answers.")
    labels: tuple[LabelDefinition, ...] = ()
    labelers: tuple[LabelerStep, ...]
    prompt: str | None = Field(default=None, description="prompt@version for the LLM labeler.")
    policy: Policy
    spacy_ignored: tuple[str, ...] = Field(
        default=(), description="spaCy labels that this task leaves out on purpose."
    )
    trim: tuple[TrimRule, ...] = Field(
        default=TRIM_RULES, description="What is cut off the spans of a labeler."
    )
    clauses: tuple[Clause, ...] = ()
    examples: tuple[Example, ...] = ()
    body: str = Field(default="", description="The Markdown an annotator reads.")
    sha256: str = Field(description="Of the file's bytes.")

    @property
    def ref(self) -> str:
        """`name@version`, as clients write it."""
        return f"{self.name}@{self.version}"

    @property
    def label_names(self) -> tuple[str, ...]:
        """The allowed labels in the order of the file."""
        return tuple(label.name for label in self.labels)
