"""A GGUF file's byte-level BPE vocabulary as a fast tokenizer."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from llmlabel.errors import ModelRejected
from llmlabel.llm.gguf_file import GgufFacts

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_LLAMA3 = _QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")

_SPLITS: dict[str, tuple[str, bool]] = {
    "qwen2": (_QWEN2, False),
    "llama-bpe": (_LLAMA3, False),
    "smollm": (_GPT2, True),
    "gpt-2": (_GPT2, False),
}
"""How each `tokenizer.ggml.pre` cuts text into words, and whether digits stand alone first."""


def tokenizer_json(facts: GgufFacts) -> str:
    """The vocabulary in the form of Hugging Face's tokenizer.json.

    Raises:
        ModelRejected: The way it cuts text into words is not known here.
    """
    if facts.pre_tokenizer not in _SPLITS:
        raise ModelRejected(
            f"The model {facts.name!r} cuts text into words in the way {facts.pre_tokenizer!r}; "
            f"the embedded runtime knows {', '.join(sorted(_SPLITS))}. Take another GGUF file."
        )
    pattern, digits = _SPLITS[facts.pre_tokenizer]
    steps: list[dict[str, Any]] = []
    if digits:
        steps.append({"type": "Digits", "individual_digits": True})
    steps.append(
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    )
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False}
    steps.append({**byte_level, "use_regex": False})
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [
                {
                    "id": number,
                    "content": facts.tokens[number],
                    "single_word": False,
                    "lstrip": False,
                    "rstrip": False,
                    "normalized": False,
                    "special": True,
                }
                for number in sorted(facts.special_tokens)
            ],
            "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps},
            "post_processor": None,
            "decoder": {**byte_level, "use_regex": True},
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": facts.pre_tokenizer == "llama-bpe",
                "vocab": {token: number for number, token in enumerate(facts.tokens)},
                "merges": [tuple(merge.split(" ", 1)) for merge in facts.merges],
            },
        }
    )


class GgufTokenizer:
    """Text to token ids and back.

    `encode` takes text as text: `<|im_end|>` in a document becomes the letters it is written
    with, never the control token: its entry is renamed to what no text can become. Only
    `split_markup`, meant for the chat template's own words, knows control tokens.
    """

    def __init__(self, source: str, *, end_token: int) -> None:
        """Build from what `tokenizer_json` gave."""
        from tokenizers import Tokenizer  # noqa: PLC0415

        parsed = json.loads(source)
        self._special = {entry["content"]: int(entry["id"]) for entry in parsed["added_tokens"]}
        parsed["added_tokens"] = []
        # No text leads to a name with a space: byte-level words spell it with another sign.
        parsed["model"]["vocab"] = {
            f" {token}" if token in self._special else token: number
            for token, number in parsed["model"]["vocab"].items()
        }
        self._names = {number: token for token, number in self._special.items()}
        self._source = source
        self._plain = Tokenizer.from_str(json.dumps(parsed))
        self.end_token = end_token

    @property
    def vocabulary(self) -> int:
        """Number of token ids."""
        return int(self._plain.get_vocab_size())

    @property
    def special_tokens(self) -> frozenset[int]:
        """Ids no text encodes to."""
        return frozenset(self._special.values())

    def encode(self, text: str) -> list[int]:
        """Text as it stands, without control tokens."""
        return list(self._plain.encode(text, add_special_tokens=False).ids)

    def split_markup(self, text: str) -> list[str | int]:
        """The chat template's words with each control token replaced by its id."""
        found: list[str | int] = []
        rest = text
        while rest:
            at, token = min(
                ((rest.find(token), token) for token in self._special if token in rest),
                key=lambda pair: (pair[0], -len(pair[1])),
                default=(len(rest), ""),
            )
            if at:
                found.append(rest[:at])
            if token:
                found.append(self._special[token])
            rest = rest[at + len(token) :]
        return found

    def decode(self, tokens: list[int]) -> str:
        """The text of some tokens; bytes that are no UTF-8 become U+FFFD."""
        found, run = "", list[int]()
        for token in tokens:
            if token in self._names:
                found += str(self._plain.decode(run, skip_special_tokens=False))
                found, run = found + self._names[token], []
            else:
                run.append(token)
        return found + str(self._plain.decode(run, skip_special_tokens=False))

    @cached_property
    def grammar_vocabulary(self) -> Any:
        """The same vocabulary for llguidance; control tokens are no text to it."""
        from llguidance import LLTokenizer  # noqa: PLC0415

        return LLTokenizer(self._source, n_vocab=self.vocabulary, eos_token=self.end_token)
