"""What is kept: documents, labels and their history, reviews, recordings, on one database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from llmlabel.store.access_keys import AccessKeys, AccessSessions
from llmlabel.store.access_log import AccessLog
from llmlabel.store.aged import Aged
from llmlabel.store.asked_work import AskedWork
from llmlabel.store.audits import Audits
from llmlabel.store.batch_reads import BatchReads
from llmlabel.store.batch_work import BatchWork
from llmlabel.store.benchmarks import Benchmarks
from llmlabel.store.certificates import Certificates
from llmlabel.store.costs import By, Costs, LabelCost
from llmlabel.store.counting import count
from llmlabel.store.current import Current
from llmlabel.store.database import Database, now
from llmlabel.store.days import Days
from llmlabel.store.deliveries import Deliveries
from llmlabel.store.documents import Asked, Documents, Enqueue
from llmlabel.store.events import Events
from llmlabel.store.flags import Flags
from llmlabel.store.free import Asker
from llmlabel.store.gates import Gates
from llmlabel.store.gold import Gold, GoldCount
from llmlabel.store.idempotency import Idempotency
from llmlabel.store.labels import Labels
from llmlabel.store.learning_records import (
    AuditResult,
    Day,
    Gate,
    GoldImport,
    TrainingRow,
    VerifiedLabel,
)
from llmlabel.store.migrate import upgrade
from llmlabel.store.people import People
from llmlabel.store.provider_notes import ProviderNotes
from llmlabel.store.recordings import Recordings
from llmlabel.store.records import (
    Counts,
    Event,
    Failure,
    Page,
    Recording,
    Request,
    ReviewItem,
    ReviewPage,
    StoredDocument,
    StoredLabel,
    StoredResponse,
)
from llmlabel.store.resuming import Resuming
from llmlabel.store.reviews import Reviews
from llmlabel.store.spending import Spending
from llmlabel.store.trainings import HEARTBEAT_LAPSE, Trainings
from llmlabel.store.verified import Verified
from llmlabel.store.webhooks import Webhooks
from llmlabel.store.work import Work


class Store:
    """Everything kept, by subject. Every method blocks for a short transaction; any thread.

    Attributes:
        documents: Accept, read and list documents.
        labels: Save labels, read their history, export them.
        reviews: Leases and verdicts; use it through `llmlabel.review.ReviewQueue`.
        recordings: Bytes of recordings, in a folder.
        work: What is still to be done; for the job queue.
        idempotency: Answers kept by Idempotency-Key.
        events: The log of what happened.
        gold: Right answers of a random sample, imported or found by review.
        verified: Call it with a guideline: every right answer known.
        trainings: What was learned, and which of it is in use.
        gates: Whether answers may be accepted at all.
        certificates: What was proved.
        audits: What people found of accepted answers; what they look at again.
        days: Call it with a guideline: what the pipeline said day by day.
        current: Call it with a guideline: its newest labels that wait for nobody.
        benchmarks: Hidden gold given to reviewers; use it through `llmlabel.review`.
        people: Reviewers: their clearances and their scores.
        flags: What reviewers remark on guidelines.
        aged: Documents that are old enough to go.
        provider_notes: What all workers know of providers.
        spending: Money spent and set aside.
        costs: What labels cost.
        resuming: Work that failed for a reason that passes, asked anew.
        webhooks: Endpoints that are told what happens.
        deliveries: What they are told.
        batches: Files of many lines: ordered, read, accepted.
        batch_reads: How far they are, what became of their lines.
        keys: API keys; use them through `llmlabel.access`.
        sessions: Browser sessions; as `keys`.
        access_log: Who did what.
    """

    def __init__(self, database: Database, recordings: Path) -> None:
        self.database = database
        self.events = Events(database)
        self.labels = Labels(database)
        self.documents = Documents(database, self.labels)
        self.reviews = Reviews(database, self.labels, self.events)
        self.recordings = Recordings(database, recordings)
        self.work = Work(database, self.events)
        self.asked = AskedWork(database, self.events)
        self.idempotency = Idempotency(database)
        self.gold = Gold(database)
        self.verified = Verified(database, self.labels)
        self.trainings = Trainings(database, self.events)
        self.gates = Gates(database, self.events)
        self.certificates = Certificates(database, self.events, self.gates, self.trainings)
        self.audits = Audits(database, self.labels, self.events)
        self.days = Days(database)
        self.current = Current(database)
        self.benchmarks = Benchmarks(database, self.events)
        self.people = People(database, self.events, self.benchmarks)
        self.flags = Flags(database, self.events)
        self.aged = Aged(database)
        self.provider_notes = ProviderNotes(database)
        self.spending = Spending(database)
        self.costs = Costs(database)
        self.resuming = Resuming(database, self.events)
        self.webhooks = Webhooks(database, self.events)
        self.deliveries = Deliveries(database, self.events)
        self.batches = BatchWork(database, self.events)
        self.batch_reads = BatchReads(database)
        self.keys = AccessKeys(database)
        self.sessions = AccessSessions(database)
        self.access_log = AccessLog(database)

    @classmethod
    def open(cls, url: str, *, recordings: Path, clock: Callable[[], datetime] = now) -> Self:
        """Open a database and bring its tables up to date.

        Args:
            url: `sqlite:///path/to/file.db` or `postgresql://user:password@host/name`.
            recordings: Folder of the recordings; made when the first one comes.
            clock: Tells the time in UTC.

        Raises:
            InvalidSetting: The URL cannot be used.
            StoreUnavailable: The database cannot be reached or written.
        """
        database = Database(url, clock)
        upgrade(database)
        return cls(database, recordings)

    def of_project(self, project: str, *, recordings: Path) -> Self:
        """Open the store of another project of the service whose default project this one is.

        Args:
            project: Its name; that it is in the list is not checked here.
            recordings: Folder of its recordings.

        Raises:
            StoreUnavailable: Its database cannot be reached or written.
        """
        database = self.database.of_project(project)
        upgrade(database)
        return type(self)(database, recordings)

    def counts(self) -> Counts:
        """Numbers for health checks and metrics."""
        with self.database.read() as connection:
            return count(connection, self.database.clock())

    def ping(self) -> None:
        """Check that the database answers.

        Raises:
            StoreUnavailable: It does not.
        """
        with self.database.read() as connection:
            connection.execute(sa.select(1))

    def close(self) -> None:
        """Close every connection."""
        self.database.close()


__all__ = [
    "HEARTBEAT_LAPSE",
    "Asked",
    "Asker",
    "AuditResult",
    "By",
    "Counts",
    "Day",
    "Enqueue",
    "Event",
    "Failure",
    "Gate",
    "GoldCount",
    "GoldImport",
    "LabelCost",
    "Page",
    "Recording",
    "Request",
    "ReviewItem",
    "ReviewPage",
    "Store",
    "StoredDocument",
    "StoredLabel",
    "StoredResponse",
    "TrainingRow",
    "VerifiedLabel",
]
