"""Settings to application: the only place that picks parts."""

from __future__ import annotations

import asyncio
import socket
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from llmlabel.audio import (
    Progress,
    Transcription,
    TranscriptLabeler,
    WhisperTranscriber,
)
from llmlabel.confidence.calibrator import RawCalibrator
from llmlabel.domain.document import Document, sha256_of
from llmlabel.domain.guideline import Guideline, LabelerStep
from llmlabel.domain.label import Label
from llmlabel.embedding import SentenceEmbedder
from llmlabel.errors import InvalidSetting, Unsupported
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.jobs import Jobs
from llmlabel.labelers.llm_choice import LlmChoice
from llmlabel.labelers.llm_spans import LlmSpans
from llmlabel.labelers.llm_tokens import LlmTokens
from llmlabel.labelers.protocol import Labeler
from llmlabel.labelers.shortlist import Shortlist
from llmlabel.labelers.spacy_labeler import SpacyLabeler
from llmlabel.llm.cache import CachedModel, ReplyCache
from llmlabel.llm.embedded import EmbeddedModel
from llmlabel.llm.prepare import weights_sha256
from llmlabel.llm.protocol import ChatModel
from llmlabel.llm.remote import RemoteModel
from llmlabel.models import ModelStore
from llmlabel.pipeline import Pipeline
from llmlabel.prompts import PromptLibrary
from llmlabel.review import ReviewQueue
from llmlabel.settings import Settings
from llmlabel.shipped import search_folders
from llmlabel.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence


class Loads(Protocol):
    """A part that takes weights into memory at first use."""

    @property
    def loaded(self) -> bool:
        """Whether they are there now."""
        ...


def build(settings: Settings) -> Application:
    """Put the parts together; nothing heavy is loaded before it is used."""
    return Application(settings)


