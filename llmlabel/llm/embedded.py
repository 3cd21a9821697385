"""A language model in this process: a GGUF file on OpenVINO behind the ChatModel protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import TypeVar

from pydantic import JsonValue

from llmlabel.errors import ModelError, ModelRejected
from llmlabel.llm.engine import Engine
from llmlabel.llm.protocol import Prompt, Reply, Scores

T = TypeVar("T")

CONTEXT_TOKENS = 8192
"""Longest prompt by default, where the model itself allows as much."""


class EmbeddedModel:
    """Scores labels and writes JSON with a local model, batch after batch in one thread.

    The model is prepared and loaded at the first call (or by `load`). Calls from several tasks
    queue up; the event loop stays free meanwhile. A cancelled call stops before its next batch.
    """

    def __init__(
        self,
        gguf: Path,
        prepared: Path,
        *,
        threads: int = 2,
        batch: int = 8,
        context_tokens: int = CONTEXT_TOKENS,
        sha256: str | None = None,
        exact: bool = False,
    ) -> None:
        """Remember what to load; nothing is read yet.

        Args:
            gguf: The weights.
            prepared: Folder for models in the form the runtime loads (see `prepare`).
            threads: CPU threads.
            batch: Prompts run at once.
            context_tokens: Longest prompt with its answer; the model's own limit counts too.
            sha256: Of the weights, where it is known; else the name lacks it until they are read.
            exact: Results do not depend on what else is in the batch, not even in the second
                decimal; takes half as long again.
        """
        self._sha256 = sha256
        self._gguf = gguf
        self._prepared = prepared
        self._threads = threads
        self._batch = batch
        self._context = context_tokens
        self._exact = exact
        self._engine: Engine | None = None
        self._closed = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="llmlabel-llm")

    @property
    def name(self) -> str:
        """Name of the weights' folder or file, with 12 digits of their hash."""
        plain = self._gguf.parent.name if self._gguf.stem == "model" else self._gguf.stem
        sha256 = self._engine.sha256 if self._engine else self._sha256
        return f"{plain}@{sha256[:12]}" if sha256 else plain

    @property
    def context_tokens(self) -> int:
        """Longest prompt with its answer, in tokens."""
        return self._engine.context_tokens if self._engine else self._context

    @property
    def loaded(self) -> bool:
        """Whether the weights are in memory."""
        return self._engine is not None

    async def load(self) -> None:
        """Prepare (once per GGUF file) and load the model, unless that is done.

        Raises:
            MissingModel: The GGUF file is not there.
            ModelCorrupt: It is broken.
            ModelRejected: The runtime cannot run it.
            CacheFull: No room to prepare it.
        """
        await self._run(lambda engine, stop: None)

    async def score(
        self, prompts: Sequence[Prompt], candidates: Sequence[str] | Sequence[Sequence[str]]
    ) -> Sequence[Scores | Exception]:
        """Path probabilities of the candidates' own names under constrained decoding.

        At each branching of the candidates' tokens the model's probabilities are renormalised
        over the tokens that lead to some candidate, and multiplied along the path. Only a
        candidate's usual tokens count, not other ways to cut its name. Branches that hold less
        than 1e-4 are not looked into; their candidates share it evenly.

        Raises:
            ValueError: Candidates are missing, empty or given twice, or their number is not
                that of the prompts.
        """
        if not prompts:
            return []
        if not candidates:
            raise ValueError("There are no candidates; give at least one.")
        one_for_all = [each for each in candidates if isinstance(each, str)]
        if one_for_all and len(one_for_all) != len(candidates):
            raise ValueError("Give candidates either for all prompts or one sequence per prompt.")
        if not one_for_all and len(candidates) != len(prompts):
            raise ValueError(
                f"There are {len(prompts)} prompts and candidates for {len(candidates)}."
            )
        sets = (
            [tuple(one_for_all)] * len(prompts)
            if one_for_all
            else [tuple(each) for each in candidates]
        )
        return await self._run(lambda engine, stop: engine.score(prompts, sets, stop))

    async def generate(
        self, prompts: Sequence[Prompt], schema: dict[str, JsonValue], max_tokens: int
    ) -> Sequence[Reply | Exception]:
        """Greedy JSON that follows the schema, written as `json.dumps` would space it.

        `tokens` and `logprobs` are those of the constrained distribution; where the schema
        leaves no choice the log-probability is 0. A reply that needs more than `max_tokens`
        comes back with `finish="length"`.

        Raises:
            ModelRejected: The schema is not one that can be followed.
        """
        if not prompts:
            return []
        return await self._run(
            lambda engine, stop: engine.generate(prompts, schema, max_tokens, stop)
        )

    async def close(self) -> None:
        """Free the memory; later calls are refused."""
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._forget)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[Engine, Event], T]) -> T:
        if self._closed:
            raise ModelRejected("The embedded model is closed.")
        stop = Event()
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, self._work, work, stop
            )
        except asyncio.CancelledError:
            stop.set()
            raise

    def _work(self, work: Callable[[Engine, Event], T], stop: Event) -> T:
        if self._engine is None:
            self._engine = Engine.load(
                self._gguf,
                self._prepared,
                threads=self._threads,
                batch=self._batch,
                context_tokens=self._context,
                exact=self._exact,
            )
        try:
            return work(self._engine, stop)
        except RuntimeError as exc:  # what OpenVINO raises
            raise ModelError(f"The embedded model {self.name} failed: {exc}") from exc

    def _forget(self) -> None:
        self._engine = None
