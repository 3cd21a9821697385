"""What the labelers of a choice said, as arrays: what calibrators and students work on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Outcome, Prediction

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_LOG = -18.0
"""Log-probabilities are not told apart below this one."""

_FROM_SCORES = frozenset({"top_probability", "margin", "entropy", "candidates"})
"""Evidence that the scores say already, in the same words for every labeler."""


@dataclass(frozen=True)
class ChoiceEvidence:
    """The opinions of several labelers on n documents.

    Attributes:
        labels: The labels of the guideline, in its order, shape (labels,).
        logs: By labeler, the log-probability of every label, shape (n, labels). A row of NaN
            is a document that it was not asked about or could not answer; -inf is a label that
            it was not offered, or of which it says nothing.
        extras: Further numbers by name, shape (n,); `llm.agreement` is the language model's
            own, a name without a dot the document's. NaN where unknown.
    """

    labels: tuple[str, ...]
    logs: Mapping[str, Floats]
    extras: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = {len(rows) for rows in (*self.logs.values(), *self.extras.values())}
        if len(sizes) > 1:
            raise ValueError(f"the evidence is on different numbers of documents: {sorted(sizes)}")
        for name, log in self.logs.items():
            if log.ndim != 2 or log.shape[1] != len(self.labels):
                raise ValueError(
                    f"the opinions of {name} have the shape {log.shape}, not (n, "
                    f"{len(self.labels)})"
                )

    def __len__(self) -> int:
        for rows in (*self.logs.values(), *self.extras.values()):
            return len(rows)
        return 0

    @property
    def labelers(self) -> tuple[str, ...]:
        """The labelers by name, the language model last: the order of a pattern."""
        return tuple(sorted(self.logs, key=lambda name: (name == "llm", name)))

    def answered(self, labeler: str) -> Bools:
        """Which documents it answered, shape (n,)."""
        found: Bools = np.isfinite(self.logs[labeler].max(axis=1))
        return found

    def patterns(self) -> list[tuple[str, ...]]:
        """By document, the labelers that answered it; () where none did."""
        names = self.labelers
        if not names:
            return [()] * len(self)
        table = np.stack([self.answered(name) for name in names], axis=1)
        return [tuple(n for n, a in zip(names, row, strict=True) if a) for row in table]

    def rows(self, index: NDArray[np.intp] | Bools) -> ChoiceEvidence:
        """The evidence on some of the documents."""
        return ChoiceEvidence(
            self.labels,
            {name: log[index] for name, log in self.logs.items()},
            {name: values[index] for name, values in self.extras.items()},
        )

    def with_labeler(
        self, labeler: str, logs: Floats, extras: Mapping[str, Floats] | None = None
    ) -> ChoiceEvidence:
        """The evidence with one more labeler, or with another opinion of the same one.

        Args:
            labeler: Its name.
            logs: As in the attribute of that name, shape (n, labels).
            extras: Its further numbers by their own names, without the labeler's.
        """
        base = self.without(labeler)
        more = {f"{labeler}.{name}": values for name, values in (extras or {}).items()}
        return ChoiceEvidence(self.labels, {**base.logs, labeler: logs}, {**base.extras, **more})

    def without(self, labeler: str) -> ChoiceEvidence:
        """The evidence as if that labeler did not exist."""
        return ChoiceEvidence(
            self.labels,
            {name: log for name, log in self.logs.items() if name != labeler},
            {n: v for n, v in self.extras.items() if not n.startswith(f"{labeler}.")},
        )

    def asked_only(self, labeler: str, asked: Bools) -> ChoiceEvidence:
        """The evidence as if that labeler had been asked of some documents only."""

        def blank(values: Floats) -> Floats:
            kept = values.copy()
            kept[~asked] = np.nan
            return kept

        return ChoiceEvidence(
            self.labels,
            {n: blank(log) if n == labeler else log for n, log in self.logs.items()},
            {n: blank(v) if n.startswith(f"{labeler}.") else v for n, v in self.extras.items()},
        )


def choice_evidence(
    documents: Sequence[Document],
    guideline: Guideline,
    opinions: Sequence[Sequence[Prediction]],
) -> ChoiceEvidence:
    """Read the evidence off the labelers' predictions.

    Args:
        documents: Shape (n,).
        guideline: The task, of kind `choice`; scores of labels it does not have are left out.
        opinions: What the labelers said, one sequence per document.

    Raises:
        ValueError: The numbers of documents and of sequences differ.
    """
    if len(documents) != len(opinions):
        raise ValueError(f"{len(documents)} documents and opinions on {len(opinions)}")
    names = guideline.label_names
    place = {name: index for index, name in enumerate(names)}
    n = len(documents)
    logs: dict[str, Floats] = {}
    extras: dict[str, Floats] = {
        "log_length": np.array([math.log1p(len(each.text)) for each in documents])
    }
    for row, said in enumerate(opinions):
        for prediction in said:
            labeler = prediction.source.labeler
            if labeler not in logs:
                logs[labeler] = np.full((n, len(names)), np.nan)
            if prediction.outcome is not Outcome.ANSWERED:
                continue
            log = [-math.inf] * len(names)
            for label, score in _scores(prediction).items():
                if label in place and score > 0:
                    log[place[label]] = max(math.log(score), LEAST_LOG)
            if max(log) == -math.inf:
                continue
            logs[labeler][row] = log
            for key, value in prediction.evidence.items():
                if key not in _FROM_SCORES:
                    extras.setdefault(f"{labeler}.{key}", np.full(n, np.nan))[row] = value
    return ChoiceEvidence(names, logs, extras)


def _scores(prediction: Prediction) -> Mapping[str, float]:
    if prediction.scores:
        return prediction.scores
    assert isinstance(prediction.answer, ChoiceAnswer)
    return {prediction.answer.label: prediction.probability or math.exp(LEAST_LOG)}
