"""spaCy's features and heads on them: what is kept of spaCy's answer, and what changes."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from llmlabel.domain.answer import SpansAnswer, TokensAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.errors import InvalidInput, Unsupported
from llmlabel.labelers.spacy_features import Featured
from llmlabel.labelers.spacy_head import HeadedSpacyLabeler, head_from_arrays, under
from llmlabel.labelers.spacy_labeler import SpacyLabeler
from llmlabel.labelers.span_head import SpanHead
from llmlabel.labelers.token_head import NO_UNIT, TokenHead
from llmlabel.learning.span_head import stack_spans
from llmlabel.learning.token_head import fit_token_head

pytestmark = pytest.mark.models

WHO = ["Maria Keller", "John Osei", "Anna Brandt", "Tom Reyes", "Lena Fischer", "Omar Haddad"]
WHERE = ["Berlin", "Lagos", "Madrid", "Oslo", "Vienna", "Lima"]
WHEN = ["on Monday", "in March", "last week", "in 2019", "on Friday", "yesterday"]
TEXTS = [
    f"{who} went to {WHERE[(i + j) % 6]} {WHEN[(2 * i + j) % 6]}, and please call the office."
    for i, who in enumerate(WHO)
    for j in range(6)
]
DOCUMENTS = [Document.of_text(text) for text in TEXTS]


@pytest.fixture(scope="session")
def tagged(spacy_labeler: SpacyLabeler, pos: Guideline) -> list[Featured]:
    return asyncio.run(spacy_labeler.features(DOCUMENTS, pos))


@pytest.fixture(scope="session")
def named(spacy_labeler: SpacyLabeler, ner: Guideline) -> list[Featured]:
    return asyncio.run(spacy_labeler.features(DOCUMENTS, ner))


@pytest.fixture(scope="session")
def token_head(tagged: list[Featured]) -> TokenHead:
    return fit_token_head([each.tokens for each in tagged], [classes(each) for each in tagged])


@pytest.fixture(scope="session")
def span_head(named: list[Featured]) -> SpanHead:
    return stack_spans(named, [without_dates(each) for each in named]).head()


def classes(each: Featured) -> list[str]:
    """SpaCy's parts of speech, but `please` is a noun here."""
    assert isinstance(each.prediction.answer, TokensAnswer)
    said = {(t.start, t.end): t.label for t in each.prediction.answer.tokens}
    places = zip(each.tokens.start.tolist(), each.tokens.end.tolist(), strict=True)
    return ["NOUN" if each.text[a:b] == "please" else said.get((a, b), NO_UNIT) for a, b in places]


def without_dates(each: Featured) -> SpansAnswer:
    assert isinstance(each.prediction.answer, SpansAnswer)
    return SpansAnswer(spans=tuple(s for s in each.prediction.answer.spans if s.label != "DATE"))


def stored(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Through a file that holds no pickled objects."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as read:
        return {name: read[name] for name in read.files}


async def test_features_come_with_spacys_own_answer(
    spacy_labeler: SpacyLabeler, pos: Guideline, ner: Guideline
) -> None:
    for guideline in (pos, ner):
        plain = await spacy_labeler.predict(DOCUMENTS[:8], guideline, [()] * 8)
        featured = await spacy_labeler.features(DOCUMENTS[:8], guideline)
        for one, other in zip(plain, featured, strict=True):
            assert one.answer == other.prediction.answer
            assert one.probability == pytest.approx(other.prediction.probability, abs=1e-5)
            assert len(other.tokens) > 5


async def test_features_do_not_depend_on_the_batch(
    spacy_labeler: SpacyLabeler, ner: Guideline, named: list[Featured]
) -> None:
    alone = (await spacy_labeler.features(DOCUMENTS[5:6], ner))[0]
    assert (alone.tokens.keys == named[5].tokens.keys).all()
    assert np.allclose(alone.tokens.dense, named[5].tokens.dense, atol=1e-3)


async def test_a_long_text_is_one_row_of_tokens(
    spacy_labeler: SpacyLabeler, pos: Guideline
) -> None:
    text = "The train to Oslo leaves soon.\n\n" * 700
    featured = (await spacy_labeler.features([Document.of_text(text)], pos))[0]
    starts, ends = featured.tokens.start, featured.tokens.end
    assert (np.diff(starts) > 0).all()
    assert {text[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)} >= {"train"}


async def test_a_head_over_tokens_learns_the_reviewers_convention(
    spacy_labeler: SpacyLabeler, pos: Guideline, token_head: TokenHead
) -> None:
    document = Document.of_text("Maria Keller went to Lima yesterday, and please call the office.")
    made = (await HeadedSpacyLabeler(spacy_labeler, token_head).predict([document], pos, [()]))[0]
    unit = next(u for u in made.units if document.text[u.start : u.end] == "please")
    assert unit.label == "NOUN"
    assert unit.probability is not None
    assert unit.probability > 0.5
    assert isinstance(made.answer, TokensAnswer)
    assert [t.label for t in made.answer.tokens] == [u.label for u in made.units]
    assert made.method == "token_head"
    assert 0 < (made.probability or 0) < 1


async def test_a_head_over_spans_doubts_what_reviewers_took_out(
    spacy_labeler: SpacyLabeler, ner: Guideline, span_head: SpanHead
) -> None:
    document = Document.of_text("Lena Fischer went to Vienna on Friday, and please call home.")
    made = (await HeadedSpacyLabeler(spacy_labeler, span_head).predict([document], ner, [()]))[0]
    chance = {unit.label: unit.probability or 0.0 for unit in made.units if unit.kept}
    assert chance["DATE"] < 0.3
    assert min(chance["PERSON"], chance["LOCATION"]) > 0.7


def test_a_head_that_chooses_leaves_the_doubted_span_out_and_shows_it(
    named: list[Featured],
) -> None:
    head = stack_spans(named, [without_dates(each) for each in named]).head(0.4)
    dates = 0
    for each in named:
        made = under(each, head)
        assert isinstance(made.answer, SpansAnswer)
        assert "DATE" not in {span.label for span in made.answer.spans}
        dates += sum(unit.label == "DATE" and not unit.kept for unit in made.units)
        kept = sorted((unit.start, unit.end) for unit in made.units if unit.kept)
        assert all(a[1] <= b[0] for a, b in pairwise(kept))
    assert dates > 10


def test_without_a_head_the_answer_is_spacys_own(tagged: list[Featured]) -> None:
    assert under(tagged[0], None) is tagged[0].prediction


def test_heads_survive_a_file_without_pickles(
    tagged: list[Featured], named: list[Featured], token_head: TokenHead, span_head: SpanHead
) -> None:
    again = head_from_arrays(stored(token_head.arrays()))
    assert isinstance(again, TokenHead)
    assert under(tagged[3], again) == under(tagged[3], token_head)
    spans = head_from_arrays(stored(span_head.arrays()))
    assert isinstance(spans, SpanHead)
    assert under(named[3], spans) == under(named[3], span_head)


def test_a_head_of_another_pipeline_is_refused(
    named: list[Featured], token_head: TokenHead
) -> None:
    with pytest.raises(InvalidInput, match="train it again"):
        token_head.probabilities(named[0].tokens)


async def test_a_choice_has_no_features(spacy_labeler: SpacyLabeler, pos: Guideline) -> None:
    with pytest.raises(Unsupported, match="spans and tokens"):
        await spacy_labeler.features(DOCUMENTS[:1], pos.model_copy(update={"kind": "choice"}))
