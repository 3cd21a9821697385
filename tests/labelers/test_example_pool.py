from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmlabel.domain.document import Document, sha256_of
from llmlabel.domain.guideline import Example, Guideline, Policy
from llmlabel.embedding import SentenceEmbedder
from llmlabel.guidelines import from_labels
from llmlabel.labelers.example_pool import ExamplePool, NearestExamples, estimated_tokens
from llmlabel.labelers.llm_choice import LlmChoice
from llmlabel.labelers.shortlist import Shortlist
from llmlabel.models import ModelStore
from llmlabel.prompts import PromptLibrary
from llmlabel.shipped import search_folders
from llmlabel.testing import FakeChatModel

PROMPT = PromptLibrary(search_folders("prompts")).get("choice@1.0.0")
ROOM = 10_000


def pool_of(rows: Sequence[tuple[str, str]], seed: int = 0) -> ExamplePool:
    vectors = np.random.default_rng(seed).normal(size=(len(rows), 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return ExamplePool(
        texts=tuple(text for text, _ in rows),
        labels=tuple(label for _, label in rows),
        hashes=tuple(sha256_of(text) for text, _ in rows),
        vectors=vectors.astype(np.float16),
    )


def nearest_to(pool: ExamplePool, row: int, k: int, tokens: int = ROOM) -> list[Example]:
    vector = pool.vectors[row : row + 1].astype(np.float32)
    return pool.nearest(vector, k, [pool.hashes[row]], tokens)[0]


ROWS = [(f"text {i}", "ab"[i % 2]) for i in range(20)]


def test_the_nearest_example_stands_last() -> None:
    pool = pool_of(ROWS)
    shown = pool.nearest(pool.vectors[3:4].astype(np.float32), 4, ["another text"], ROOM)[0]
    assert shown[-1].text == "text 3"
    assert shown[-1].id == f"v-{sha256_of('text 3')[:12]}"


def test_a_text_is_never_shown_its_own_verified_label() -> None:
    pool = pool_of([*ROWS, ("text 3", "b")])
    assert "text 3" not in {example.text for example in nearest_to(pool, 3, 20)}


def test_no_label_has_more_than_half_of_the_examples() -> None:
    pool = pool_of([(f"t{i}", "rare" if i == 9 else "often") for i in range(10)])
    assert Counter(e.label for e in nearest_to(pool, 0, 5)) == {"often": 3, "rare": 1}


def test_an_example_that_has_no_room_is_passed_over() -> None:
    pool = pool_of([("short", "a"), ("long " * 200, "b"), ("small", "b")])
    room = estimated_tokens("short", "a") + estimated_tokens("small", "b")
    shown = pool.nearest(pool.vectors[1:2].astype(np.float32), 4, [""], room)[0]
    assert {example.text for example in shown} == {"short", "small"}


@pytest.mark.parametrize("pool", [pool_of([]), pool_of(ROWS)])
@pytest.mark.parametrize("k", [0, -1])
def test_nothing_is_shown_where_nothing_is_asked_for(pool: ExamplePool, k: int) -> None:
    assert pool.nearest(np.ones((2, 8), np.float32), k, ["", ""], ROOM) == [[], []]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.text(min_size=1, max_size=30), st.sampled_from(["a", "ß", "a b"])),
        min_size=1,
        max_size=12,
        unique_by=lambda row: row[0],
    ),
    k=st.integers(1, 6),
    tokens=st.integers(0, 120),
    seed=st.integers(0, 9),
)
def test_what_is_shown_keeps_every_limit(
    rows: list[tuple[str, str]], k: int, tokens: int, seed: int
) -> None:
    rows = [(text.encode("utf-8", "replace").decode(), label) for text, label in rows]
    pool = pool_of(rows, seed)
    shown = nearest_to(pool, 0, k, tokens)
    assert len(shown) <= k
    assert rows[0][0] not in {example.text for example in shown}
    assert sum(estimated_tokens(e.text, e.label or "") for e in shown) <= tokens
    assert max(Counter(e.label for e in shown).values(), default=0) <= math.ceil(k / 2)


