"""What labels, for one project: the parts picked by the settings, over the project's store."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import JsonValue

from llmlabel.audio import Progress, Transcription
from llmlabel.domain.document import Document, sha256_of
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label
from llmlabel.domain.project import DEFAULT_PROJECT, ProjectBudget
from llmlabel.domain.promise import Promise
from llmlabel.embedding import SentenceEmbedder
from llmlabel.errors import InvalidSetting
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.in_force import InForce
from llmlabel.learning.order import priorities
from llmlabel.llm.budget import Spent
from llmlabel.llm.notes import Notes
from llmlabel.llm.protocol import ChatModel
from llmlabel.models import ModelStore
from llmlabel.money import Money
from llmlabel.parts import Parts
from llmlabel.pipeline import Pipeline
from llmlabel.prompts import PromptLibrary
from llmlabel.providers import Providers, ceilings
from llmlabel.routing import Routing, Step
from llmlabel.settings import Settings
from llmlabel.shipped import search_folders
from llmlabel.store import Store
from llmlabel.store.connect import parsed_url
from llmlabel.store.spending import Spending
from llmlabel.weights import Weights


class Assembly(ABC):
    """Labels documents and recordings of a project.

    Args:
        settings: Of the process.
        project: Whose store, guidelines, reply cache and budget are used.
        service: The default project's, if this is another's: they share what is in memory, the
            prompts, and the limits of providers.
    """

    def __init__(
        self, settings: Settings, project: str = DEFAULT_PROJECT, service: Self | None = None
    ) -> None:
        self.settings = settings
        self.project = project
        self.service = service or self
        self.parts: Parts
        self.providers: Providers
        folder = settings.folder_of(project)
        tasks = search_folders("guidelines", settings.guideline_paths)
        if service is None:
            self.models = ModelStore(settings.models_folder, settings.model_sources)
            self.prompts = PromptLibrary(search_folders("prompts", settings.prompt_paths))
            weights = Weights(settings, self.models)
            providers = Providers(settings, self._notes)
        else:
            self.models, self.prompts = service.models, service.prompts
            weights, providers = service.parts.weights, service.providers
        self.guidelines = GuidelineLibrary([*settings.own_guidelines(project), *tasks])
        self.money = Money(settings, project, self._budget, self._spending)
        self.providers = providers.charging(self.money.budget())
        self.parts = Parts(
            settings,
            self.models,
            self.prompts,
            self.providers,
            weights=weights,
            replies=folder / "replies.db",
        )
        self.in_force = InForce(
            self.parts,
            lambda: self.store if self.has_store else None,
            promise=settings.promise,
            seed=settings.audit_seed,
        )
        self.pipeline = Pipeline(self.in_force.routing)

    @property
    def is_service(self) -> bool:
        """Whether it is the default project's, on which the others hang."""
        return self.service is self

    @property
    def transcription(self) -> Guideline:
        """The guideline under which recordings are transcribed."""
        return self.guidelines.get("transcription")

    @property
    def loaded(self) -> set[str]:
        """Names, as in the settings, of the models in memory now."""
        return self.parts.loaded

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
        heard = await self.parts.transcriber.transcribe(
            source, language=language, progress=progress
        )
        document = Document(
            id=id,
            text=heard.text,
            text_sha256=sha256_of(heard.text),
            language=heard.transcript.language,
            transcript=heard.transcript,
        )
        [label] = await self.label([document], guideline)
        return document, label

    def routing_for(self, guideline: Guideline) -> Routing:
        """What is in force for a guideline now."""
        return self.in_force.routing(guideline)

    def promise_for(self, guideline: Guideline) -> Promise | None:
        """What is promised of a guideline's labels; None where nothing is."""
        return self.in_force.promise(guideline, self.store)

    def base_steps(self, guideline: Guideline) -> tuple[Step, ...]:
        """The guideline's own labelers, without what was learned."""
        return self.in_force.base_steps(guideline)

    def identity(self, guideline: Guideline) -> dict[str, JsonValue]:
        """What the answers under a guideline depend on now; a certificate holds for this."""
        return self.in_force.identity(guideline)

    def chat_model(self, name: str) -> ChatModel:
        """The language model of that name; see `Parts.chat_model`."""
        return self.parts.chat_model(name)

    @property
    def embedder(self) -> SentenceEmbedder:
        """Sentence embeddings."""
        return self.parts.embedder

    @property
    def has_store(self) -> bool:
        """Whether there is a database: labeling a file does not make one."""
        if "store" in self.__dict__ or not self.is_service:
            return True
        url = parsed_url(self.settings.resolved_database_url)
        if url.get_backend_name() != "sqlite":
            return True
        return url.database is not None and Path(url.database).is_file()

    @cached_property
    def store(self) -> Store:
        """The database, opened and brought up to date on first use.

        Raises:
            InvalidSetting: The URL cannot be used.
            StoreUnavailable: The database cannot be reached or written.
        """
        recordings = self.settings.folders_of(self.project)["recordings"]
        if not self.is_service:
            return self.service.store.of_project(self.project, recordings=recordings)
        try:
            self.settings.home.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise InvalidSetting(
                f"The home folder {self.settings.home} cannot be made ({exc.strerror}); set "
                "LLMLABEL_HOME to a folder that can be written.",
                field="home",
            ) from exc
        return Store.open(self.settings.resolved_database_url, recordings=recordings)

    def spent(self) -> list[Spent]:
        """What was spent on remote models in all, this month and today, and what may be."""
        return self.money.spent()

    def forget_texts(self, since: int) -> None:
        """Drop what is kept of texts; see `Parts.forget_texts`."""
        self.parts.forget_texts(since)
        self.in_force.forget()

    async def label_ref(self, documents: Sequence[Document], ref: str) -> Sequence[Label]:
        """Label a batch as jobs ask for it; see `jobs.LabelBatch`."""
        return await self.label(documents, self.guidelines.get(ref))

    async def transcribe_file(self, path: Path, language: str | None) -> Transcription:
        """Transcribe as jobs ask for it; see `jobs.Transcribe`."""
        return await self.parts.transcriber.transcribe(path, language=language)

    async def order(
        self, documents: Sequence[Document], labels: Sequence[Label], ref: str
    ) -> dict[str, float]:
        """How much a verdict on each document is worth; the most valuable is reviewed first."""
        order = self.guidelines.get(ref).policy.order
        vectors = None
        if order == "diverse":
            texts = [document.text for document in documents]
            vectors = await asyncio.to_thread(self.embedder.embed, texts)
        values = priorities(labels, order, vectors)
        return {label.document_id: value for label, value in zip(labels, values, strict=True)}

    def leave(self) -> None:
        """Close what belongs to this project alone."""
        self.parts.close()
        if "store" in self.__dict__:
            self.store.close()

    @abstractmethod
    def _budget(self) -> ProjectBudget:
        """What the project may spend, as it is stored with it now."""

    def _notes(self) -> Notes | None:
        return self.store.provider_notes if self.has_store else None

    def _spending(self) -> Spending | None:
        service = self.service
        # A budget is kept in a database, so that labeling a file under one makes it.
        kept = ceilings(self.settings) or service.has_store
        return service.store.spending if kept else None
