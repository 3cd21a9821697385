"""Sentence vectors of the real, small encoder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmlabel.embedding import SentenceEmbedder
from llmlabel.errors import MissingModel, ModelCorrupt

pytestmark = pytest.mark.models

TEXTS = ("A cat sits on the mat.", "The kitten lies on a rug.", "Stock prices fell.", "", "😀 é")


@pytest.fixture(scope="module")
def embedder(model_store: Any) -> SentenceEmbedder:
    return SentenceEmbedder(Path(model_store.path("minilm-l6-int8")), 2)


def test_vectors_have_unit_length_and_like_meanings_lie_close(embedder: SentenceEmbedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    alike = vectors @ vectors.T
    assert alike[0, 1] > 0.4 > alike[0, 2]


def test_a_vector_depends_neither_on_order_nor_on_company(embedder: SentenceEmbedder) -> None:
    texts = [*TEXTS, "a much longer sentence than all the others " * 5] * 8
    together = embedder.embed(texts)
    backwards = embedder.embed(texts[::-1])[::-1]
    alone = np.concatenate([embedder.embed([text]) for text in texts[:6]])
    assert together == pytest.approx(backwards, abs=0.02)
    assert together[:6] == pytest.approx(alone, abs=0.02)


def test_only_the_first_256_tokens_count(embedder: SentenceEmbedder) -> None:
    start = "word " * 300
    assert embedder.embed([start + "cat"]) == pytest.approx(embedder.embed([start + "stocks"]))


def test_no_texts_give_no_vectors(embedder: SentenceEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_threads_may_share_it(embedder: SentenceEmbedder) -> None:
    alone = embedder.embed(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: embedder.embed(TEXTS), range(8)):
            assert found == pytest.approx(alone, abs=1e-6)


def test_missing_and_broken_files_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match="models pull"):
        SentenceEmbedder(tmp_path, 1)
    (tmp_path / "model.onnx").write_bytes(b"junk")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelCorrupt, match="models pull"):
        SentenceEmbedder(tmp_path, 1)
