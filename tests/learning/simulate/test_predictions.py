"""What was computed once is not computed again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from made_streams import case, failed, said

from llmlabel.domain.document import Document
from llmlabel.domain.prediction import Prediction
from llmlabel.errors import InvalidInput, ModelUnreachable
from llmlabel.learning.simulate.predictions import PredictionCache, Vectors, vectors_of
from llmlabel.learning.simulate.stream import without_shared


class Labelers:
    """Counts what they are asked; those named in `mumbles` get no answer."""

    def __init__(self, mumbles: Sequence[str] = (), breaks_after: int = 10**9) -> None:
        self.asked: list[str] = []
        self.mumbles = mumbles
        self.breaks_after = breaks_after

    async def __call__(self, documents: Sequence[Document]) -> list[list[Prediction]]:
        if len(self.asked) >= self.breaks_after:
            raise ModelUnreachable("gone")
        self.asked += [document.text for document in documents]
        return [[failed() if d.text in self.mumbles else said("glad", 0.8)] for d in documents]


def documents(count: int) -> list[Document]:
    return [Document.of_text(f"text {number}") for number in range(count)]


def count(_: int) -> None:
    pass


async def test_a_second_run_asks_no_labeler(tmp_path: Path) -> None:
    first, second = Labelers(), Labelers()
    found = await PredictionCache(tmp_path, {"a": 1}).opinions(documents(70), first, count)
    again = await PredictionCache(tmp_path, {"a": 1}).opinions(documents(70), second, count)
    assert (len(first.asked), second.asked) == (70, [])
    assert again == found


async def test_other_labelers_have_a_file_of_their_own(tmp_path: Path) -> None:
    other = Labelers()
    await PredictionCache(tmp_path, {"a": 1}).opinions(documents(3), Labelers(), count)
    await PredictionCache(tmp_path, {"a": 2}).opinions(documents(3), other, count)
    assert len(other.asked) == 3


async def test_a_text_that_occurs_twice_is_asked_once(tmp_path: Path) -> None:
    labelers = Labelers()
    twice = [*documents(2), *documents(2)]
    found = await PredictionCache(tmp_path, {}).opinions(twice, labelers, count)
    assert len(found) == 4
    assert len(labelers.asked) == 2


async def test_a_failure_is_given_and_asked_again_another_time(tmp_path: Path) -> None:
    first, second = Labelers(mumbles=["text 1"]), Labelers()
    [_, said_first] = await PredictionCache(tmp_path, {}).opinions(documents(2), first, count)
    assert said_first[0].answer is None
    [_, said_second] = await PredictionCache(tmp_path, {}).opinions(documents(2), second, count)
    assert second.asked == ["text 1"]
    assert said_second[0].answer is not None


async def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    broken, whole = Labelers(breaks_after=64), Labelers()
    with pytest.raises(ModelUnreachable):
        await PredictionCache(tmp_path, {}).opinions(documents(100), broken, count)
    cache = PredictionCache(tmp_path, {})
    # A line that was cut off in the middle of writing.
    with cache.path.open("a") as stream:
        stream.write('{"text_sha256": "ab')
    await PredictionCache(tmp_path, {}).opinions(documents(100), whole, count)
    assert len(whole.asked) == 36
    assert len(await PredictionCache(tmp_path, {}).opinions(documents(100), broken, count)) == 100


def test_vectors_are_made_once_and_kept_without_pickles(tmp_path: Path) -> None:
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> Vectors:
        asked.extend(texts)
        return np.array([[len(text), 1.0] for text in texts], np.float32)

    path = tmp_path / "new" / "vectors.npz"
    first = vectors_of(["a", "bb", "a"], path, lambda: embed, count)
    assert first[:, 0].tolist() == [1, 2, 1]
    assert asked == ["a", "bb"]
    more = vectors_of(["bb", "ccc"], path, lambda: embed, count)
    assert more[:, 0].tolist() == [2, 3]
    assert asked == ["a", "bb", "ccc"]
    with np.load(path, allow_pickle=False) as stored:
        assert stored["vectors"].shape == (3, 2)


def test_a_broken_file_of_vectors_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npz"
    path.write_bytes(b"PK\x03\x04 not much of an archive")

    def embed(texts: Sequence[str]) -> Vectors:
        return np.ones((len(texts), 2), np.float32)

    assert vectors_of(["a"], path, lambda: embed, count).tolist() == [[1, 1]]
    assert vectors_of(["a"], path, pytest.fail, count).tolist() == [[1, 1]]


def test_texts_of_the_history_that_the_gold_holds_are_left_out() -> None:
    gold = [case(1, "glad", "same"), case(2, "sad", "other")]
    kept, shared = without_shared(gold, [case(3, "sad", "same"), case(4, "sad", "new")])
    assert [each.id for each in kept] == ["d4"]
    assert shared == 1
    with pytest.raises(InvalidInput) as caught:
        without_shared(gold, [case(3, "sad", "same")])
    assert caught.value.field == "history"
