from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.confidence.calibrator import RawCalibrator
from llmlabel.confidence.gate import gate
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.guideline import Policy
from llmlabel.domain.label import Route
from llmlabel.domain.prediction import Outcome, Prediction, Source

SOURCE = Source(labeler="llm", model="m")


def answered(probability: float) -> Prediction:
    return Prediction(
        answer=ChoiceAnswer(label="a"), probability=probability, method="label_path", source=SOURCE
    )


def confidence(value: float) -> Confidence:
    return Confidence(value=value, method="label_path")


@given(st.floats(0, 1), st.floats(0, 1))
def test_an_answer_is_accepted_exactly_when_it_reaches_the_threshold(
    value: float, threshold: float
) -> None:
    route, reason = gate(answered(value), confidence(value), Policy(threshold=threshold))
    assert (route is Route.ACCEPTED) == (value >= threshold)
    assert "threshold" in reason


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.ANSWERED])
def test_no_answer_is_never_accepted_even_with_a_threshold_of_zero(outcome: Outcome) -> None:
    nothing = Prediction(outcome=outcome, source=SOURCE, detail="the server said no")
    route, reason = gate(nothing, None, Policy(threshold=0))
    assert route is Route.REVIEW
    assert reason.startswith("no answer:")
    assert "the server said no" in reason


def test_the_reason_shows_enough_decimals_to_tell_confidence_from_threshold() -> None:
    _, reason = gate(answered(0.7996), confidence(0.7996), Policy(threshold=0.8))
    assert "0.7996" in reason
    assert "0.8000" in reason


def test_without_a_fitted_calibrator_confidence_says_so() -> None:
    stated = RawCalibrator().confidence(answered(0.7), guideline=None)  # type: ignore[arg-type]
    assert (stated.value, stated.method, stated.calibrated) == (0.7, "label_path", False)


def test_a_prediction_without_an_answer_has_no_confidence() -> None:
    nothing = Prediction(outcome=Outcome.REFUSED, source=SOURCE)
    with pytest.raises(ValueError, match="no confidence"):
        RawCalibrator().confidence(nothing, guideline=None)  # type: ignore[arg-type]
