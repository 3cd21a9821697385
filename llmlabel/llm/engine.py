"""The embedded model's work, synchronously: encode, group, run in batches, account."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Self

from pydantic import JsonValue

from llmlabel.errors import ModelError, ModelRejected
from llmlabel.llm.batching import batches, group_prompts, rows_at_once
from llmlabel.llm.chat_template import ChatTemplate, EncodedPrompt
from llmlabel.llm.constrain import Grammar
from llmlabel.llm.generation import Draft, generate_batch
from llmlabel.llm.gguf_tokenizer import GgufTokenizer
from llmlabel.llm.label_trie import Node, build_trie
from llmlabel.llm.prefix_cache import PrefixCache
from llmlabel.llm.prepare import prepare, read_prepared
from llmlabel.llm.protocol import Prompt, Reply, Scores, Usage
from llmlabel.llm.runtime import Runtime
from llmlabel.llm.scoring import score_batch

COMPILE_OPTIONS = {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32"}
"""OpenVINO's own choice, bf16 with an 8-bit cache, moved probabilities by up to .13 between one
batch and another; this costs no more and moves those of 1.5 billion parameters by about .01."""

EXACT_OPTIONS = {**COMPILE_OPTIONS, "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}
"""Without 8-bit activations nothing moves at all; takes half as long again."""


class Engine:
    """A loaded model. Used by one thread at a time."""

    def __init__(
        self,
        runtime: Runtime,
        tokenizer: GgufTokenizer,
        template: ChatTemplate,
        *,
        sha256: str,
        context_tokens: int,
        batch: int,
    ) -> None:
        """Put the parts together; `load` makes them from a GGUF file."""
        self.sha256 = sha256
        self.context_tokens = context_tokens
        self._runtime = runtime
        self._tokenizer = tokenizer
        self._template = template
        self._batch = batch
        self._prefixes = PrefixCache(runtime)

    @classmethod
    def load(
        cls,
        gguf: Path,
        prepared: Path,
        *,
        threads: int,
        batch: int,
        context_tokens: int,
        exact: bool = False,
    ) -> Self:
        """Prepare the GGUF file if need be, read and compile it."""
        folder = prepare(gguf, prepared)
        card, vocabulary = read_prepared(folder)
        tokenizer = GgufTokenizer(vocabulary, end_token=card.end_token)
        template = ChatTemplate(
            card.chat_template, tokenizer, begin=card.begin_token, end=card.end_text
        )
        return cls(
            Runtime(
                folder / "model.xml",
                threads=threads,
                options=EXACT_OPTIONS if exact else COMPILE_OPTIONS,
            ),
            tokenizer,
            template,
            sha256=card.sha256,
            context_tokens=min(card.context_tokens, context_tokens),
            batch=batch,
        )

    def score(
        self, prompts: Sequence[Prompt], candidates: Sequence[tuple[str, ...]], stop: Event
    ) -> list[Scores | Exception]:
        """See `EmbeddedModel.score`; one candidate tuple per prompt."""
        tries = {each: self._trie(each) for each in set(candidates)}
        longest = max(len(self._tokenizer.encode(name)) for each in tries for name in each)
        done: list[Scores | Exception] = [ModelError("The call was cancelled.")] * len(prompts)
        lengths: dict[int, int] = {}

        def run(numbers: Sequence[int], suffixes: Sequence[Sequence[int]], began: float) -> None:
            found = score_batch(
                self._runtime,
                suffixes,
                [tries[candidates[number]] for number in numbers],
                rows_at_once(max(lengths[number] for number in numbers), 2 * self._batch),
            )
            seconds = (time.perf_counter() - began) / len(numbers)
            for number, probabilities in zip(numbers, found, strict=True):
                done[number] = Scores(
                    probabilities=tuple(probabilities.tolist()),
                    method="label_path",
                    usage=Usage(prompt_tokens=lengths[number], seconds=seconds),
                )

        self._run(prompts, longest, done, lengths, run, stop)
        return done

    def generate(
        self, prompts: Sequence[Prompt], schema: dict[str, JsonValue], max_tokens: int, stop: Event
    ) -> list[Reply | Exception]:
        """See `EmbeddedModel.generate`."""
        grammar = Grammar(self._tokenizer, schema)
        done: list[Reply | Exception] = [ModelError("The call was cancelled.")] * len(prompts)
        lengths: dict[int, int] = {}

        def run(numbers: Sequence[int], suffixes: Sequence[Sequence[int]], began: float) -> None:
            drafts = generate_batch(self._runtime, suffixes, grammar, max_tokens)
            seconds = (time.perf_counter() - began) / len(numbers)
            for number, draft in zip(numbers, drafts, strict=True):
                done[number] = draft.error or self._reply(draft, lengths[number], seconds)

        self._run(prompts, max_tokens, done, lengths, run, stop)
        return done

    def _reply(self, draft: Draft, prompt_tokens: int, seconds: float) -> Reply:
        return Reply(
            text=self._tokenizer.decode(draft.tokens),
            finish=draft.finish or "length",
            tokens=tuple(self._tokenizer.decode([token]) for token in draft.tokens),
            logprobs=tuple(draft.logprobs),
            usage=Usage(
                prompt_tokens=prompt_tokens,
                completion_tokens=len(draft.tokens),
                seconds=seconds,
            ),
        )

    def _run(
        self,
        prompts: Sequence[Prompt],
        reserve: int,
        done: list[Scores | Exception] | list[Reply | Exception],
        lengths: dict[int, int],
        run: Callable[[Sequence[int], Sequence[Sequence[int]], float], None],
        stop: Event,
    ) -> None:
        """Encode, refuse what is too long, and hand the rest over in batches.

        Refusals go to `done`, prompts' lengths in tokens to `lengths`.
        """
        encoded: list[tuple[int, EncodedPrompt]] = []
        for number, prompt in enumerate(prompts):
            try:
                ids = self._template.encode(prompt.messages, prompt.shared)
                if len(ids.ids) + reserve > self.context_tokens:
                    raise ModelRejected(
                        f"The prompt has {len(ids.ids):,} tokens, and with {reserve:,} for the "
                        f"answer they exceed the model's {self.context_tokens:,}; shorten the "
                        "document or show fewer examples."
                    )
            except ModelRejected as exc:
                done[number] = exc
            else:
                encoded.append((number, ids))
                lengths[number] = len(ids.ids)
        by_number = dict(encoded)
        for group in group_prompts(encoded):
            rows = [by_number[number].ids for number in group.members]
            for batch in batches([len(row) for row in rows], self._batch, reserve):
                if stop.is_set():
                    return
                began = time.perf_counter()
                read = self._prefixes.enter(group.shared, group.wanted)
                run([group.members[at] for at in batch], [rows[at][read:] for at in batch], began)

    def _trie(self, candidates: tuple[str, ...]) -> Node:
        return build_trie(
            [self._tokenizer.encode(name) for name in candidates], self._tokenizer.end_token
        )
