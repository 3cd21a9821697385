from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.confidence.gate import Bar, gate
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.confidence import Confidence
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
    route, reason = gate(answered(value), confidence(value), Bar(threshold=threshold))
    assert (route is Route.ACCEPTED) == (value >= threshold)
    assert "threshold" in reason


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.ANSWERED])
def test_no_answer_is_never_accepted_even_with_a_threshold_of_zero(outcome: Outcome) -> None:
    nothing = Prediction(outcome=outcome, source=SOURCE, detail="the server said no")
    route, reason = gate(nothing, None, Bar(threshold=0))
    assert route is Route.REVIEW
    assert reason.startswith("no answer:")
    assert "the server said no" in reason


def test_the_reason_shows_enough_decimals_to_tell_confidence_from_threshold() -> None:
    _, reason = gate(answered(0.7996), confidence(0.7996), Bar(threshold=0.8))
    assert "0.7996" in reason
    assert "0.8000" in reason


def test_a_closed_gate_accepts_nothing_and_says_why() -> None:
    shut = Bar(threshold=None, blocked="The gate is closed: an audit found too many errors.")
    assert gate(answered(1.0), confidence(1.0), shut) == (Route.REVIEW, shut.blocked)


def test_a_certified_threshold_is_called_so() -> None:
    _, reason = gate(answered(0.9), confidence(0.9), Bar(threshold=0.8, certificate="c-1"))
    assert reason == "confidence 0.90 reaches the certified threshold 0.80"
