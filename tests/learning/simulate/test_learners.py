"""What is learned on arrays, and when a certificate is worth asking for."""

from __future__ import annotations

import numpy as np
from made_streams import MOODS, USUAL, case, failed, learner_of, made_stream, said

from llmlabel.domain.answer import Span, SpansAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.prediction import Prediction, Source
from llmlabel.evaluation.cases import Case
from llmlabel.learning.simulate.plan import Forecast, worth_it
from llmlabel.learning.simulate.stream import choice_stream
from llmlabel.learning.simulate.units_learner import UnitsLearner, units_stream


def test_a_student_makes_better_answers_where_the_vectors_tell_the_labels_apart() -> None:
    stream = made_stream(300, skill=0.2, spread=0.1)
    rows = np.arange(200)
    judged = learner_of(stream).learn(rows, stream.gold[:200], np.ones(200, np.bool_), np.ones(200))
    alone = learner_of(stream, student=False).learn(
        rows, stream.gold[:200], np.ones(200, np.bool_), np.ones(200)
    )
    assert judged is not None
    assert alone is not None
    later = slice(200, 300)
    right = np.mean(judged.answers[later] == stream.gold[later])
    assert right > np.mean(alone.answers[later] == stream.gold[later]) + 0.1
    assert alone.asked.all()
    assert not judged.asked.all()


def test_only_documents_verified_at_random_are_a_reference() -> None:
    stream = made_stream(200)
    random = np.arange(120) < 70
    judged = learner_of(stream).learn(np.arange(120), stream.gold[:120], random, np.ones(120))
    assert judged is not None
    assert len(judged.reference) == len(judged.right) == 70


def test_too_little_to_learn_from_is_no_judgement() -> None:
    stream = made_stream(100)
    assert (
        learner_of(stream).learn(np.arange(4), stream.gold[:4], np.ones(4, np.bool_), np.ones(4))
        is None
    )


def test_a_labeler_that_failed_has_no_confidence() -> None:
    cases = [case(i, "glad") for i in range(3)]
    opinions = [[said("glad", 0.8)], [failed()], [said("sad", 0.6)]]
    stream = choice_stream(MOODS, cases, [], opinions, np.eye(3, dtype=np.float32))
    raw = learner_of(stream).raw
    assert raw.answers.tolist() == [0, -1, 1]
    assert np.isnan(raw.confidence).tolist() == [False, True, False]


def test_spans_are_right_as_a_whole_or_wrong() -> None:
    def of(number: int, end: int) -> tuple[Case, list[Prediction]]:
        document = Document.of_text(f"Ann met Bob, {number} times", id=str(number))
        gold = SpansAnswer(spans=(Span(start=0, end=3, label="PER"),))
        answer = SpansAnswer(spans=(Span(start=0, end=end, label="PER"),))
        opinion = Prediction(
            answer=answer,
            probability=0.9 if end == 3 else 0.4,
            source=Source(labeler="spacy", model="made-up"),
        )
        return Case(id=str(number), gold=gold, document=document), [opinion]

    guideline = MOODS.model_copy(update={"kind": "spans"})
    pairs = [of(i, 3 if i % 4 else 2) for i in range(80)]
    cases = [each for each, _ in pairs]
    stream = units_stream(guideline, cases, [], [opinion for _, opinion in pairs])
    learner = UnitsLearner(stream, cases, seed=0)
    right = learner.raw.answers == stream.gold
    assert right.tolist() == [bool(i % 4) for i in range(80)]
    judged = learner.learn(np.arange(60), stream.gold[:60], np.ones(60, np.bool_), np.ones(60))
    assert judged is not None
    assert judged.confidence[right].min() > judged.confidence[~right].max()
    assert (judged.answers == learner.raw.answers).all()


def forecast(risk: float) -> Forecast:
    random = np.random.default_rng(0)
    confidence = random.random(500)
    return Forecast.of(confidence, random.random(500) > 2 * risk * (1 - confidence), USUAL)


def test_more_gold_is_forecast_to_accept_more() -> None:
    shares = [forecast(0.2).accepted(n, 0.025) for n in (50, 80, 150, 400, 2000)]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] > shares[1] > 0


def test_no_answers_are_forecast_to_accept_nothing() -> None:
    nothing = Forecast.of(np.full(40, np.nan), np.zeros(40, np.bool_), USUAL)
    assert nothing.accepted(1000, 0.05) == 0.0


def test_a_first_certificate_waits_while_more_gold_pays_and_many_documents_are_to_come() -> None:
    middling = forecast(0.15)
    asked = {"gold": 80, "seen": 200, "attempt": 1, "audit": 0.05}
    assert not worth_it(middling, left=5000, **asked)  # type: ignore[arg-type]
    assert worth_it(middling, left=60, **asked)  # type: ignore[arg-type]


def test_a_later_certificate_must_accept_clearly_more_than_the_one_held() -> None:
    good = forecast(0.05)
    now = good.accepted(300, 0.05 / 6)
    asked = {"gold": 300, "seen": 800, "left": 1000, "attempt": 2, "audit": 0.05}
    assert worth_it(good, held=now - 0.06, **asked)  # type: ignore[arg-type]
    assert not worth_it(good, held=now - 0.04, **asked)  # type: ignore[arg-type]


def test_a_text_that_occurs_twice_counts_once() -> None:
    cases = [case(1, "glad", "same"), case(2, "sad"), case(3, "calm", "same")]
    stream = choice_stream(MOODS, cases, [], [[said("glad", 0.8)]] * 3, np.eye(3, dtype=np.float32))
    assert stream.distinct.tolist() == [True, True, False]
    assert stream.certifies[0] == stream.certifies[2]
