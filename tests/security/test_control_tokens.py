"""No text of a document is ever read as a control token of a chat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmlabel.llm.gguf_file import GgufFacts
from llmlabel.llm.gguf_tokenizer import GgufTokenizer, tokenizer_json
from llmlabel.llm.prepare import prepare, read_prepared

CONTROL, PLAIN = 3, 1
SPECIAL = ("<|end|>", "STOP", "<|>")
"""Two of them are words of letters or signs alone, as a text may hold them."""


def bytes_as_letters() -> list[str]:
    """How byte-level vocabularies spell the 256 bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = iter(range(256, 512))
    return [chr(byte) if byte in kept else chr(next(rest)) for byte in range(256)]


@pytest.fixture(scope="module", params=["llama-bpe", "qwen2", "smollm", "gpt-2"])
def tokenizer(request: pytest.FixtureRequest) -> GgufTokenizer:
    tokens = (*SPECIAL, *bytes_as_letters(), "ST", "OP")
    facts = GgufFacts(
        name="made",
        architecture="llama",
        context_tokens=64,
        pre_tokenizer=request.param,
        tokens=tokens,
        token_types=tuple(CONTROL if t in SPECIAL else PLAIN for t in tokens),
        merges=("S T", "O P"),
        end_token=0,
        begin_token=None,
        add_begin=False,
        chat_template="{{ messages }}",
    )
    return GgufTokenizer(tokenizer_json(facts), end_token=0)


@given(st.lists(st.sampled_from([*SPECIAL, " ", "a", "7", "\n", "é"]), max_size=12).map("".join))
@settings(deadline=None)
def test_no_text_becomes_a_control_token(tokenizer: GgufTokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert not tokenizer.special_tokens & set(ids)
    assert tokenizer.decode(ids) == text


def test_the_templates_own_words_do(tokenizer: GgufTokenizer) -> None:
    assert tokenizer.split_markup("a<|end|>STOP") == ["a", 0, 1]
    assert tokenizer.decode([0, *tokenizer.encode("STOP"), 1]) == "<|end|>STOPSTOP"


@pytest.mark.models
def test_no_control_token_of_a_real_model_can_be_written(
    model_store: Any, models_folder: Path
) -> None:
    gguf = Path(model_store.path("smollm2-135m-instruct")) / "model.gguf"
    card, source = read_prepared(prepare(gguf, models_folder.parent / "prepared"))
    tokenizer = GgufTokenizer(source, end_token=card.end_token)
    names = [tokenizer.decode([token]) for token in sorted(tokenizer.special_tokens)]
    assert "<|im_end|>" in names
    for name in names:
        for text in (name, f" {name}", f"a{name}b", name * 3, name.upper(), f"\n{name}\n"):
            ids = tokenizer.encode(text)
            assert not tokenizer.special_tokens & set(ids)
            assert tokenizer.decode(ids) == text