def test_a_pool_goes_through_a_file_unchanged() -> None:
    pool = pool_of([("größer", "ü"), ("", "b"), ("\U0001f600 x", "ü")])
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **pool.arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        back = ExamplePool.from_arrays(arrays)
    assert (back.texts, back.labels, back.hashes) == (pool.texts, pool.labels, pool.hashes)
    assert np.array_equal(back.vectors, pool.vectors)
    empty = ExamplePool.from_arrays(pool_of([]).arrays())
    assert len(empty) == 0


def test_a_pool_with_parts_of_different_length_is_refused() -> None:
    with pytest.raises(ValueError, match="1 texts has 2 labels"):
        ExamplePool(("a",), ("x", "y"), (sha256_of("a"),), np.zeros((1, 8), np.float16))


@pytest.fixture(scope="module")
def embedder(model_store: ModelStore) -> SentenceEmbedder:
    return SentenceEmbedder(model_store.path("minilm-l6-int8"), 2)


def verified(embedder: SentenceEmbedder, rows: Sequence[tuple[str, str]]) -> NearestExamples:
    texts = [text for text, _ in rows]
    return NearestExamples(
        ExamplePool(
            tuple(texts),
            tuple(label for _, label in rows),
            tuple(map(sha256_of, texts)),
            embedder.embed(texts).astype(np.float16),
        ),
        embedder,
    )


def task(k: int, labels: Sequence[str] = ("good", "bad"), shortlist: int = 20) -> Guideline:
    shown = [Example(id="own", text="As good as it gets.", label=labels[0])]
    made = from_labels("taste", "choice", labels, examples=shown)
    policy = Policy(threshold=0.9, verified_examples=k, shortlist=shortlist)
    return made.model_copy(update={"policy": policy})


KNOWN = [
    ("The soup was delicious.", "good"),
    ("The train was late again.", "bad"),
    ("A tasty soup!", "good"),
    ("The soup was cold.", "bad"),
]


@pytest.mark.models
async def test_the_guidelines_examples_come_first_then_verified_ones_then_the_document(
    embedder: SentenceEmbedder,
) -> None:
    model = FakeChatModel(lambda prompt, labels: {"good": 3, "bad": 1})
    labeler = LlmChoice(model, PROMPT, nearest=verified(embedder, KNOWN))
    documents = [Document.of_text("What a soup."), Document.of_text("A tasty soup!")]
    first, second = await labeler.predict(documents, task(2), [(), ()])
    asked = [message.content for message in model.prompts[0].messages]
    assert "As good as it gets." in asked[1]
    assert "soup" in asked[3]
    assert "What a soup." in asked[-1]
    assert model.prompts[0].shared == 3
    assert model.prompts[0].messages[:3] == model.prompts[1].messages[:3]
    assert first.source.examples[0] == "own"
    assert set(first.source.examples[1:]) <= {f"v-{sha256_of(text)[:12]}" for text, _ in KNOWN}
    assert len(first.source.examples) == 3
    own = f"v-{documents[1].text_sha256[:12]}"
    assert own not in second.source.examples


@pytest.mark.models
async def test_verified_labels_are_shown_only_where_the_policy_asks(
    embedder: SentenceEmbedder,
) -> None:
    model = FakeChatModel(lambda prompt, labels: {"good": 3, "bad": 1})
    labeler = LlmChoice(model, PROMPT).with_nearest(verified(embedder, KNOWN))
    [said] = await labeler.predict([Document.of_text("What a soup.")], task(0), [()])
    assert said.source.examples == ("own",)
    assert model.prompts[0].shared is None


@pytest.mark.models
async def test_a_label_that_an_example_shows_is_offered_as_well(
    embedder: SentenceEmbedder,
) -> None:
    offered: list[Sequence[str]] = []

    def rule(prompt: object, labels: Sequence[str]) -> dict[str, float]:
        offered.append(labels)
        return dict.fromkeys(labels, 1.0)

    names = ["soup", "soup dish", "tasty food", "xyzzy"]
    nearest = verified(embedder, [("The soup was delicious.", "xyzzy")])
    labeler = LlmChoice(FakeChatModel(rule), PROMPT, Shortlist(embedder), nearest)
    documents = [Document.of_text("The soup was really delicious.")]
    await labeler.predict(documents, task(1, names, shortlist=2), [()])
    await LlmChoice(FakeChatModel(rule), PROMPT, Shortlist(embedder)).predict(
        documents, task(1, names, shortlist=2), [()]
    )
    assert "xyzzy" in offered[0]
    assert "xyzzy" not in offered[1]
