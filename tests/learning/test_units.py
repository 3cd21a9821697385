"""Learning from verified spans, tokens and transcripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmlabel.domain.answer import Answer, Span, SpansAnswer, TokensAnswer, TranscriptAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Outcome, Prediction, Source, Unit
from llmlabel.errors import InvalidInput
from llmlabel.guidelines.file import read_guideline
from llmlabel.labelers.spacy_features import TokenFeatures
from llmlabel.labelers.spacy_head import HeadedSpacyLabeler
from llmlabel.labelers.spacy_labeler import SpacyLabeler
from llmlabel.learning.token_head import fit_token_head
from llmlabel.learning.unit_scores import opinion_loss, unit_scores
from llmlabel.learning.units import learn_units

ROOT = Path(__file__).parents[2]
WHO = ["Maria Keller", "John Osei", "Anna Brandt", "Tom Reyes", "Lena Fischer", "Omar Haddad"]
WHERE = ["Berlin", "Lagos", "Madrid", "Oslo", "Vienna", "Lima"]
WHEN = ["on Monday", "in March", "last week", "in 2019", "on Friday", "yesterday"]
DOCUMENTS = [
    Document.of_text(
        f"{who} went to {WHERE[(i + j) % 6]} {WHEN[(2 * i + j) % 6]}, and please call {WHO[j]}."
    )
    for i, who in enumerate(WHO)
    for j in range(6)
]


@pytest.fixture(scope="module")
def ner() -> Guideline:
    return read_guideline(ROOT / "guidelines/ner/1.0.0.md")


@pytest.fixture(scope="module")
def pos() -> Guideline:
    return read_guideline(ROOT / "guidelines/pos/1.0.0.md")


@pytest.fixture(scope="module")
def spacy_labeler(model_store: Any) -> SpacyLabeler:
    return SpacyLabeler(model_store.path("en_core_web_sm"), batch=16)


def renamed(answer: Answer | None, text: str) -> TokensAnswer:
    """Another convention: `please` is a noun."""
    assert isinstance(answer, TokensAnswer)
    return TokensAnswer(
        tokens=tuple(
            token.model_copy(update={"label": "NOUN"})
            if text[token.start : token.end] == "please"
            else token
            for token in answer.tokens
        )
    )


def without_dates(answer: Answer | None) -> SpansAnswer:
    assert isinstance(answer, SpansAnswer)
    return SpansAnswer(spans=tuple(span for span in answer.spans if span.label != "DATE"))


@pytest.mark.models
async def test_a_head_joins_where_reviewers_follow_another_convention(
    spacy_labeler: SpacyLabeler, pos: Guideline
) -> None:
    featured = await spacy_labeler.features(DOCUMENTS, pos)
    gold = [renamed(each.prediction.answer, each.text) for each in featured]
    learned = learn_units(DOCUMENTS, pos, [[]] * len(gold), gold, featured=featured)
    assert learned.head is not None
    assert learned.report["head"]["joins"]
    assert learned.right.mean() > 0.8
    assert np.isfinite(learned.confidence).all()
    made = await HeadedSpacyLabeler(spacy_labeler, learned.head).predict(
        DOCUMENTS[:3], pos, [()] * 3
    )
    assert [each.answer for each in made] == gold[:3]


@pytest.mark.models
async def test_few_documents_calibrate_and_train_no_head(
    spacy_labeler: SpacyLabeler, ner: Guideline
) -> None:
    some = DOCUMENTS[:20]
    featured = await spacy_labeler.features(some, ner)
    gold = [each.prediction.answer for each in featured]
    learned = learn_units(some, ner, [[]] * len(gold), gold, featured=featured)
    assert learned.head is None
    assert not learned.report["head"]["joins"]
    assert "from 30 verified documents" in learned.report["head"]["reason"]
    assert learned.right.min() == 1.0
    assert learned.confidence.mean() > 0.6


@pytest.mark.models
async def test_spans_that_reviewers_take_out_are_left_out_and_a_rejected_text_is_wrong(
    spacy_labeler: SpacyLabeler, ner: Guideline
) -> None:
    featured = await spacy_labeler.features(DOCUMENTS, ner)
    gold: list[Answer | None] = [without_dates(each.prediction.answer) for each in featured]
    gold[4] = None
    earlier = [[each.prediction] for each in featured]
    learned = learn_units(DOCUMENTS, ner, earlier, gold, featured=featured)
    assert learned.head is not None
    assert learned.right[4] == 0.0
    assert learned.report["head"]["tests"]["weighs"]["helps"]
    assert learned.report["units"]["accuracy"] > learned.report["head"]["before"]["accuracy"]


def words(chances: Sequence[float]) -> Prediction:
    return Prediction(
        answer=TranscriptAnswer(text=" ".join("ab" for _ in chances)),
        probability=float(np.prod(chances)),
        evidence={"word_probability_min": min(chances), "words": float(len(chances))},
        units=tuple(
            Unit(start=3 * i, end=3 * i + 2, label="ab", probability=p)
            for i, p in enumerate(chances)
        ),
        source=Source(labeler="whisper", model="m"),
    )


def test_transcripts_are_calibrated_without_a_head() -> None:
    guideline = read_guideline(ROOT / "guidelines/transcription/1.0.0.md")
    draws = np.random.default_rng(0)
    documents, opinions, gold = [], [], []
    for i in range(60):
        chances = draws.uniform(0.3, 1.0, 3).tolist()
        made = words(chances)
        documents.append(Document.of_text(f"{i} ab ab ab"))
        opinions.append([made])
        heard = ["ab" if draws.uniform() < p else "cd" for p in chances]
        gold.append(TranscriptAnswer(text=" ".join(heard)))
    learned = learn_units(documents, guideline, opinions, gold, loss="units")
    assert learned.head is None
    assert set(np.round(learned.right * 3)) <= {0.0, 1.0, 2.0, 3.0}
    assert abs(float(learned.confidence.mean() - learned.right.mean())) < 0.1


def test_a_document_without_an_answer_has_no_confidence() -> None:
    guideline = read_guideline(ROOT / "guidelines/transcription/1.0.0.md")
    documents = [Document.of_text(f"{i} ab") for i in range(30)]
    silent = Prediction(
        outcome=Outcome.UNSUPPORTED, source=Source(labeler="whisper", model=""), detail="a text"
    )
    opinions = [[words([0.9])] if i else [silent] for i in range(30)]
    learned = learn_units(
        documents, guideline, opinions, [TranscriptAnswer(text="ab")] * 30, loss="exact"
    )
    assert np.isnan(learned.confidence[0])
    assert np.isfinite(learned.confidence[1:]).all()
    assert learned.right[0] == 0.0


def random_tokens(n: int, seed: int = 0) -> TokenFeatures:
    draws = np.random.default_rng(seed)
    return TokenFeatures(
        start=np.arange(0, 2 * n, 2, dtype=np.int32),
        end=np.arange(1, 2 * n + 1, 2, dtype=np.int32),
        dense=draws.normal(size=(n, 3)).astype(np.float32),
        keys=(draws.integers(0, 5, (n, 2)) + np.array([0, 10])).astype(np.uint64),
        step=np.ones(n, np.float32),
    )


@pytest.mark.parametrize(("n", "names"), [(20, ["A", "B"]), (100, ["A"])])
def test_a_head_needs_tokens_of_two_classes(n: int, names: list[str]) -> None:
    tokens = random_tokens(n)
    with pytest.raises(InvalidInput, match="at least 50 tokens of two or more classes"):
        fit_token_head([tokens], [[names[i % len(names)] for i in range(n)]])


def test_what_a_token_looks_like_can_decide() -> None:
    tokens = random_tokens(400)
    wanted = ["A" if key < 3 else "B" for key in tokens.keys[:, 0]]
    head = fit_token_head([tokens], [wanted])
    fresh = random_tokens(200, seed=1)
    said = [head.classes[i] for i in head.probabilities(fresh).argmax(axis=1)]
    truth = ["A" if key < 3 else "B" for key in fresh.keys[:, 0]]
    assert np.mean([a == b for a, b in zip(said, truth, strict=True)]) > 0.9


def test_a_document_with_weight_counts_more() -> None:
    a, b = random_tokens(100), random_tokens(100)
    targets = [["A"] * 100, ["B"] * 100]
    head = fit_token_head([a, b], targets, weight=np.array([9.0, 1.0]))
    chance = head.probabilities(random_tokens(50, seed=2))[:, head.classes.index("A")]
    assert chance.mean() == pytest.approx(0.9, abs=0.05)


def test_a_right_span_that_nobody_proposed_costs_one() -> None:
    gold = SpansAnswer(spans=(Span(start=0, end=2, label="A"),))
    empty = Prediction(
        answer=SpansAnswer(), probability=0.9, source=Source(labeler="spacy", model="m")
    )
    assert opinion_loss(empty, gold) == 1.0
    assert opinion_loss(empty, SpansAnswer()) == 0.0
    assert unit_scores([empty], [gold]) == {"n": 0.0}
