"""What several labelers say becomes one answer; failures are kept as evidence."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.domain.answer import ChoiceAnswer, Span, SpansAnswer, TokensAnswer
from llmlabel.domain.document import Document, Transcript, Word
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Outcome, Prediction, Source, Unit
from llmlabel.guidelines import from_labels
from llmlabel.labelers.ensemble import combine
from llmlabel.labelers.llm_spans import judge

TEXT = "Ada met Blorp in Oslo."
DOCUMENT = Document.of_text(TEXT)


def source(labeler: str) -> Source:
    return Source(labeler=labeler, model=f"{labeler}-model", seconds=1.0, prompt_tokens=10)


def unit(quote: str, label: str, p: float, by: str = "spacy", **extra: Any) -> Unit:
    start = TEXT.index(quote)
    fields = {"by": (by,), **extra}
    return Unit(start=start, end=start + len(quote), label=label, probability=p, **fields)


def spans(
    labeler: str, *units: Unit, method: str = "x", p: float = 0.5, **extra: Any
) -> Prediction:
    return Prediction(
        answer=SpansAnswer(
            spans=tuple(Span(start=u.start, end=u.end, label=u.label) for u in units if u.kept)
        ),
        probability=p,
        method=method,
        units=units,
        source=source(labeler),
        **extra,
    )


def judged(earlier: Unit, guideline: Guideline, best: str, p: float) -> Unit:
    names = [*guideline.label_names, "none"]
    rest = (1 - p) / (len(names) - 1)
    return judge(earlier, {name: p if name == best else rest for name in names})


def failure(labeler: str = "llm", outcome: Outcome = Outcome.UNREACHABLE) -> Prediction:
    return Prediction(outcome=outcome, source=source(labeler), detail="no route to host")


def choice(labeler: str, **scores: float) -> Prediction:
    best = max(scores, key=lambda name: scores[name])
    return Prediction(
        answer=ChoiceAnswer(label=best),
        probability=scores[best],
        scores=scores,
        source=source(labeler),
    )


def kept(prediction: Prediction) -> dict[str, str]:
    assert isinstance(prediction.answer, SpansAnswer)
    return {TEXT[s.start : s.end]: s.label for s in prediction.answer.spans}


def test_a_single_labeler_passes_through(ner: Guideline) -> None:
    only = spans("spacy", unit("Ada", "PERSON", 0.5))
    assert combine(DOCUMENT, ner, [only]) is only


def test_nothing_to_combine_is_an_error(ner: Guideline) -> None:
    with pytest.raises(ValueError, match="no prediction"):
        combine(DOCUMENT, ner, [])


def test_a_failure_takes_no_answer_away_but_lowers_the_confidence(ner: Guideline) -> None:
    only = spans("spacy", unit("Ada", "PERSON", 0.5))
    made = combine(DOCUMENT, ner, [only, failure()])
    assert made.answer == only.answer
    assert (made.probability or 1) < 0.5
    assert made.evidence["failed"] == 1
    assert "llm: unreachable (no route to host)" in made.detail


def test_when_all_failed_the_outcome_is_a_failure(ner: Guideline) -> None:
    made = combine(
        DOCUMENT, ner, [failure("spacy", Outcome.UNSUPPORTED), failure("llm", Outcome.REFUSED)]
    )
    assert made.outcome is Outcome.REFUSED
    assert made.answer is None
    assert "spacy: unsupported" in made.detail


def test_a_confirmed_span_is_surer_and_a_rejected_one_is_left_out(ner: Guideline) -> None:
    blorp, oslo = unit("Blorp", "PERSON", 0.5), unit("Oslo", "LOCATION", 0.5)
    first = spans("spacy", blorp, oslo)
    said = spans(
        "llm",
        judged(blorp, ner, "none", 0.97),
        judged(oslo, ner, "LOCATION", 0.97),
        method="verify",
    )
    made = combine(DOCUMENT, ner, [first, said])
    assert kept(made) == {"Oslo": "LOCATION"}
    rejected, confirmed = made.units
    assert not rejected.kept
    assert (confirmed.probability or 0) > 0.5
    assert confirmed.by == ("spacy", "llm")
    assert made.source.labeler == "ensemble"
    assert made.source.seconds == 2.0


def test_a_label_the_model_is_sure_of_replaces_a_doubtful_one(ner: Guideline) -> None:
    blorp = unit("Blorp", "PERSON", 0.25, alternative="ORGANIZATION")
    said = spans("llm", judged(blorp, ner, "ORGANIZATION", 0.99), method="verify")
    made = combine(DOCUMENT, ner, [spans("spacy", blorp), said])
    assert kept(made) == {"Blorp": "ORGANIZATION"}
    assert made.units[0].by == ("llm",)


def test_a_span_that_two_labelers_found_is_surer_than_one_that_one_found(ner: Guideline) -> None:
    first = spans("spacy", unit("Ada", "PERSON", 0.7), unit("Blorp", "PERSON", 0.7))
    second = spans("llm", unit("Ada", "PERSON", 0.8, by="llm"), method="quotes")
    made = combine(DOCUMENT, ner, [first, second])
    ada, blorp = made.units
    assert (ada.probability or 0) > 0.7 > (blorp.probability or 0)
    assert ada.by == ("spacy", "llm")
    assert blorp.evidence["agreement"] == 0.0
    assert blorp.note == "only spacy found it"


def test_a_span_only_the_model_has_lowers_the_confidence_whether_kept_or_not(
    ner: Guideline,
) -> None:
    first = spans("spacy", unit("Ada", "PERSON", 0.9), p=0.9)
    agreed = spans("llm", unit("Ada", "PERSON", 0.9, by="llm"), method="quotes")
    more = [unit("Ada", "PERSON", 0.9, by="llm")]
    strong = spans("llm", *more, unit("Oslo", "LOCATION", 0.95, by="llm"), method="quotes")
    weak = spans("llm", *more, unit("Oslo", "LOCATION", 0.5, by="llm"), method="quotes")
    alone = combine(DOCUMENT, ner, [first, agreed])
    with_strong = combine(DOCUMENT, ner, [first, strong])
    with_weak = combine(DOCUMENT, ner, [first, weak])
    assert "Oslo" in kept(with_strong)
    assert "Oslo" not in kept(with_weak)
    assert (with_strong.probability or 0) < (alone.probability or 0)
    assert (with_weak.probability or 0) < (alone.probability or 0)


def test_quotes_without_a_place_lower_the_confidence(ner: Guideline) -> None:
    first = spans("spacy", unit("Ada", "PERSON", 0.9), p=0.9)
    fine = spans("llm", unit("Ada", "PERSON", 0.9, by="llm"), method="quotes")
    lost = fine.model_copy(update={"evidence": {"unaligned": 1.0}, "detail": "'Eva' has no place"})
    made = combine(DOCUMENT, ner, [first, lost])
    assert (made.probability or 0) < (combine(DOCUMENT, ner, [first, fine]).probability or 0)
    assert "'Eva' has no place" in made.detail


units = st.lists(
    st.tuples(
        st.integers(0, 18),
        st.integers(1, 4),
        st.sampled_from(["PERSON", "LOCATION"]),
        st.floats(0.01, 0.99),
    ),
    max_size=5,
)


def _prediction(labeler: str, drawn: list[tuple[int, int, str, float]]) -> Prediction:
    made: list[Unit] = []
    for start, size, label, p in sorted(drawn):
        if not made or made[-1].end <= start:
            made.append(
                Unit(start=start, end=start + size, label=label, probability=p, by=(labeler,))
            )
    return spans(labeler, *made, method="quotes")


@given(units, units)
def test_kept_spans_never_overlap_and_no_proposal_vanishes(
    first: list[tuple[int, int, str, float]], second: list[tuple[int, int, str, float]]
) -> None:
    guideline = Guideline.model_construct(labels=())
    one, two = _prediction("spacy", first), _prediction("llm", second)
    made = combine(DOCUMENT, guideline, [one, two])
    assert isinstance(made.answer, SpansAnswer)
    spots = [(s.start, s.end) for s in made.answer.spans]
    assert spots == sorted(spots)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spots))
    assert {(u.start, u.end) for u in made.units} == {
        (u.start, u.end) for u in (*one.units, *two.units)
    }
    assert 0 <= (made.probability or 0) <= 1


def test_choices_are_pooled_and_disagreement_is_doubt(ner: Guideline) -> None:
    one = choice("llm", a=0.8, b=0.2)
    same = combine(DOCUMENT, ner, [one, choice("student", a=0.9, b=0.1)])
    other = combine(DOCUMENT, ner, [one, choice("student", a=0.3, b=0.7)])
    assert same.answer == other.answer == ChoiceAnswer(label="a")
    assert same.evidence["agreement"] == 1.0
    assert (other.probability or 0) < 0.5
    assert sum(same.scores.values()) == pytest.approx(1.0)


def tagged(labeler: str, label: str, p: float, **evidence: float) -> Prediction:
    made = unit("Blorp", label, p, by=labeler, evidence=evidence)
    return Prediction(
        answer=TokensAnswer(tokens=(Span(start=made.start, end=made.end, label=label),)),
        probability=p,
        units=(made,),
        source=source(labeler),
    )


def test_a_tag_changes_where_the_evidence_for_another_is_stronger(pos: Guideline) -> None:
    first = tagged("spacy", "NOUN", 0.5, **{"label:NOUN": 0.5, "label:PROPN": 0.45})
    for_it = tagged("llm", "NOUN", 0.9, **{"llm:NOUN": 0.9, "llm:PROPN": 0.1})
    against = tagged("llm", "PROPN", 0.95, **{"llm:NOUN": 0.05, "llm:PROPN": 0.95})
    agreed = combine(DOCUMENT, pos, [first, for_it])
    changed = combine(DOCUMENT, pos, [first, against])
    assert agreed.units[0].label == "NOUN"
    assert (agreed.probability or 0) > 0.5
    assert changed.units[0].label == "PROPN"
    assert changed.units[0].by == ("llm",)
    assert changed.evidence["changed"] == 1


def spoken_document(probability: float) -> Document:
    words = tuple(
        Word(
            start=TEXT.index(word),
            end=TEXT.index(word) + len(word),
            begin_seconds=float(i),
            end_seconds=i + 0.5,
            probability=probability if word == "Oslo" else 0.99,
        )
        for i, word in enumerate(["Ada", "met", "Blorp", "in", "Oslo"])
    )
    transcript = Transcript(
        model="w",
        language="en",
        language_probability=1.0,
        duration_seconds=5.0,
        speech_seconds=5.0,
        words=words,
    )
    return DOCUMENT.model_copy(update={"transcript": transcript})


def test_doubt_in_a_word_is_doubt_in_the_entity_on_it(ner: Guideline) -> None:
    said = spans("spacy", unit("Ada", "PERSON", 0.9), unit("Oslo", "LOCATION", 0.9), p=0.8)
    clear = combine(spoken_document(0.99), ner, [said])
    mumbled = combine(spoken_document(0.3), ner, [said])
    ada, oslo = mumbled.units
    assert (oslo.probability or 1) < 0.3
    assert (ada.probability or 0) > 0.85
    assert oslo.evidence["min_word_probability"] == 0.3
    assert (oslo.begin_seconds, oslo.end_seconds) == (4.0, 4.5)
    assert (mumbled.probability or 1) < (clear.probability or 0)
    assert mumbled.answer == said.answer


def test_a_choice_on_a_transcript_is_as_doubtful_as_its_words_are_on_average() -> None:
    words = tuple(
        Word(start=s, end=e, begin_seconds=0, end_seconds=1, probability=p)
        for s, e, p in ((0, 4, 0.81), (5, 9, 1.0))
    )
    transcript = Transcript(
        model="whisper",
        language="en",
        language_probability=1,
        duration_seconds=2,
        speech_seconds=2,
        words=words,
    )
    document = Document.of_text("what fun!").model_copy(update={"transcript": transcript})
    said = Prediction(
        answer=ChoiceAnswer(label="good"),
        probability=0.8,
        method="label_path",
        source=Source(labeler="llm", model="m"),
    )
    made = combine(document, from_labels("taste", "choice", ["good", "bad"]), [said])
    assert made.probability == pytest.approx(0.8 * 0.9)
    assert made.evidence["mean_word_probability"] == pytest.approx(0.9)
