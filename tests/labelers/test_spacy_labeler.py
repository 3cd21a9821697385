"""The real spaCy pipeline: answers, offsets and evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from llmlabel.domain.answer import SpansAnswer, TokensAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction
from llmlabel.errors import InvalidGuideline, MissingModel, Unsupported
from llmlabel.labelers.spacy_labeler import SpacyLabeler
from llmlabel.labelers.spacy_pipeline import SpacyPipeline
from llmlabel.labelers.spacy_spans import undecided
from llmlabel.labelers.spacy_transitions import TransitionTable, recognise

pytestmark = pytest.mark.models

TEXTS = [
    "Angela Merkel met the Bank of England in London on 3 May 2019.",
    "Dr. Selma Brandt's dog ran.\r\n\r\nShe flew to Paris’s airport 🎉 with Rene\u0301 Dubois.",
    "ok",
    "   Please call the manager.  ",
    "https://docs.example.org/start and help@example.org",
]


async def predict(labeler: SpacyLabeler, guideline: Guideline, *texts: str) -> Sequence[Prediction]:
    documents = [Document.of_text(text) for text in texts]
    return await labeler.predict(documents, guideline, [()] * len(texts))


def surfaces(text: str, prediction: Prediction) -> dict[str, str]:
    assert isinstance(prediction.answer, SpansAnswer)
    return {text[s.start : s.end]: s.label for s in prediction.answer.spans}


async def test_entities_have_exact_offsets_and_the_guidelines_labels(
    spacy_labeler: SpacyLabeler, ner: Guideline
) -> None:
    first, second, *_ = await predict(spacy_labeler, ner, *TEXTS)
    assert surfaces(TEXTS[0], first) == {
        "Angela Merkel": "PERSON",
        "Bank of England": "ORGANIZATION",
        "London": "LOCATION",
        "3 May 2019": "DATE",
    }
    found = surfaces(TEXTS[1], second)
    assert found["Selma Brandt"] == "PERSON"
    assert found["Paris"] == "LOCATION"


async def test_an_empty_answer_says_that_there_is_nothing(
    spacy_labeler: SpacyLabeler, ner: Guideline
) -> None:
    said = await predict(spacy_labeler, ner, TEXTS[3])
    assert said[0].answer == SpansAnswer(spans=())
    assert said[0].probability is not None
    assert said[0].probability > 0.5


async def test_addresses_are_no_entities(spacy_labeler: SpacyLabeler, ner: Guideline) -> None:
    said = await predict(spacy_labeler, ner, TEXTS[4])
    assert said[0].answer == SpansAnswer(spans=())


async def test_years_sums_and_shares_are_found_with_their_signs(
    spacy_labeler: SpacyLabeler, ner: Guideline
) -> None:
    text = "World War II ended in 1945. I ordered two lamps for $128. About 40% of users left."
    [said] = await predict(spacy_labeler, ner, text)
    assert surfaces(text, said) == {
        "World War II": "EVENT",
        "1945": "DATE",
        "$128": "MONEY",
        "40%": "QUANTITY",
    }


async def test_a_phone_number_is_no_date(spacy_labeler: SpacyLabeler, ner: Guideline) -> None:
    text = "My order hasn't arrived, call me at +1 415 555 2671 or mail jo@ex.org."
    [said] = await predict(spacy_labeler, ner, text)
    assert surfaces(text, said) == {}


async def test_the_evidence_is_the_lowest_transition_of_the_span(
    spacy_labeler: SpacyLabeler, ner: Guideline
) -> None:
    said = await predict(spacy_labeler, ner, *TEXTS)
    for prediction in said:
        kept = [unit for unit in prediction.units if unit.kept]
        for unit in kept:
            assert unit.probability is not None
            assert 0 < unit.probability < 1
            assert unit.evidence["transitions"] <= unit.evidence["opening"] + 1e-6
        assert prediction.probability is not None
        assert prediction.probability <= min((u.probability or 0 for u in kept), default=1.0)


async def test_a_clear_name_is_surer_than_an_invented_one(
    spacy_labeler: SpacyLabeler, ner: Guideline
) -> None:
    clear, odd = await predict(
        spacy_labeler, ner, "She lives in London.", "gonna see Krxt at teh blorp l8r"
    )
    assert (clear.probability or 0) > (odd.probability or 0)


async def test_a_near_miss_is_shown_but_not_kept(
    spacy_labeler: SpacyLabeler, ner: Guideline
) -> None:
    words = ("joe", "Blorp", "holly", "crackle", "Sunny")
    texts = [f"{word} went home early and slept." for word in words]
    said = await predict(spacy_labeler, ner, *texts)
    missed = [(p, u) for p in said for u in p.units if not u.kept]
    assert missed
    for prediction, unit in missed:
        assert isinstance(prediction.answer, SpansAnswer)
        assert all(s.start >= unit.end or s.end <= unit.start for s in prediction.answer.spans)
        assert prediction.evidence["min_outside"] < 1 - 0.09


def test_the_parse_is_spacys_own(spacy_labeler: SpacyLabeler) -> None:
    pipeline = SpacyPipeline(spacy_labeler._pipeline.folder, 8)
    nlp = pipeline.nlp
    ner_pipe = nlp.get_pipe("ner")
    labels = {label: label for label in ner_pipe.labels}
    moves = [ner_pipe.moves.get_class_name(i) for i in range(ner_pipe.moves.n_moves)]
    texts = [*TEXTS, "In 1996 the Houston Chronicle ranked Texas football second."]
    plain = [[(e.start, e.end, e.label_) for e in doc.ents] for doc in nlp.pipe(texts)]
    docs = list(nlp.pipe(texts, disable=["ner"]))
    found = recognise(ner_pipe, docs, TransitionTable(moves, labels))
    assert [[(e.start, e.end, e.label_) for e in doc.ents] for doc in docs] == plain
    for doc, entities in zip(docs, found, strict=True):
        kept = [f for f in entities.found if f.kept]
        assert [(f.start, f.end, f.label) for f in kept] == [
            (e.start_char, e.end_char, e.label_) for e in doc.ents
        ]


def test_every_spacy_label_is_mapped_or_ignored_by_the_shipped_guidelines(
    spacy_labeler: SpacyLabeler, ner: Guideline, pos: Guideline
) -> None:
    pipeline = spacy_labeler._pipeline
    assert undecided(ner, pipeline.entity_labels()) == ()
    assert undecided(pos, sorted(set(pipeline.coarse().values()))) == ()


async def test_a_label_nobody_decided_on_is_named(
    spacy_labeler: SpacyLabeler, ner: Guideline
) -> None:
    loose = ner.model_copy(update={"spacy_ignored": ("CARDINAL",)})
    said = await predict(spacy_labeler, loose, TEXTS[0])
    assert "ORDINAL" in said[0].detail


async def test_a_guideline_that_maps_nothing_is_refused(
    spacy_labeler: SpacyLabeler, ner: Guideline
) -> None:
    bare = tuple(label.model_copy(update={"spacy": ()}) for label in ner.labels)
    with pytest.raises(InvalidGuideline, match="spacy:"):
        await predict(spacy_labeler, ner.model_copy(update={"labels": bare}), "Paris")


async def test_tokens_cover_the_text_but_for_white_space(
    spacy_labeler: SpacyLabeler, pos: Guideline
) -> None:
    said = await predict(spacy_labeler, pos, *TEXTS)
    for text, prediction in zip(TEXTS, said, strict=True):
        assert isinstance(prediction.answer, TokensAnswer)
        tokens = prediction.answer.tokens
        words = "".join(text[t.start : t.end] for t in tokens)
        assert words == "".join(text.split())
        assert all(t.label in pos.label_names for t in tokens)


async def test_tags_follow_the_guideline(spacy_labeler: SpacyLabeler, pos: Guideline) -> None:
    text = "When he left without saying a word, all of them laughed."
    said = await predict(spacy_labeler, pos, text)
    assert isinstance(said[0].answer, TokensAnswer)
    tags = {text[t.start : t.end]: t.label for t in said[0].answer.tokens}
    assert tags["When"] == "ADV"
    assert tags["all"] == "DET"
    assert tags["without"] == "SCONJ"
    assert tags["of"] == "ADP"


async def test_an_unsure_token_names_the_other_tag(
    spacy_labeler: SpacyLabeler, pos: Guideline
) -> None:
    said = await predict(spacy_labeler, pos, "Visit the old man the boat wind up lead close")
    unsure = [u for u in said[0].units if (u.probability or 0) < 0.9 and u.alternative]
    assert unsure
    assert all(any(key == f"label:{u.alternative}" for key in u.evidence) for u in unsure)


async def test_a_long_text_is_labeled_in_pieces_with_its_own_offsets(
    spacy_labeler: SpacyLabeler, ner: Guideline
) -> None:
    text = "Nothing happened for a while, and then it rained. " * 450 + "She lives in London."
    said = await predict(spacy_labeler, ner, text)
    assert surfaces(text, said[0]) == {"London": "LOCATION"}


async def test_a_batch_gives_the_answers_of_its_texts_one_by_one(
    spacy_labeler: SpacyLabeler, ner: Guideline
) -> None:
    together = await predict(spacy_labeler, ner, *TEXTS * 4)
    for index, text in enumerate(TEXTS * 4):
        alone = (await predict(spacy_labeler, ner, text))[0]
        assert alone.answer == together[index].answer
        assert alone.probability == pytest.approx(together[index].probability, rel=1e-3)


async def test_the_event_loop_stays_free(spacy_labeler: SpacyLabeler, ner: Guideline) -> None:
    work = asyncio.ensure_future(predict(spacy_labeler, ner, *TEXTS * 30))
    turns = 0
    while not work.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 5
    await work


async def test_a_missing_pipeline_names_the_command(ner: Guideline, tmp_path: object) -> None:
    labeler = SpacyLabeler(f"{tmp_path}/nothing")
    with pytest.raises(MissingModel, match="llmlabel models pull"):
        await predict(labeler, ner, "Paris")


async def test_a_choice_is_not_spacys_business(spacy_labeler: SpacyLabeler, ner: Guideline) -> None:
    with pytest.raises(Unsupported):
        await predict(spacy_labeler, ner.model_copy(update={"kind": "choice"}), "Paris")
