from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from training_parts import LABELS, World, rows

from llmlabel.confidence.reliability import auroc
from llmlabel.domain.answer import ChoiceAnswer, Span, SpansAnswer, TokensAnswer
from llmlabel.domain.document import sha256_of
from llmlabel.domain.gold import NewGold
from llmlabel.domain.prediction import Prediction, Source, Unit
from llmlabel.errors import InvalidInput, Unsupported
from llmlabel.learning.label_errors import (
    Suspect,
    choice_quality,
    label_errors,
    queue_again,
    unit_quality,
)
from llmlabel.store import Store


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    store = Store.open(f"sqlite:///{tmp_path / 'e.db'}", recordings=tmp_path / "recordings")
    yield World(store)
    store.close()


async def suspects(world: World) -> list[Suspect]:
    return await label_errors(
        world.guideline,
        world.store.verified(world.guideline.ref),
        embedder=lambda: world.embedder,
    )


def test_injected_errors_have_the_lowest_quality(world: World) -> None:
    made = rows(300)
    gold = np.array([LABELS.index(label) for _, label in made])
    wrong = np.arange(300) % 10 == 0
    labels = np.where(wrong, (gold + 1) % len(LABELS), gold)
    texts = [document.text for document, _ in made]
    judged = choice_quality(
        world.embedder.embed(texts), labels, LABELS, [sha256_of(text) for text in texts]
    )
    assert auroc(judged.score, ~wrong) > 0.95
    assert (judged.suggested == gold)[wrong].mean() > 0.9
    assert judged.likely[wrong].mean() > 0.6
    assert judged.likely[~wrong].mean() < 0.05


def test_labels_of_one_class_are_all_as_likely_right(world: World) -> None:
    texts = [document.text for document, _ in rows(60)]
    judged = choice_quality(
        world.embedder.embed(texts),
        np.zeros(60, dtype=np.intp),
        LABELS,
        [sha256_of(text) for text in texts],
    )
    assert not judged.likely.any()


async def test_the_worst_come_first_with_what_they_are_and_what_is_suggested(
    world: World,
) -> None:
    made = world.gold(100)
    document, right = made[7]
    wrong = LABELS[(LABELS.index(right) + 1) % 3]
    world.store.gold.add(
        [NewGold(document=document, answer=ChoiceAnswer(label=wrong))],
        world.guideline.ref,
        replace=True,
    )
    found = await suspects(world)
    assert len(found) == 100
    assert [each.quality for each in found] == sorted(each.quality for each in found)
    assert found[0].text == document.text
    assert found[0].verified == ChoiceAnswer(label=wrong)
    assert found[0].suggested == ChoiceAnswer(label=right)
    assert found[0].likely
    assert found[0].source == "import"


async def test_queued_once_they_wait_for_another_look_and_then_never_again(world: World) -> None:
    await world.verdicts(90, 1000, mistaken=4)
    mistaken = {document.text: label for document, label in rows(4, 1000)}
    found = await suspects(world)
    assert {each.text for each in found[:4]} == set(mistaken)
    n = sum(each.likely for each in found)
    assert n >= 2
    assert queue_again(world.store, found).startswith(f"{n} of {n}")
    assert f"{n} wait already" in queue_again(world.store, found)
    # People find once more what they found: these are not asked about a third time.
    standing = {
        each.text: each.verified.label for each in found if isinstance(each.verified, ChoiceAnswer)
    }
    assert len(world.decide(standing)) == n
    again = [each for each in await suspects(world) if each.likely]
    assert [each.looked_again for each in again] == [True] * n
    assert queue_again(world.store, again).startswith(f"0 of {n}")


async def test_too_few_labels_are_refused_with_how_many_are_needed(world: World) -> None:
    world.gold(12)
    with pytest.raises(InvalidInput, match=r"12 verified labels.*at least 30"):
        await suspects(world)


async def test_a_kind_that_cannot_be_judged_says_what_can(world: World) -> None:
    world.gold(40)
    task = world.guideline.model_copy(update={"kind": "transcript"})
    with pytest.raises(Unsupported, match="choices, and for spans and tokens"):
        await label_errors(task, world.store.verified(task.ref), embedder=lambda: world.embedder)


def said(*units: Unit) -> Prediction:
    kept = tuple(
        Span(start=unit.start, end=unit.end, label=unit.label) for unit in units if unit.kept
    )
    return Prediction(
        answer=SpansAnswer(spans=kept),
        probability=0.5,
        units=units,
        source=Source(labeler="spacy", model="m"),
    )


def unit(start: int, label: str, probability: float, *, kept: bool = True, **other: float) -> Unit:
    evidence = {f"label:{name}": value for name, value in other.items()}
    return Unit(
        start=start,
        end=start + 3,
        label=label,
        probability=probability,
        kept=kept,
        evidence=evidence,
    )


def spans(*places: tuple[int, str]) -> SpansAnswer:
    return SpansAnswer(spans=tuple(Span(start=at, end=at + 3, label=label) for at, label in places))


@pytest.mark.parametrize(
    ("verified", "quality"),
    [
        (spans((0, "A"), (5, "B")), 0.6),
        (spans((0, "A")), 0.4),
        (spans((0, "A"), (5, "C")), 0.3),
        (spans((0, "A"), (5, "B"), (9, "A")), 0.2),
        (spans((0, "A"), (5, "B"), (30, "A")), 0.0),
    ],
)
def test_an_answer_is_as_good_as_its_least_probable_unit(
    verified: SpansAnswer, quality: float
) -> None:
    prediction = said(unit(0, "A", 0.95), unit(5, "B", 0.6, C=0.3), unit(9, "A", 0.2, kept=False))
    assert unit_quality(verified, prediction) == pytest.approx(quality)


def test_tokens_are_judged_by_their_worst() -> None:
    verified = TokensAnswer(
        tokens=(Span(start=0, end=3, label="NOUN"), Span(start=5, end=8, label="VERB"))
    )
    prediction = said(unit(0, "NOUN", 0.9), unit(5, "NOUN", 0.7, VERB=0.25))
    assert unit_quality(verified, prediction) == pytest.approx(0.25)
    # A word that is cut otherwise says nothing about its label.
    other = said(unit(0, "NOUN", 0.9), unit(6, "VERB", 0.7))
    assert unit_quality(verified, other) == pytest.approx(0.9)
