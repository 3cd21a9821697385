"""Settings to application: the only place that picks parts."""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from llmlabel.access import Access
from llmlabel.assembly import Assembly
from llmlabel.batches.batching import Batching
from llmlabel.batches.files import BatchFiles
from llmlabel.batches.limits import BatchLimits
from llmlabel.batches.paying import PaidByBatch
from llmlabel.batches.reader import BatchReader, Desk
from llmlabel.domain.project import ProjectBudget
from llmlabel.jobs import Beside, Jobs, Runner
from llmlabel.jobs.resume import Resumption
from llmlabel.jobs.strays import Strays
from llmlabel.jobs.traces import forget_jobs
from llmlabel.learning.certification import CERTIFY, Certification
from llmlabel.learning.erase import Erasing
from llmlabel.learning.label_errors import Suspect
from llmlabel.learning.losses import loss_of
from llmlabel.learning.relabel import Relabeling
from llmlabel.learning.watch import Watch
from llmlabel.project_keeping import ProjectKeeping
from llmlabel.review import ReviewQueue
from llmlabel.review.benchmarks import BenchmarkQueue
from llmlabel.settings import Settings, tracing_asked
from llmlabel.store.projects import Projects
from llmlabel.teaching import Teaching
from llmlabel.telemetry import Telemetry, open_telemetry
from llmlabel.tenants import BesideEach, Tenants
from llmlabel.upkeep import Retention, Upkeep, train_where_due
from llmlabel.webhooks.courier import Courier
from llmlabel.webhooks.endpoints import Endpoints

if TYPE_CHECKING:
    from llmlabel.domain.webhook import Message
    from llmlabel.webhooks.send import Outcome, Sender


def build(settings: Settings) -> Application:
    """Put the parts together; nothing heavy is loaded before it is used.

    Returns:
        The application of the project that the settings name.

    Raises:
        NotFound: There is no such project.
    """
    service = build_service(settings)
    return service.of(settings.project)


def build_service(settings: Settings) -> Application:
    """The application of the default project, which runs the work of all."""
    return Application(settings)