class Application:
    """The use cases of llmlabel over parts picked by the settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.models = ModelStore(settings.models_folder, settings.model_sources)
        self.guidelines = GuidelineLibrary(search_folders("guidelines", settings.guideline_paths))
        self.prompts = PromptLibrary(search_folders("prompts", settings.prompt_paths))
        self.pipeline = Pipeline(self._labeler_for, RawCalibrator())
        self._labelers: dict[tuple[object, ...], Labeler] = {}
        self._models: dict[str, ChatModel] = {}
        self._heavy: dict[str, Loads] = {}

    @property
    def transcription(self) -> Guideline:
        """The guideline under which recordings are transcribed."""
        return self.guidelines.get("transcription")

    @property
    def loaded(self) -> set[str]:
        """Names, as in the settings, of the models in memory now."""
        return {name for name, part in self._heavy.items() if part.loaded}

    async def label(self, documents: Sequence[Document], guideline: Guideline) -> list[Label]:
        """Label a batch of documents; see `Pipeline.label`."""
        return await self.pipeline.label(documents, guideline)

    async def transcribe(
        self,
        source: Path | bytes,
        *,
        id: str,
        language: str | None = None,
        progress: Progress | None = None,
    ) -> tuple[Document, Label]:
        """Transcribe a recording: the document of what was said, and the label that judges it.

        Raises: see `Transcriber.transcribe`.
        """
        guideline = self.transcription
        heard = await self._transcriber.transcribe(source, language=language, progress=progress)
        document = Document(
            id=id,
            text=heard.text,
            text_sha256=sha256_of(heard.text),
            language=heard.transcript.language,
            transcript=heard.transcript,
        )
        [label] = await self.label([document], guideline)
        return document, label

    def chat_model(self, name: str) -> ChatModel:
        """The language model of that name: of the catalogue, a GGUF file, or a provider's.

        Raises:
            MissingModel: Its weights are not on this machine.
        """
        if name not in self._models:
            model = self._open_model(name)
            self._models[name] = CachedModel(model, self._cache) if self._cache else model
        return self._models[name]

    @cached_property
    def store(self) -> Store:
        """The database, opened and brought up to date on first use.

        Raises:
            InvalidSetting: The URL cannot be used.
            StoreUnavailable: The database cannot be reached or written.
        """
        try:
            self.settings.home.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise InvalidSetting(
                f"The home folder {self.settings.home} cannot be made ({exc.strerror}); set "
                "LLMLABEL_HOME to a folder that can be written.",
                field="home",
            ) from exc
        return Store.open(
            self.settings.resolved_database_url, recordings=self.settings.home / "recordings"
        )

    @cached_property
    def reviews(self) -> ReviewQueue:
        """The review queue."""
        return ReviewQueue(self.store, self.guidelines.get, self.settings.lease_seconds)

    @cached_property
    def jobs(self) -> Jobs:
        """The durable queue; `start` it to have accepted documents labeled."""
        return Jobs(
            self.store,
            self._label_ref,
            self._transcribe_file,
            chunk=self.settings.chunk_documents,
            concurrency=self.settings.job_concurrency,
            recordings=self.settings.whisper_workers,
            # Stable, so that a restart finds its own work; unlike a second service's beside it.
            worker=f"{socket.gethostname()}-{self.settings.port}",
        )

    async def _label_ref(self, documents: Sequence[Document], ref: str) -> Sequence[Label]:
        return await self.label(documents, self.guidelines.get(ref))

    async def _transcribe_file(self, path: Path, language: str | None) -> Transcription:
        return await self._transcriber.transcribe(path, language=language)

    async def close(self) -> None:
        """Free the models and close what is open; stop `jobs` first where it was started."""
        if "store" in self.__dict__:
            self.store.close()
        if "_transcriber" in self.__dict__:
            await asyncio.to_thread(self._transcriber.close)
        for model in self._models.values():
            await model.close()
        self._models.clear()
        self._labelers.clear()

    @cached_property
    def embedder(self) -> SentenceEmbedder:
        """Sentence embeddings."""
        return SentenceEmbedder(self.models.path("minilm-l6-int8"), self.settings.threads)

    @cached_property
    def _cache(self) -> ReplyCache | None:
        return ReplyCache(self.settings.home / "replies.db") if self.settings.llm_cache else None

    @cached_property
    def _transcriber(self) -> WhisperTranscriber:
        chosen = self.settings.whisper_model
        transcriber = WhisperTranscriber(
            self.models.resolve(chosen),
            name=chosen,
            workers=self.settings.whisper_workers,
            max_seconds=self.settings.max_audio_seconds,
            max_bytes=self.settings.max_audio_bytes,
        )
        self._heavy[chosen] = transcriber
        return transcriber

    def _spacy(self, name: str) -> Path | str:
        """A folder, or the name of an installed pipeline package."""
        if self.models.catalogue.find(name) is None and not Path(name).exists():
            return name
        return self.models.resolve(name)

    def _open_model(self, name: str) -> ChatModel:
        s = self.settings
        if self.models.catalogue.find(name) is not None or Path(name).suffix == ".gguf":
            folder = self.models.resolve(name)
            gguf = folder / "model.gguf" if folder.is_dir() else folder
            prepared = s.home / "prepared"
            model = EmbeddedModel(
                gguf,
                prepared,
                threads=s.threads,
                batch=s.llm_batch,
                sha256=weights_sha256(gguf, prepared),
            )
            self._heavy[name] = model
            return model
        return RemoteModel(
            name,
            api_key=s.llm_api_key,
            api_base=s.llm_api_base,
            timeout=s.llm_timeout_seconds,
            attempts=s.llm_attempts,
            max_wait=s.llm_max_wait_seconds,
            concurrency=s.llm_concurrency,
            requests_per_minute=s.llm_requests_per_minute,
            tokens_per_minute=s.llm_tokens_per_minute,
            samples=s.llm_samples,
        )

    def _labeler_for(self, step: LabelerStep, guideline: Guideline) -> Labeler:
        key = (step.name, guideline.kind, guideline.prompt, step.model, _has_many(guideline))
        if key not in self._labelers:
            self._labelers[key] = self._open_labeler(step, guideline)
        return self._labelers[key]

    def _open_labeler(self, step: LabelerStep, guideline: Guideline) -> Labeler:
        if step.name == "whisper" and guideline.kind == "transcript":
            return TranscriptLabeler()
        if step.name == "spacy" and guideline.kind in ("spans", "tokens"):
            name = step.model or self.settings.spacy_model
            labeler = SpacyLabeler(self._spacy(name), batch=self.settings.spacy_batch)
            self._heavy[name] = labeler
            return labeler
        if step.name == "llm":
            model = self.chat_model(step.model or self.settings.llm)
            if guideline.kind == "choice":
                prompt = self.prompts.get(guideline.prompt or "choice@1.0.0")
                shortlist = Shortlist(self.embedder) if _has_many(guideline) else None
                return LlmChoice(model, prompt, shortlist)
            if guideline.kind == "spans":
                return LlmSpans(model, self.prompts)
            if guideline.kind == "tokens":
                return LlmTokens(model, self.prompts)
        raise Unsupported(
            f"{guideline.ref} names the labeler `{step.name}`, which cannot do the kind "
            f"`{guideline.kind}`; name another in `labelers`.",
            field="labelers",
        )


def _has_many(guideline: Guideline) -> bool:
    """Whether there are more labels than are offered to a model at once."""
    return len(guideline.labels) > guideline.policy.shortlist
