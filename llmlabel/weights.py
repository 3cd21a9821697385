"""What holds weights in memory: one of each in a process, however many projects use it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeVar

from llmlabel.audio import WhisperTranscriber
from llmlabel.embedding import SentenceEmbedder
from llmlabel.labelers.spacy_labeler import SpacyLabeler
from llmlabel.labelers.spacy_persons import SpacyPersons
from llmlabel.llm.embedded import EmbeddedModel
from llmlabel.llm.prepare import weights_sha256
from llmlabel.models import ModelStore
from llmlabel.settings import Settings

EMBEDDER = "minilm-l6-int8"


class Loads(Protocol):
    """A part that takes weights into memory at first use."""

    @property
    def loaded(self) -> bool:
        """Whether they are there now."""
        ...


L = TypeVar("L", bound=Loads)


class Weights:
    """Builds what runs on this machine's weights, each once, at first use.

    Args:
        settings: Which models, and how they are run.
        models: Where the weights are.
    """

    def __init__(self, settings: Settings, models: ModelStore) -> None:
        self.settings = settings
        self.models = models
        self._parts: dict[tuple[str, str], Loads] = {}
        self._building = threading.RLock()

    @property
    def loaded(self) -> set[str]:
        """Names, as in the settings, of the models in memory now."""
        # Not under the lock, which is held while a file's hash is taken.
        return {name for (_, name), part in list(self._parts.items()) if part.loaded}

    @cached_property
    def embedder(self) -> SentenceEmbedder:
        """Sentence embeddings."""
        return SentenceEmbedder(self.models.path(EMBEDDER), self.settings.threads)

    @property
    def transcriber(self) -> WhisperTranscriber:
        """Whisper."""
        s = self.settings
        chosen = s.whisper_model
        return self._once(
            "whisper",
            chosen,
            lambda: WhisperTranscriber(
                self.models.resolve(chosen),
                name=chosen,
                workers=s.whisper_workers,
                max_seconds=s.max_audio_seconds,
                max_bytes=s.max_audio_bytes,
            ),
        )

    def language_model(self, name: str) -> EmbeddedModel:
        """A language model that runs in this process: of the catalogue, or a GGUF file.

        Raises:
            MissingModel: Its weights are not on this machine.
        """

        def build() -> EmbeddedModel:
            s = self.settings
            folder = self.models.resolve(name)
            gguf = folder / "model.gguf" if folder.is_dir() else folder
            prepared = s.home / "prepared"
            return EmbeddedModel(
                gguf,
                prepared,
                threads=s.threads,
                batch=s.llm_batch,
                sha256=weights_sha256(gguf, prepared),
            )

        return self._once("llm", name, build)

    def spacy(self, name: str, kind: str) -> SpacyLabeler:
        """A spaCy pipeline that labels guidelines of a kind."""
        batch = self.settings.spacy_batch
        return self._once(
            f"spacy-{kind}", name, lambda: SpacyLabeler(self._pipeline(name), batch=batch)
        )

    @property
    def persons(self) -> SpacyPersons:
        """The default spaCy pipeline, which finds names."""
        name, batch = self.settings.spacy_model, self.settings.spacy_batch
        return self._once("persons", name, lambda: SpacyPersons(self._pipeline(name), batch=batch))

    async def close(self) -> None:
        """Free the models."""
        with self._building:
            parts = list(self._parts.values())
            self._parts.clear()
        for part in parts:
            if isinstance(part, WhisperTranscriber):
                await asyncio.to_thread(part.close)
            if isinstance(part, EmbeddedModel):
                await part.close()

    def _once(self, what: str, name: str, build: Callable[[], L]) -> L:
        with self._building:
            key = (what, name)
            if key not in self._parts:
                self._parts[key] = build()
            return self._parts[key]  # type: ignore[return-value]

    def _pipeline(self, name: str) -> Path | str:
        """A folder, or the name of an installed pipeline package."""
        if self.models.catalogue.find(name) is None and not Path(name).exists():
            return name
        return self.models.resolve(name)
