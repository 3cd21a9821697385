"""The language model's second opinions on spans and tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmlabel.domain.answer import Span, SpansAnswer, TokensAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Outcome, Prediction, Source, Unit
from llmlabel.errors import ModelRefused, ModelTimeout, ModelUnauthorized, ReplyTruncated
from llmlabel.labelers.llm_spans import LlmSpans
from llmlabel.labelers.llm_tokens import LlmTokens
from llmlabel.llm.protocol import Reply
from llmlabel.prompts import PromptLibrary

TEXT = "Ada met Blorp in Oslo. Oslo!"
DOCUMENT = Document.of_text(TEXT)


def unit(quote: str, label: str, probability: float, **extra: Any) -> Unit:
    start = TEXT.index(quote)
    fields = {"by": ("spacy",), **extra}
    return Unit(start=start, end=start + len(quote), label=label, probability=probability, **fields)


def spans(*units: Unit) -> Prediction:
    return Prediction(
        answer=SpansAnswer(
            spans=tuple(Span(start=u.start, end=u.end, label=u.label) for u in units if u.kept)
        ),
        probability=0.4,
        method="entity_transitions",
        units=units,
        source=Source(labeler="spacy", model="m"),
    )


EARLIER = spans(
    unit("Ada", "PERSON", 0.95),
    unit("Blorp", "PERSON", 0.5),
    unit("Oslo", "LOCATION", 0.3, kept=False, by=()),
)


def extracting(ner: Guideline) -> Guideline:
    return ner.model_copy(update={"prompt": "spans@1.0.0"})


def reply(*entities: tuple[str, str], finish: Any = "stop") -> Reply:
    items = [{"quote": quote, "label": label} for quote, label in entities]
    return Reply(text=json.dumps({"entities": items}, ensure_ascii=False), finish=finish)


async def test_only_doubtful_candidates_are_asked_about(
    ner: Guideline, prompts: PromptLibrary, told: Any
) -> None:
    model = told(label=lambda _: "ORGANIZATION")
    (said,) = await LlmSpans(model, prompts).predict([DOCUMENT], ner, [[EARLIER]])
    assert [("[[Blorp]]" in each, "[[Oslo]]" in each) for each in model.asked] == [
        (True, False),
        (False, True),
    ]
    assert model.offered[0] == [*ner.label_names, "none"]
    assert [u.label for u in said.units] == ["PERSON", "ORGANIZATION", "ORGANIZATION"]
    assert [u.by for u in said.units] == [("spacy",), ("llm",), ("llm",)]
    assert said.source.prompt == "verify@1.0.0"


async def test_a_candidate_that_is_nothing_is_left_out_but_shown(
    ner: Guideline, prompts: PromptLibrary, told: Any
) -> None:
    model = told(label=lambda _: "none")
    (said,) = await LlmSpans(model, prompts).predict([DOCUMENT], ner, [[EARLIER]])
    assert isinstance(said.answer, SpansAnswer)
    assert [TEXT[s.start : s.end] for s in said.answer.spans] == ["Ada"]
    assert [u.kept for u in said.units] == [True, False, False]


async def test_nothing_doubtful_means_no_call_and_the_same_answer(
    ner: Guideline, prompts: PromptLibrary, told: Any
) -> None:
    model = told(label=lambda _: "none")
    sure = spans(unit("Ada", "PERSON", 0.95))
    (said,) = await LlmSpans(model, prompts).predict([DOCUMENT], ner, [[sure]])
    assert model.asked == []
    assert said.answer == sure.answer
    assert said.evidence["asked"] == 0


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ModelRefused("no"), Outcome.REFUSED),
        (ModelTimeout("late"), Outcome.UNREACHABLE),
        (ReplyTruncated("cut"), Outcome.TRUNCATED),
    ],
)
async def test_a_failed_question_is_an_outcome_of_its_document_alone(
    ner: Guideline, prompts: PromptLibrary, told: Any, error: Exception, outcome: Outcome
) -> None:
    model = told(label=lambda asked: error if "Blorp]]" in asked else "LOCATION")
    other = Document.of_text("x Oslo y")
    clean = spans(unit("Ada", "PERSON", 0.95))
    said = await LlmSpans(model, prompts).predict([DOCUMENT, other], ner, [[EARLIER], [clean]])
    assert [each.outcome for each in said] == [outcome, Outcome.ANSWERED]
    assert said[0].answer is None


async def test_a_rejected_key_is_raised(ner: Guideline, prompts: PromptLibrary, told: Any) -> None:
    model = told(label=lambda _: ModelUnauthorized("key"))
    with pytest.raises(ModelUnauthorized):
        await LlmSpans(model, prompts).predict([DOCUMENT], ner, [[EARLIER]])


async def test_a_long_document_is_shown_around_the_candidate_only(
    ner: Guideline, prompts: PromptLibrary, told: Any
) -> None:
    long = "word " * 2000 + "Blorp came. " + "word " * 2000
    at = long.index("Blorp")
    model = told(label=lambda _: "PERSON")
    earlier = spans(Unit(start=at, end=at + 5, label="PERSON", probability=0.5, by=("spacy",)))
    await LlmSpans(model, prompts).predict([Document.of_text(long)], ner, [[earlier]])
    assert "[[Blorp]]" in model.asked[0]
    assert len(model.asked[0]) < 1000


async def test_extraction_places_every_quote(
    ner: Guideline, prompts: PromptLibrary, told: Any
) -> None:
    said = reply(("Ada", "PERSON"), ("Oslo", "LOCATION"), ("Oslo", "LOCATION"))
    model = told(reply=lambda _: said)
    (made,) = await LlmSpans(model, prompts).predict([DOCUMENT], extracting(ner), [[EARLIER]])
    assert isinstance(made.answer, SpansAnswer)
    assert [TEXT[s.start : s.end] for s in made.answer.spans] == ["Ada", "Oslo", "Oslo"]
    assert made.evidence["unaligned"] == 0


async def test_a_quote_without_a_place_is_doubt_the_reviewer_sees(
    ner: Guideline, prompts: PromptLibrary, told: Any
) -> None:
    model = told(reply=lambda _: reply(("Ada", "PERSON"), ("Eva", "PERSON"), ("Oslo", "LOCATION")))
    (made,) = await LlmSpans(model, prompts).predict([DOCUMENT], extracting(ner), [[]])
    assert made.evidence["unaligned"] == 2
    assert "'Eva'" in made.detail
    assert "'Oslo'" in made.detail
    assert (made.probability or 0) < 0.2


async def test_without_an_earlier_answer_the_model_looks_for_itself(
    ner: Guideline, prompts: PromptLibrary, told: Any
) -> None:
    model = told(reply=lambda _: reply(("Ada", "PERSON")))
    (made,) = await LlmSpans(model, prompts).predict([DOCUMENT], ner, [[]])
    assert made.source.prompt == "spans@1.0.0"
    assert made.outcome is Outcome.ANSWERED


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (Reply(text='{"entities": [', finish="length"), Outcome.TRUNCATED),
        (Reply(text="I cannot", finish="refusal"), Outcome.REFUSED),
        (Reply(text="Sure! Ada is a person.", finish="stop"), Outcome.UNREADABLE),
        (Reply(text='{"names": []}', finish="stop"), Outcome.UNREADABLE),
        (Reply(text='[{"quote": "Ada"}]', finish="stop"), Outcome.UNREADABLE),
        (reply(("Ada", "HERO")), Outcome.UNREADABLE),
        (ModelTimeout("late"), Outcome.UNREACHABLE),
    ],
)
async def test_what_cannot_be_read_never_becomes_an_empty_answer(
    ner: Guideline, prompts: PromptLibrary, told: Any, said: Any, outcome: Outcome
) -> None:
    (made,) = await LlmSpans(told(reply=lambda _: said), prompts).predict(
        [DOCUMENT], extracting(ner), [[]]
    )
    assert made.outcome is outcome
    assert made.answer is None
    assert made.detail


async def test_the_log_probability_of_a_label_is_its_evidence(
    ner: Guideline, prompts: PromptLibrary, told: Any
) -> None:
    whole = reply(("Ada", "PERSON"))
    at = whole.text.index("PERSON")
    tokens = (whole.text[:at], "PERSON", whole.text[at + 6 :])
    said = whole.model_copy(update={"tokens": tokens, "logprobs": (-0.5, -0.25, 0.0)})
    (made,) = await LlmSpans(told(reply=lambda _: said), prompts).predict(
        [DOCUMENT], extracting(ner), [[]]
    )
    assert made.units[0].probability == pytest.approx(0.7788, abs=1e-3)


def tokens(*units: Unit) -> Prediction:
    return Prediction(
        answer=TokensAnswer(
            tokens=tuple(Span(start=u.start, end=u.end, label=u.label) for u in units)
        ),
        probability=0.4,
        method="tagger",
        units=units,
        source=Source(labeler="spacy", model="m"),
    )


TAGGED = tokens(
    unit("Ada", "PROPN", 0.6, evidence={"tag": 0.8, "label:PROPN": 0.8, "label:NOUN": 0.15}),
    unit("met", "VERB", 0.99, evidence={"tag": 0.99, "label:VERB": 0.99}),
    unit("Blorp", "NOUN", 0.5, evidence={"tag": 0.5, "label:NOUN": 0.5, "label:PROPN": 0.4}),
)


async def test_only_unsure_tokens_are_asked_and_only_their_likely_tags_offered(
    pos: Guideline, prompts: PromptLibrary, told: Any
) -> None:
    model = told(label=lambda _: "PROPN")
    (said,) = await LlmTokens(model, prompts).predict([DOCUMENT], pos, [[TAGGED]])
    assert len(model.asked) == 2
    assert model.offered == [["PROPN", "NOUN"], ["NOUN", "PROPN"]]
    assert [u.label for u in said.units] == ["PROPN", "VERB", "PROPN"]
    assert [u.by for u in said.units] == [("llm",), ("spacy",), ("llm",)]


async def test_tokens_nobody_found_cannot_be_judged(
    pos: Guideline, prompts: PromptLibrary, told: Any
) -> None:
    (said,) = await LlmTokens(told(), prompts).predict([DOCUMENT], pos, [[]])
    assert said.outcome is Outcome.UNSUPPORTED


async def test_a_failed_token_question_is_an_outcome(
    pos: Guideline, prompts: PromptLibrary, told: Any
) -> None:
    model = told(label=lambda _: ModelTimeout("late"))
    (said,) = await LlmTokens(model, prompts).predict([DOCUMENT], pos, [[TAGGED]])
    assert said.outcome is Outcome.UNREACHABLE
