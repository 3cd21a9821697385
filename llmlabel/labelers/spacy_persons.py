"""Names of persons, found by a spaCy pipeline on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from llmlabel.labelers.pieces import pieces
from llmlabel.labelers.spacy_pipeline import SpacyPipeline


class SpacyPersons:
    """Finds names with the entity recogniser of a pipeline, which is loaded on first use.

    Args:
        folder: The pipeline's folder, or the name of an installed pipeline package.
        batch: Texts per batch.
    """

    def __init__(self, folder: Path | str, *, batch: int = 64) -> None:
        self._pipeline = SpacyPipeline(folder, batch)
        # One thread: a pipeline is not safe for several, and the event loop stays free.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="persons")

    @property
    def loaded(self) -> bool:
        """Whether the pipeline is in memory."""
        return self._pipeline.loaded

    async def persons(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Offsets of the names in each text, in code points, end exclusive.

        Raises:
            MissingModel: spaCy cannot load the pipeline.
            Unsupported: It has no entity recogniser.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._find, texts)

    def _find(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        cut = [list(pieces(text)) for text in texts]
        found = self._pipeline.persons([piece for each in cut for _, piece in each])
        return [
            [(start + at, end + at) for at, _ in each for start, end in next(found)] for each in cut
        ]
