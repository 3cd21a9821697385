"""A learned version: all that one training found out about a guideline, as one value."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmlabel.confidence.choice_calibrator import ChoiceCalibrator
from llmlabel.confidence.choice_evidence import choice_evidence
from llmlabel.confidence.unit_calibrator import UnitCalibrator
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Outcome, Prediction
from llmlabel.errors import ModelCorrupt
from llmlabel.labelers.ensemble import combine
from llmlabel.labelers.example_pool import ExamplePool
from llmlabel.labelers.spacy_head import Head, head_from_arrays
from llmlabel.labelers.student import Student
from llmlabel.routing import Judged, raw_confidence

FORMAT = 1


@dataclass(frozen=True)
class Learned:
    """What one training learned of one guideline version. Immutable; stored as one blob.

    Attributes:
        guideline: Its `name@version`.
        calibrator: Turns evidence into the probability of being right.
        n: Verified labels that it was fitted on.
        student: Labels first, where it joined.
        head: Corrects the spaCy labeler's units, where it joined.
        pool: Verified examples to show to a language model.
        doubt: With a student, the language model is asked only where the student's own
            probability is below it; None asks it always.
    """

    guideline: str
    calibrator: ChoiceCalibrator | UnitCalibrator
    n: int
    student: Student | None = None
    head: Head | None = None
    pool: ExamplePool | None = None
    doubt: float | None = None

    def to_bytes(self) -> bytes:
        """An npz file: arrays by part, and a JSON header. It holds no Python objects."""
        header = {
            "format": FORMAT,
            "guideline": self.guideline,
            "n": self.n,
            "doubt": self.doubt,
            "calibrator": self.calibrator.to_dict(),
            "kind": "choice" if isinstance(self.calibrator, ChoiceCalibrator) else "units",
        }
        arrays: dict[str, NDArray[Any]] = {"header": np.array(json.dumps(header))}
        for name in ("student", "head", "pool"):
            part = getattr(self, name)
            if part is not None:
                arrays |= {f"{name}.{key}": value for key, value in part.arrays().items()}
        made = io.BytesIO()
        np.savez_compressed(made, allow_pickle=False, **arrays)
        return made.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Learned:
        """The learned version that `to_bytes` wrote.

        Raises:
            ModelCorrupt: It is no such file, or one of a later release.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                arrays = dict(file)
            header = json.loads(str(arrays["header"]))
            if header["format"] != FORMAT:
                raise ValueError(f"it has the format {header['format']}, known is {FORMAT}")
            calibrator = ChoiceCalibrator if header["kind"] == "choice" else UnitCalibrator
            student, head, pool = (_part(arrays, name) for name in ("student", "head", "pool"))
            return cls(
                guideline=header["guideline"],
                calibrator=calibrator.from_dict(header["calibrator"]),
                n=header["n"],
                student=Student.from_arrays(student) if student else None,
                head=head_from_arrays(head) if head else None,
                pool=ExamplePool.from_arrays(pool) if pool else None,
                doubt=header["doubt"],
            )
        except Exception as exc:  # numpy, zip, zlib and JSON each have errors of their own
            raise ModelCorrupt(
                f"What was learned cannot be read ({exc}); train again, or go back to an earlier "
                "version with: llmlabel train rollback GUIDELINE"
            ) from exc


def _part(arrays: Mapping[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    prefix = f"{name}."
    return {key.removeprefix(prefix): arrays[key] for key in arrays if key.startswith(prefix)}


class LearnedJudge:
    """Judges with a learned version's calibrator.

    Args:
        learned: The version.
        id: Of the training that made it; confidences name it.
    """

    def __init__(self, learned: Learned, id: str) -> None:
        self._learned = learned
        self._id = id

    def judge(
        self,
        documents: Sequence[Document],
        guideline: Guideline,
        opinions: Sequence[Sequence[Prediction]],
    ) -> list[Judged]:
        """One judgement per document; see `Judge.judge`."""
        combined = [
            combine(document, guideline, said)
            for document, said in zip(documents, opinions, strict=True)
        ]
        if isinstance(self._learned.calibrator, ChoiceCalibrator):
            return self._judge_choices(
                self._learned.calibrator, documents, guideline, opinions, combined
            )
        return [self._judge_units(self._learned.calibrator, each) for each in combined]

    def _judge_choices(
        self,
        calibrator: ChoiceCalibrator,
        documents: Sequence[Document],
        guideline: Guideline,
        opinions: Sequence[Sequence[Prediction]],
        combined: Sequence[Prediction],
    ) -> list[Judged]:
        names = guideline.label_names
        said = calibrator.judge(choice_evidence(documents, guideline, opinions))
        judged = []
        for row, made in enumerate(combined):
            if said.answer[row] < 0:
                judged.append(Judged(made, None))
                continue
            answer = names[said.answer[row]]
            ranked = sorted(zip(names, said.probabilities[row], strict=True), key=lambda p: -p[1])
            chosen = made.model_copy(
                update={
                    "answer": ChoiceAnswer(label=answer),
                    "probability": float(min(1.0, ranked[0][1])),
                    "scores": {name: float(share) for name, share in ranked if share > 0},
                }
            )
            confidence = Confidence(
                value=float(said.confidence[row]),
                method=f"logistic({said.heads[row]})",
                calibrated=bool(said.calibrated[row]),
                calibrator=self._id,
                n=self._learned.n,
            )
            judged.append(Judged(chosen, confidence))
        return judged

    def _judge_units(self, calibrator: UnitCalibrator, combined: Prediction) -> Judged:
        if combined.outcome is not Outcome.ANSWERED:
            return Judged(combined, raw_confidence(combined))
        confidence = Confidence(
            value=calibrator.confidence(combined),
            method="units",
            calibrated=True,
            calibrator=self._id,
            n=self._learned.n,
        )
        return Judged(combined, confidence)
