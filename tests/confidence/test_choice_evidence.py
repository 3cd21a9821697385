"""What labelers said becomes arrays; who did not answer and what was not offered stay apart."""

from __future__ import annotations

import numpy as np
import pytest

from llmlabel.confidence.choice_evidence import ChoiceEvidence, choice_evidence
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Outcome, Prediction, Source
from llmlabel.guidelines import from_labels


@pytest.fixture
def guideline() -> Guideline:
    return from_labels("weather", "choice", ["sun", "rain", "snow"])


def said(labeler: str, scores: dict[str, float], **evidence: float) -> Prediction:
    best = max(scores, key=lambda label: scores[label])
    return Prediction(
        answer=ChoiceAnswer(label=best),
        probability=scores[best],
        scores=scores,
        evidence=evidence,
        source=Source(labeler=labeler, model="made"),
    )


def documents(n: int) -> list[Document]:
    return [Document.of_text(f"text {i}", id=f"d{i}") for i in range(n)]


def test_a_label_that_was_not_offered_is_not_one_that_was_not_asked(guideline: Guideline) -> None:
    failed = Prediction(
        outcome=Outcome.UNREACHABLE, source=Source(labeler="llm", model="made"), detail="down"
    )
    evidence = choice_evidence(
        documents(3),
        guideline,
        [[said("llm", {"rain": 0.8, "sun": 0.2})], [failed], [said("student", {"snow": 1.0})]],
    )
    assert evidence.patterns() == [("llm",), (), ("student",)]
    assert np.exp(evidence.logs["llm"][0]) == pytest.approx([0.2, 0.8, 0.0])
    assert np.isneginf(evidence.logs["llm"][0, 2])
    assert np.isnan(evidence.logs["llm"][1]).all()


def test_a_labelers_own_evidence_keeps_its_name(guideline: Guideline) -> None:
    evidence = choice_evidence(
        documents(2),
        guideline,
        [[said("llm", {"sun": 1.0}, agreement=1.0, margin=0.3)], [said("llm", {"sun": 1.0})]],
    )
    assert evidence.extras["llm.agreement"][0] == 1.0
    assert np.isnan(evidence.extras["llm.agreement"][1])
    assert "llm.margin" not in evidence.extras
    assert evidence.extras["log_length"] == pytest.approx(np.log1p([6, 6]))


def test_scores_of_labels_that_the_guideline_does_not_have_are_left_out(
    guideline: Guideline,
) -> None:
    evidence = choice_evidence(
        documents(2), guideline, [[said("llm", {"fog": 1.0})], [said("llm", {"rain": 1.0})]]
    )
    assert evidence.patterns() == [(), ("llm",)]


def test_a_labeler_comes_and_goes_with_its_evidence() -> None:
    base = ChoiceEvidence(("a", "b"), {"llm": np.zeros((2, 2))}, {"llm.agreement": np.ones(2)})
    both = base.with_labeler("student", np.zeros((2, 2)), {"nearest_similarity": np.ones(2)})
    assert both.labelers == ("student", "llm")
    assert set(both.extras) == {"llm.agreement", "student.nearest_similarity"}
    assert both.without("student").extras.keys() == base.extras.keys()
    masked = both.asked_only("llm", np.array([True, False]))
    assert masked.patterns() == [("student", "llm"), ("student",)]
    assert np.isnan(masked.extras["llm.agreement"]).tolist() == [False, True]


def test_evidence_on_different_numbers_of_documents_is_refused() -> None:
    with pytest.raises(ValueError, match="different numbers"):
        ChoiceEvidence(("a", "b"), {"llm": np.zeros((2, 2))}, {"log_length": np.zeros(3)})
    with pytest.raises(ValueError, match="shape"):
        ChoiceEvidence(("a", "b"), {"llm": np.zeros((2, 3))})
