from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from llmlabel.errors import ReplyUnreadable
from llmlabel.llm.label_scores import (
    CandidateMatcher,
    TokenAlternatives,
    scores_from_logprobs,
    scores_from_samples,
)
from llmlabel.testing.token_model import TokenModel

NAMES = st.lists(
    st.text("abc_ ", min_size=1, max_size=9).filter(lambda name: name == " ".join(name.split())),
    min_size=1,
    max_size=6,
    unique=True,
)


def _walked(weights: dict[str, float], names: list[str]):
    model = TokenModel(weights)
    written = model.greedy()
    steps = [
        TokenAlternatives(
            entry["token"],
            entry["logprob"],
            tuple((other["token"], other["logprob"]) for other in entry["top_logprobs"]),
        )
        for entry in model.logprobs(written, 20)["content"]
    ]
    return scores_from_logprobs(CandidateMatcher(names), "".join(written), steps)


@settings(deadline=None)
@given(names=NAMES.filter(bool), data=st.data())
def test_probabilities_sum_to_one_and_the_reply_is_not_lost(names, data):
    assume(all(name.strip() for name in names))
    weights = {name: data.draw(st.floats(0.01, 1)) for name in names}
    probabilities, off = _walked(weights, names)
    assert sum(probabilities) == pytest.approx(1)
    assert off == pytest.approx(0, abs=1e-6)
    assert all(p >= 0 for p in probabilities)


def test_names_that_share_a_beginning_are_told_apart_where_they_part():
    names = ["card_lost", "card_stolen", "top_up"]
    probabilities, _ = _walked({"card_lost": 0.5, "card_stolen": 0.3, "top_up": 0.2}, names)
    assert probabilities == pytest.approx((0.5, 0.3, 0.2))


def test_a_branch_not_seen_to_its_end_is_shared_evenly():
    names = ["top_up", "card_lost", "card_stolen"]
    probabilities, _ = _walked({"top_up": 0.6, "card_lost": 0.3, "card_stolen": 0.1}, names)
    assert probabilities == pytest.approx((0.6, 0.2, 0.2))


def test_a_name_that_begins_another_gets_what_ended_there():
    probabilities, _ = _walked({"card": 0.2, "card lost": 0.8}, ["card", "card lost"])
    assert probabilities == pytest.approx((0.2, 0.8))


def test_the_same_label_by_other_tokens_counts_for_it():
    step = TokenAlternatives("pos", math.log(0.5), (("positive", math.log(0.3)), ("neg", -1.61)))
    rest = TokenAlternatives("itive", 0.0, ())
    matcher = CandidateMatcher(["positive", "negative"])
    probabilities, _ = scores_from_logprobs(matcher, "positive", [step, rest])
    assert probabilities[0] == pytest.approx(0.8, abs=0.001)


@pytest.mark.parametrize(
    "reply", ["Positive", ' "positive" ', "positive.", "POSITIVE\n", "“positive”"]
)
def test_case_space_and_quotes_do_not_matter(reply):
    assert CandidateMatcher(["negative", "positive"]).exact(reply) == 1


@pytest.mark.parametrize("reply", ["", "positively", "positive negative", "not positive", "posit"])
def test_anything_else_is_no_label(reply):
    assert CandidateMatcher(["negative", "positive"]).exact(reply) is None


def test_case_counts_where_it_is_the_difference():
    matcher = CandidateMatcher(["US", "us"])
    assert [matcher.exact("US"), matcher.exact("us"), matcher.exact("Us")] == [0, 1, None]


def test_samples_of_which_none_is_a_label_are_unreadable():
    with pytest.raises(ReplyUnreadable):
        scores_from_samples(CandidateMatcher(["a", "b"]), ["x", "y"])
