"""Settings to application: the only place that picks parts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue
from sqlalchemy.engine import make_url

from llmlabel.access import Access
from llmlabel.audio import Progress, Transcription
from llmlabel.domain.document import Document, sha256_of
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label
from llmlabel.domain.prediction import Prediction
from llmlabel.domain.promise import Promise
from llmlabel.embedding import SentenceEmbedder
from llmlabel.errors import InvalidSetting
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.in_force import InForce
from llmlabel.jobs import Jobs, Runner
from llmlabel.jobs.resume import Resumption
from llmlabel.jobs.traces import forget_jobs
from llmlabel.labelers.example_pool import ExamplePool
from llmlabel.learning.certification import CERTIFY, Certification
from llmlabel.learning.erase import Erasing
from llmlabel.learning.label_errors import Suspect, label_errors
from llmlabel.learning.losses import loss_of
from llmlabel.learning.order import priorities
from llmlabel.learning.relabel import Relabeling
from llmlabel.learning.speak import refuse_stand_ins
from llmlabel.learning.training import train
from llmlabel.learning.training_report import TrainingReport
from llmlabel.learning.watch import Watch
from llmlabel.llm.budget import EVERYTHING, Ledger, Spent, spent
from llmlabel.llm.notes import Notes
from llmlabel.llm.protocol import ChatModel
from llmlabel.models import ModelStore
from llmlabel.parts import Parts
from llmlabel.pipeline import Pipeline
from llmlabel.prompts import PromptLibrary
from llmlabel.providers import Providers, ceilings
from llmlabel.review import ReviewQueue
from llmlabel.review.benchmarks import BenchmarkQueue
from llmlabel.routing import Routing, Step
from llmlabel.settings import Settings, tracing_asked
from llmlabel.shipped import search_folders
from llmlabel.store import Store
from llmlabel.telemetry import Telemetry, open_telemetry
from llmlabel.upkeep import Retention, Upkeep, train_where_due
from llmlabel.webhooks.courier import Courier
from llmlabel.webhooks.endpoints import Endpoints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmlabel.domain.webhook import Message
    from llmlabel.webhooks.send import Outcome, Sender


TAKE_OVER_SECONDS = 90.0
"""A job that begins anew after a crash waits so long until the training it left counts as dead."""

Counted = Callable[[int, int], None]
"""Told how many of how many are done."""


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
        self.providers = Providers(settings, self._notes, self._ledger)
        self.parts = Parts(settings, self.models, self.prompts, self.providers)
        self.in_force = InForce(
            self.parts,
            lambda: self.store if self.has_store else None,
            promise=settings.promise,
            seed=settings.audit_seed,
        )
        self.pipeline = Pipeline(self.in_force.routing)

    @cached_property
    def telemetry(self) -> Telemetry:
        """Told of all that happens in this process; traces where the `OTEL_` variables ask."""
        return open_telemetry(self._worker, tracing=tracing_asked())

    @property
    def _worker(self) -> str:
        """Of what is measured here: the same after a restart, unlike that of others beside it."""
        return f"{socket.gethostname()}-{self.settings.metrics_port or self.settings.port}"

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
        if "store" in self.__dict__:
            return True
        url = make_url(self.settings.resolved_database_url)
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
    def access(self) -> Access:
        """Who may come in, and what they may do."""
        return Access(
            self.store,
            requests_per_minute=self.settings.key_requests_per_minute,
            documents_per_minute=self.settings.key_documents_per_minute,
            session_hours=self.settings.session_hours,
        )

    @cached_property
    def reviews(self) -> ReviewQueue:
        """The review queue; audits are weighed after every verdict on one."""
        seconds = self.settings.lease_seconds
        return ReviewQueue(
            self.store,
            self.guidelines.get,
            seconds,
            decided=self.watch.decided,
            clearance=self.store.people.get,
            benchmarks=BenchmarkQueue(self.store, self.guidelines.get, loss_of, seconds),
        )

    @cached_property
    def relabel(self) -> Relabeling:
        """Has people look at labels again; call it."""
        return Relabeling(lambda: self.store, self.guidelines.get, self.label_errors)

    @cached_property
    def erase(self) -> Erasing:
        """Deletes documents with everything derived; call it."""
        return Erasing(
            lambda: self.store,
            self.guidelines.get,
            forget_jobs=lambda ids: forget_jobs(self.store.database, ids),
            forget=self._forget_texts,
        )

    def _forget_texts(self, since: int) -> None:
        self.parts.forget_texts(since)
        self.in_force.forget()

    @cached_property
    def watch(self) -> Watch:
        """What looks after the promises in force."""
        return Watch(self.store, self.guidelines.get)

    @cached_property
    def jobs(self) -> Jobs:
        """Accepts documents and recordings; `runner` has them labeled."""
        return Jobs(
            self.store,
            self._label_ref,
            self._transcribe_file,
            self.runner,
            order=self._order,
            chunk=self.settings.chunk_documents,
            learn={"train": self._train_job, CERTIFY: self.certify.job},
        )

    @cached_property
    def runner(self) -> Runner:
        """What this process works on; `start` it to have accepted documents labeled."""
        return Runner(
            self.store,
            lambda _: self.jobs,
            concurrency=self.settings.job_concurrency,
            recordings=self.settings.whisper_workers,
            upkeep=self._upkeep,
            queues=self.settings.queues,
            telemetry=self.telemetry,
            beside=[Courier(self.store, self._sender, sent=self._sent)],
        )

    @cached_property
    def webhooks(self) -> Endpoints:
        """Endpoints that are told what happens."""
        return Endpoints(
            lambda: self.store,
            self.guidelines.get,
            self._sender,
            private=self.settings.webhooks_private,
        )

    def _sender(self) -> Sender:
        from llmlabel.webhooks.send import Sender  # noqa: PLC0415 - and what it connects with

        return Sender(
            private=self.settings.webhooks_private, public_url=self.settings.public_url or ""
        )

    def _sent(self, message: Message, outcome: Outcome) -> None:
        self.telemetry.meters.webhook("delivered" if outcome.delivered else "failed")

    async def train(
        self,
        ref: str,
        *,
        by: str,
        student: bool = True,
        examples: bool = True,
        wait: float = 0.0,
        progress: Counted | None = None,
    ) -> TrainingReport:
        """Learn anew from the verified labels of a guideline, and prove its promise anew.

        While a certificate is in force, it stays so, and what was learned is put to use only
        together with a certificate that lets at least as much pass.

        Raises: see `learning.training.train`.
        """
        guideline = self.guidelines.get(ref)
        promise = self.promise_for(guideline)

        async def predict(
            documents: Sequence[Document], pool: ExamplePool | None
        ) -> Sequence[Sequence[Prediction]]:
            steps = self.in_force.base_steps(guideline, pool)
            opinions = await self.pipeline.predict(documents, guideline, steps)
            return refuse_stand_ins(opinions, guideline)

        spacy = self.in_force.spacy_of(guideline)
        report = await train(
            guideline,
            store=self.store,
            predict=predict,
            embedder=lambda: self.embedder,
            features=None if spacy is None else partial(spacy.features, guideline=guideline),
            by=by,
            promise=promise,
            student=student,
            examples=examples,
            activate=not self.in_force.holds(guideline),
            wait=wait,
            progress=progress,
        )
        if promise is not None:
            # Whatever happened meanwhile: is it in use, or has it to earn that first?
            in_use = self.in_force.training(guideline) == report.id
            candidate = None if in_use else report.id
            await self.certify(guideline.ref, promise, training=candidate)
        return report

    @cached_property
    def certify(self) -> Certification:
        """Proves what can be proved of a guideline's labels; call it."""
        return Certification(
            lambda: self.store,
            self.pipeline,
            self.guidelines.get,
            routing_for=self.in_force.candidate,
            identity=self.in_force.identity,
            promise_for=self.promise_for,
            promised_elsewhere=lambda guideline: self.in_force.promise(guideline, None),
        )

    async def label_errors(self, ref: str) -> list[Suspect]:
        """The verified labels of a guideline, the likeliest wrong first.

        Raises: see `learning.label_errors.label_errors`.
        """
        guideline = self.guidelines.get(ref)
        # Of a choice the sentences alone tell: its labelers need not be loaded.
        spacy = None if guideline.kind == "choice" else self.in_force.spacy_of(guideline)
        return await label_errors(
            guideline,
            self.store.verified(guideline.ref),
            embedder=lambda: self.embedder,
            features=None if spacy is None else partial(spacy.features, guideline=guideline),
        )

    async def _train_job(self, id: str, ref: str, argument: str) -> str:
        report = await self.train(ref, by=argument or id, wait=TAKE_OVER_SECONDS)
        return report.id

    @cached_property
    def resumption(self) -> Resumption:
        """Asks anew for what failed for want of money or of a provider; call it."""
        return Resumption(
            self.jobs,
            self.store,
            self.has_room,
            self.providers.standings,
            self.settings.chunk_documents,
        )

    def has_room(self) -> bool:
        """Whether the budget would let the call pass that it refused last."""
        return self.store.spending.has_room(EVERYTHING, ceilings(self.settings))

    def spent(self) -> list[Spent]:
        """What was spent on remote models in all, this month and today, and what may be."""
        counted = self.store.spending.spent(EVERYTHING)
        return spent(counted, ceilings(self.settings))

    def _notes(self) -> Notes | None:
        return self.store.provider_notes if self.has_store else None

    def _ledger(self) -> Ledger | None:
        # A budget is kept in a database, so that labeling a file under one makes it.
        return self.store.spending if ceilings(self.settings) or self.has_store else None

    def _resume(self) -> None:
        self.resumption()  # built late: it is of the jobs, which hold the upkeep

    @cached_property
    def _upkeep(self) -> Upkeep:
        days, keep = self.settings.retention_days, self.settings.retention_keep_verified
        return Upkeep(
            {
                "resume": self._resume,
                "watch": self.watch.upkeep,
                "erase": self.erase.keep_up,
                "retain": Retention(self.erase, days, keep_verified=keep),
                "train": lambda: train_where_due(
                    self.store, self.guidelines, self.jobs, self.settings.train_after
                ),
            }
        )

    async def _order(
        self, documents: Sequence[Document], labels: Sequence[Label], ref: str
    ) -> dict[str, float]:
        order = self.guidelines.get(ref).policy.order
        vectors = None
        if order == "diverse":
            texts = [document.text for document in documents]
            vectors = await asyncio.to_thread(self.embedder.embed, texts)
        values = priorities(labels, order, vectors)
        return {label.document_id: value for label, value in zip(labels, values, strict=True)}

    async def _label_ref(self, documents: Sequence[Document], ref: str) -> Sequence[Label]:
        return await self.label(documents, self.guidelines.get(ref))

    async def _transcribe_file(self, path: Path, language: str | None) -> Transcription:
        return await self.parts.transcriber.transcribe(path, language=language)

    async def close(self) -> None:
        """Free the models and close what is open; stop `runner` first where it was started."""
        if "store" in self.__dict__:
            self.store.close()
        await self.parts.close()
        if "telemetry" in self.__dict__:
            await asyncio.to_thread(self.telemetry.close)
