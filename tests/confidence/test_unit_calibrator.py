"""How probable it is that a whole answer of spans or words is right."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmlabel.confidence.reliability import auroc
from llmlabel.confidence.unit_calibrator import UnitCalibrator, fit_unit_calibrator
from llmlabel.confidence.unit_evidence import unit_evidence
from llmlabel.domain.answer import Span, SpansAnswer, TranscriptAnswer
from llmlabel.domain.prediction import Outcome, Prediction, Source, Unit
from llmlabel.errors import InvalidInput

SOURCE = Source(labeler="spacy", model="m")


def spans(chances: list[float], *, told: float | None = None, outside: float = 1.0) -> Prediction:
    units = tuple(
        Unit(start=3 * i, end=3 * i + 2, label="A", probability=p, by=("spacy",))
        for i, p in enumerate(chances)
    )
    return Prediction(
        answer=SpansAnswer(spans=tuple(Span(start=u.start, end=u.end, label="A") for u in units)),
        probability=math.prod(chances) if told is None else told,
        method="entity_transitions",
        evidence={"min_outside": outside},
        units=units,
        source=SOURCE,
    )


def sample(n: int, seed: int = 0) -> tuple[list[Prediction], np.ndarray]:
    """Answers whose units are right as often as they say, but which may miss a span."""
    draws = np.random.default_rng(seed)
    made, right = [], []
    for _ in range(n):
        chances = draws.uniform(0.5, 1.0, draws.integers(0, 4)).tolist()
        outside = float(draws.uniform(0.3, 1.0))
        made.append(spans(chances, outside=outside))
        right.append(float(draws.uniform() < math.prod(chances) * outside))
    return made, np.array(right)


def test_the_confidence_uses_evidence_that_the_raw_probability_leaves_out() -> None:
    made, right = sample(600)
    fit = fit_unit_calibrator(made, right)
    raw = np.array([each.probability for each in made])
    assert fit.calibrator.method == "logistic"
    assert auroc(fit.confidence, right > 0) > auroc(raw, right > 0) + 0.02
    assert fit.scores["ece"] is not None
    assert fit.scores["ece"] < 0.08


def test_below_two_hundred_answers_the_raw_probability_is_rescaled() -> None:
    made, right = sample(100)
    fit = fit_unit_calibrator(made, right)
    assert fit.calibrator.method == "platt"
    assert fit.calibrator.names == ("raw",)
    assert abs(float(fit.confidence.mean()) - float(right.mean())) < 0.1


def test_a_calibrator_survives_json() -> None:
    made, right = sample(250)
    calibrator = fit_unit_calibrator(made, right).calibrator
    again = UnitCalibrator.from_dict(json.loads(json.dumps(calibrator.to_dict())))
    assert [again.confidence(p) for p in made] == [calibrator.confidence(p) for p in made]


def test_too_few_answers_are_refused_with_the_number_needed() -> None:
    made, right = sample(9)
    with pytest.raises(InvalidInput, match="at least 10"):
        fit_unit_calibrator(made, right)


@pytest.mark.parametrize("outcome", [0.0, 1.0])
@pytest.mark.parametrize("n", [10, 60, 300])
def test_answers_all_right_or_all_wrong_give_no_certainty(outcome: float, n: int) -> None:
    made, _ = sample(n)
    fit = fit_unit_calibrator(made, np.full(n, outcome))
    said = np.array([fit.calibrator.confidence(each) for each in made])
    assert ((said > 0) & (said < 1)).all()
    assert fit.scores["auroc"] is None
    assert abs(float(said.mean()) - outcome) < 0.35


def test_shares_are_estimated_where_units_count() -> None:
    made, _ = sample(400)
    share = np.array([float(each.probability or 0) ** 0.5 for each in made])
    fit = fit_unit_calibrator(made, share)
    assert float(np.abs(fit.confidence - share).mean()) < 0.1


def test_equal_texts_share_a_fold() -> None:
    made, right = sample(60)
    twice = fit_unit_calibrator(
        [*made, *made], np.concatenate([right, right]), texts=[str(i) for i in range(60)] * 2
    )
    assert np.allclose(twice.confidence[:60], twice.confidence[60:])


def test_an_answer_that_stands_for_many_counts_as_often() -> None:
    made, right = sample(100)
    weight = np.where(right > 0, 9.0, 1.0)
    plain = fit_unit_calibrator(made, right).confidence.mean()
    assert fit_unit_calibrator(made, right, weight=weight).confidence.mean() > plain + 0.1


def test_a_transcript_is_as_sure_as_its_words() -> None:
    draws = np.random.default_rng(3)
    made, right = [], []
    for _ in range(300):
        lowest = float(draws.uniform(0.1, 1.0))
        made.append(
            Prediction(
                answer=TranscriptAnswer(text="a b"),
                probability=0.5,
                evidence={"word_probability_min": lowest, "words": 2.0},
                source=SOURCE,
            )
        )
        right.append(float(draws.uniform() < lowest))
    fit = fit_unit_calibrator(made, np.array(right))
    assert auroc(fit.confidence, np.array(right) > 0) > 0.7


def test_a_prediction_without_an_answer_has_no_evidence() -> None:
    silent = Prediction(outcome=Outcome.UNREACHABLE, source=SOURCE)
    with pytest.raises(ValueError, match="without an answer"):
        unit_evidence(silent)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0, 1), max_size=6),
    st.floats(0, 1),
    st.dictionaries(
        st.sampled_from(["missed", "min_outside", "disputed", "log_outside", "failed"]),
        st.floats(-50, 50),
    ),
)
def test_whatever_a_labeler_says_the_confidence_is_a_probability(
    chances: list[float], told: float, evidence: dict[str, float]
) -> None:
    calibrator = fit_unit_calibrator(*sample(220)).calibrator
    odd = {k: abs(v) if k in ("disputed", "failed") else v for k, v in evidence.items()}
    prediction = spans(chances, told=told).model_copy(update={"evidence": odd})
    assert 0 <= calibrator.confidence(prediction) <= 1
