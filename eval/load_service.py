"""`llmlabel` as it is, with a look at where its processor time goes, or with an instant model.

Run: python -m eval.load_service [--instant] [--profile FILE] -- serve
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from pydantic import JsonValue

from llmlabel.llm.protocol import Prompt, Reply, Scores, Usage

EVERY = 0.004
SURE, DOUBTED = 0.97, 0.6


class InstantModel:
    """A `ChatModel` in this process that takes no time and is sure of nine labels in ten."""

    def __init__(self) -> None:
        self._n = 0

    @property
    def name(self) -> str:
        return "instant/none"

    @property
    def context_tokens(self) -> int:
        return 100_000

    async def score(
        self, prompts: Sequence[Prompt], candidates: Sequence[str] | Sequence[Sequence[str]]
    ) -> Sequence[Scores | Exception]:
        shared = isinstance(candidates[0], str)
        usage = Usage(prompt_tokens=200, completion_tokens=1)
        scores: list[Scores | Exception] = []
        for index in range(len(prompts)):
            self._n += 1
            top = DOUBTED if self._n % 10 == 0 else SURE
            n = len(candidates if shared else candidates[index])
            shares = (top, *[(1 - top) / (n - 1)] * (n - 1))
            scores.append(Scores(probabilities=shares, method="logprobs", usage=usage))
        return scores

    async def generate(
        self, prompts: Sequence[Prompt], schema: dict[str, JsonValue], max_tokens: int
    ) -> Sequence[Reply | Exception]:
        raise NotImplementedError("only choices are measured")

    async def close(self) -> None:
        pass


class Profile:
    """Shares of processor time by package and by function of ours; waiting counts for nothing.

    A thread samples all others and books the processor time that each used since the last look
    on what it is at.
    """

    def __init__(self) -> None:
        self.packages: Counter[str] = Counter()
        self.functions: Counter[str] = Counter()
        self._used: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="profile", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def written(self, top: int = 25) -> str:
        lines = []
        for title, counter in (("package", self.packages), ("function of ours", self.functions)):
            total = sum(counter.values()) or 1.0
            lines.append(f"  by {title}, of {total:.1f} CPU s")
            for name, seconds in counter.most_common(top):
                lines.append(f"    {seconds / total:6.1%}  {name}")
        return "\n".join(lines) + "\n"

    def _run(self) -> None:
        own = threading.get_ident()
        while not self._stop.wait(EVERY):
            frames = sys._current_frames()
            for thread in threading.enumerate():
                if thread.ident is None or thread.ident == own or thread.ident not in frames:
                    continue
                try:
                    used = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
                except (OSError, AttributeError):
                    continue
                delta = used - self._used.get(thread.ident, used)
                self._used[thread.ident] = used
                if delta > 0:
                    self._book(frames[thread.ident], delta)

    def _book(self, frame: FrameType | None, seconds: float) -> None:
        package = function = None
        while frame is not None and (package is None or function is None):
            file = frame.f_code.co_filename
            if package is None and "site-packages/" in file:
                package = file.partition("site-packages/")[2].partition("/")[0]
            elif "/llmlabel/" in file and "site-packages" not in file:
                name = file.rpartition("/llmlabel/")[2]
                package = package or "llmlabel"
                function = function or f"{name} {frame.f_code.co_qualname}"
            frame = frame.f_back
        self.packages[package or "the standard library"] += seconds
        self.functions[function or "(none)"] += seconds


def main(arguments: Sequence[str]) -> None:
    """Run the command line, measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--instant", action="store_true", help="a model in the process")
    parser.add_argument("--profile", type=Path, help="written at the end")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args(arguments)
    from llmlabel.cli.main import run  # noqa: PLC0415
    from llmlabel.providers import Providers  # noqa: PLC0415

    if given.instant:

        def instant(*_: Any, **__: Any) -> InstantModel:
            return InstantModel()

        Providers.open = instant  # type: ignore[method-assign,assignment]
    sys.argv = ["llmlabel", *given.command]
    profile = Profile()
    if given.profile:
        profile.start()
    try:
        run()
    finally:
        if given.profile:
            profile.stop()
            given.profile.write_text(profile.written(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