class Application(Assembly):
    """The use cases of llmlabel, for one project; see `Assembly`."""

    @cached_property
    def tenants(self) -> Tenants[Application]:
        """The projects of the service."""
        assert self.is_service, "projects hang on the default one's application"

        def open(name: str) -> Application:
            project = Application(self.settings, name, self)
            project.store  # noqa: B018 - opened here once, before threads ask for it
            return project

        return Tenants(lambda: Projects(self.store.database), open, self)

    def of(self, project: str) -> Application:
        """The application of a project of the same service.

        Raises:
            NotFound: There is none of that name, or it is being deleted.
            StoreUnavailable: Its database cannot be reached.
        """
        return self if project == self.project else self.service.tenants.of(project)

    def ready(self, project: str) -> Application | None:
        """The same, if that takes no look at a database."""
        return self if project == self.project else self.service.tenants.ready(project)

    def each(self) -> list[Application]:
        """The application of every project of the service."""
        return self.service.tenants.each()

    @cached_property
    def telemetry(self) -> Telemetry:
        """Told of all that happens in this process; traces where the `OTEL_` variables ask."""
        if not self.is_service:
            return self.service.telemetry
        return open_telemetry(self._worker, tracing=tracing_asked())

    @property
    def _worker(self) -> str:
        """Of what is measured here: the same after a restart, unlike that of others beside it."""
        return f"{socket.gethostname()}-{self.settings.metrics_port or self.settings.port}"

    @cached_property
    def access(self) -> Access:
        """Who may come in, and what they may do, in all projects."""
        if not self.is_service:
            return self.service.access
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
            forget=self.forget_texts,
        )

    @cached_property
    def watch(self) -> Watch:
        """What looks after the promises in force."""
        return Watch(self.store, self.guidelines.get)

    @cached_property
    def jobs(self) -> Jobs:
        """Accepts documents and recordings; `runner` has them labeled."""
        return Jobs(
            self.store,
            PaidByBatch(self.store, self.label_ref),
            self.transcribe_file,
            self.service.runner,
            project=self.project,
            order=self.order,
            chunk=self.settings.chunk_documents,
            max_waiting=self.settings.max_waiting,
            learn={"train": self.train.job, CERTIFY: self.certify.job},
        )

    @cached_property
    def runner(self) -> Runner:
        """What this process works on; `start` it to have accepted documents labeled."""
        if not self.is_service:
            return self.service.runner
        beside = BesideEach(self.tenants)
        duties = Upkeep(
            {
                "beside": beside.keep_up,
                "projects": self.tenants.keep_up,
                "delete projects": self.projects.keep_up,
            }
        )
        return Runner(
            self.store,
            lambda name: self.of(name).jobs,
            concurrency=self.settings.job_concurrency,
            recordings=self.settings.whisper_workers,
            upkeep=duties,
            queues=self.settings.queues,
            telemetry=self.telemetry,
            beside=[beside],
        )

    @property
    def beside(self) -> list[Beside]:
        """What runs beside the jobs of this project, made anew."""
        reader = BatchReader(
            Desk(self.store, self._batch_files, self.jobs, self.settings.max_waiting // 2),
            self.runner.worker,
            self._batch_limits,
            keep=timedelta(days=self.settings.batch_days),
        )
        return [Courier(self.store, self._sender, sent=self._sent), reader]

    @cached_property
    def batches(self) -> Batching:
        """Files of many lines."""
        return Batching(
            lambda: self.store, self._batch_files, self.guidelines.get, self._batch_limits
        )

    @cached_property
    def _batch_files(self) -> BatchFiles:
        return BatchFiles(self.settings.folder_of(self.project) / "batches")

    @property
    def _batch_limits(self) -> BatchLimits:
        s = self.settings
        return BatchLimits(
            max_bytes=s.max_batch_bytes,
            max_unpacked_bytes=s.max_batch_unpacked_bytes,
            max_ratio=s.max_batch_ratio,
            max_lines=s.max_batch_lines,
            max_open=s.max_open_batches,
            max_text_chars=s.max_text_chars,
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

    @cached_property
    def train(self) -> Teaching:
        """Learns anew from the verified labels of a guideline; call it."""
        return Teaching(
            lambda: self.store,
            self.guidelines,
            self.in_force,
            self.pipeline,
            lambda: self.embedder,
            lambda: self.certify,
        )

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
        return await self.train.label_errors(ref)

    @cached_property
    def projects(self) -> ProjectKeeping:
        """Creates, limits and deletes the projects of the service."""
        if not self.is_service:
            return self.service.projects
        return ProjectKeeping(lambda: self.store, self.settings.folder_of)

    @cached_property
    def resumption(self) -> Resumption:
        """Asks anew for what failed for want of money or of a provider; call it."""
        return Resumption(
            self.jobs,
            self.store,
            self.money.has_room,
            self.providers.standings,
            self.settings.chunk_documents,
        )

    def _budget(self) -> ProjectBudget:
        return self.service.tenants.get(self.project).budget

    def _resume(self) -> None:
        self.resumption()  # built late: it is of the jobs, which hold the upkeep

    @cached_property
    def strays(self) -> Strays:
        """Finds what was accepted and has no job; call it."""
        return Strays(self.service.store.database, self.store, self.jobs)

    def _find_strays(self) -> None:
        self.strays()

    @cached_property
    def _upkeep(self) -> Upkeep:
        days, keep = self.settings.retention_days, self.settings.retention_keep_verified
        return Upkeep(
            {
                "resume": self._resume,
                "strays": self._find_strays,
                "watch": self.watch.upkeep,
                "erase": self.erase.keep_up,
                "retain": Retention(self.erase, days, keep_verified=keep),
                "train": lambda: train_where_due(
                    self.store, self.guidelines, self.jobs, self.settings.train_after
                ),
            }
        )

    def keep_up(self) -> None:
        """Do what the project's own upkeep consists of, once."""
        self._upkeep()

    async def close(self) -> None:
        """Free the models and close every project; stop `runner` first where it was started."""
        if not self.is_service:
            return await self.service.close()
        if "tenants" in self.__dict__:
            self.tenants.close()
        self.leave()
        await self.parts.weights.close()
        if "telemetry" in self.__dict__:
            await asyncio.to_thread(self.telemetry.close)
