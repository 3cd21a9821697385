"""The student: its probabilities, its memory, and the labeler that speaks for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from llmlabel.confidence.choice_evidence import choice_evidence
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.guidelines import from_labels
from llmlabel.labelers.student import LABELS_KEPT, Memory, Student, StudentLabeler


def sha(text: str) -> str:
    return Document.of_text(text, id="x").text_sha256


def student(labels: int = 3, size: int = 4) -> Student:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(5, size))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Student(
        tuple(f"label-{i}" for i in range(labels)),
        random.normal(size=(size, labels)).astype(np.float32),
        random.normal(size=labels).astype(np.float32),
        0.7,
        Memory(
            vectors.astype(np.float16),
            np.array([0, 1, 1, 2, 0], np.int32),
            np.array([sha(f"text {i}") for i in range(5)], dtype="S64"),
        ),
    )


def test_a_text_never_meets_its_own_verified_example() -> None:
    known = student()
    vectors = known.memory.vectors.astype(np.float32)
    mine = known.nearest(vectors, [sha(f"text {i}") for i in range(5)])
    strangers = known.nearest(vectors, [sha(f"other {i}") for i in range(5)])
    assert strangers.similarity == pytest.approx(np.ones(5), abs=1e-2)
    assert (strangers.label == known.memory.labels).all()
    assert (mine.similarity < 0.99).all()
    for each in (mine, strangers):
        assert np.maximum(each.own, each.other) == pytest.approx(each.similarity, abs=1e-6)


def test_without_examples_nothing_is_near() -> None:
    known = student()
    empty = Memory(known.memory.vectors[:0], known.memory.labels[:0], known.memory.text_sha[:0])
    near = empty.nearest(np.ones((2, 4), np.float32) / 2, np.zeros(2, np.intp), ["a", "b"])
    assert near.similarity.tolist() == [0, 0]
    assert near.label.tolist() == [-1, -1]


def test_a_student_survives_its_arrays_exactly(tmp_path: Any) -> None:
    known = student()
    np.savez(tmp_path / "student.npz", allow_pickle=False, **known.arrays())
    with np.load(tmp_path / "student.npz", allow_pickle=False) as file:
        again = Student.from_arrays(dict(file))
    assert again.sha256 == known.sha256
    vectors = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)
    assert (again.probabilities(vectors) == known.probabilities(vectors)).all()
    assert again.labels == known.labels


def test_of_many_labels_it_speaks_of_the_best() -> None:
    known = student(labels=60)
    vectors = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)
    shares = known.probabilities(vectors)
    assert ((shares > 0).sum(axis=1) == LABELS_KEPT).all()
    assert shares.sum(axis=1) == pytest.approx(1)
    assert (shares.argmax(axis=1) == known.logits(vectors).argmax(axis=1)).all()


@pytest.mark.models
async def test_what_the_labeler_says_is_what_its_student_computes(model_store: Any) -> None:
    from llmlabel.embedding import SentenceEmbedder
    from llmlabel.learning.student_fit import fit_student

    embedder = SentenceEmbedder(model_store.path("minilm-l6-int8"), 1)
    texts = {
        "my parcel has not arrived yet": "delivery",
        "where is my package": "delivery",
        "I was charged twice": "payment",
        "my card payment was declined": "payment",
    }
    guideline = from_labels("shop", "choice", ["delivery", "payment", "returns"])
    names = guideline.label_names
    learned = fit_student(
        embedder.embed(list(texts)),
        np.array([names.index(label) for label in texts.values()]),
        names,
        [sha(text) for text in texts],
        prototypes=embedder.embed(list(names)),
    )
    asked = ["the courier lost my parcel", "where is my package", "can I send it back for a refund"]
    documents = [Document.of_text(text, id=text[:5]) for text in asked]
    said = await StudentLabeler(learned, embedder).predict(documents, guideline, [()] * 3)
    assert said[0].answer == ChoiceAnswer(label="delivery")
    assert said[1].answer == ChoiceAnswer(label="delivery")
    assert said[1].evidence["nearest_similarity"] < 0.999
    assert {each.source.labeler for each in said} == {"student"}
    vectors = embedder.embed(asked)
    evidence = choice_evidence(documents, guideline, [[each] for each in said])
    assert evidence.logs["student"] == pytest.approx(learned.logs(vectors), abs=1e-3)
    near = learned.nearest(vectors, [d.text_sha256 for d in documents])
    assert evidence.extras["student.own_similarity"] == pytest.approx(near.own, abs=1e-3)
