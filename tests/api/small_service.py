"""The application behind the routes, real but for its labeler: a store on SQLite, a queue,
the shipped guidelines."""

from __future__ import annotations

import asyncio
import math
import struct
import wave
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

from made_labels import made_label
from pydantic import JsonValue

from llmlabel.access import Access
from llmlabel.audio import Transcription
from llmlabel.batches.batching import Batching
from llmlabel.batches.files import BatchFiles
from llmlabel.batches.limits import BatchLimits
from llmlabel.batches.reader import BatchReader, Desk
from llmlabel.domain.answer import Answer, ChoiceAnswer, Span, SpansAnswer, TranscriptAnswer
from llmlabel.domain.document import Document, Transcript
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label
from llmlabel.domain.prediction import Outcome, Prediction, Source
from llmlabel.domain.promise import Promise
from llmlabel.errors import ModelRejected
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.jobs import Jobs, Patience, Runner
from llmlabel.learning.certification import CERTIFY, Asked
from llmlabel.learning.certify import certify
from llmlabel.learning.erase import Erasing
from llmlabel.learning.label_errors import Suspect
from llmlabel.learning.losses import loss_of
from llmlabel.learning.relabel import Relabeling
from llmlabel.learning.speak import Spoken
from llmlabel.learning.watch import Watch
from llmlabel.llm.budget import EVERYTHING, Spent, spent
from llmlabel.llm.notes import LocalNotes
from llmlabel.llm.provider import standings
from llmlabel.llm.provider_state import Terms
from llmlabel.models import ModelStore
from llmlabel.review import ReviewQueue
from llmlabel.review.benchmarks import BenchmarkQueue
from llmlabel.routing import Judged
from llmlabel.shipped import search_folders
from llmlabel.store import Store
from llmlabel.telemetry import Telemetry, Tracer
from llmlabel.webhooks.courier import Courier
from llmlabel.webhooks.endpoints import Endpoints
from llmlabel.webhooks.send import Sender


def tone(seconds: float = 1.0) -> bytes:
    """A wav file of a tone."""
    buffer = BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        samples = (int(9000 * math.sin(n / 6)) for n in range(int(16_000 * seconds)))
        out.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return buffer.getvalue()


class SmallService:
    """Texts that end in `?` are doubted, `break` cannot be labeled, while `held` nothing is."""

    project = "default"

    def __init__(self, folder: Path, tracer: Tracer | None = None, **limits: int) -> None:
        self.settings = SimpleNamespace(
            max_text_chars=20_000,
            max_documents=5,
            max_batch_bytes=1_000_000,
            max_audio_bytes=200_000,
            max_audio_seconds=60.0,
            llm="qwen2.5-coder-1.5b-instruct",
            llm_fallbacks=(),
            spacy_model="en_core_web_sm",
            whisper_model="whisper-base",
        )
        self.loaded: set[str] = set()
        self.telemetry = Telemetry("small", tracer)
        self.held = False
        self.spoken = "hello there"
        self.models = ModelStore(folder / "models")
        self.store = Store.open(f"sqlite:///{folder / 'store.db'}", recordings=folder / "sound")
        self.access = Access(self.store)
        self.guidelines = GuidelineLibrary(search_folders("guidelines"))
        self.reviews = ReviewQueue(
            self.store,
            self.guidelines.get,
            lease_seconds=60,
            clearance=self.store.people.get,
            benchmarks=BenchmarkQueue(self.store, self.guidelines.get, loss_of, 60),
        )
        self.suspects: list[Suspect] = []
        self.relabel = Relabeling(lambda: self.store, self.guidelines.get, self.label_errors)
        self.erase = Erasing(
            lambda: self.store, self.guidelines.get, lambda _: None, lambda _: None
        )
        self.promise: Promise | None = None
        self.watch = Watch(self.store, self.guidelines.get)
        self.webhooks = Endpoints(
            lambda: self.store, self.guidelines.get, self.sender, private=True
        )
        self.runner = Runner(
            self.store,
            lambda _: self.jobs,
            telemetry=self.telemetry,
            beside=[Courier(self.store, self.sender, poll_seconds=0.05), self],
        )
        self.jobs = Jobs(
            self.store,
            self.label,
            self.transcribe,
            self.runner,
            learn={CERTIFY: self.certify},
            patience=Patience(tries=1, first_wait=0.01),
        )
        limits = BatchLimits(max_bytes=1_000_000, max_text_chars=20_000)
        files = BatchFiles(folder / "batches")
        self.batches = Batching(lambda: self.store, files, self.guidelines.get, limits)
        self.reader = BatchReader(
            Desk(self.store, files, self.jobs), "small", limits, poll_seconds=0.05
        )
        self.labeled = 0
        self.notes = LocalNotes()
        self.providers = SimpleNamespace(standings=lambda: standings(self.notes, Terms()))

    def start(self) -> None:
        """What else it does beside the jobs."""
        self.reader.start()

    def stop(self, timeout: float) -> None:
        self.reader.stop(timeout)

    def each(self) -> list[SmallService]:
        return [self]

    def spent(self) -> list[Spent]:
        return spent(self.store.spending.spent(EVERYTHING), {"day": 2_000_000_000})

    def sender(self) -> Sender:
        return Sender(private=True)

    async def close(self) -> None:
        self.store.close()

    async def label(self, documents: Sequence[Document], ref: str) -> Sequence[Label]:
        while self.held:  # noqa: ASYNC110 - another loop lets it go
            await asyncio.sleep(0.01)
        self.labeled += len(documents)
        return [self.label_of(document, ref) for document in documents]

    def promise_for(self, guideline: Guideline) -> Promise | None:
        return self.promise

    async def certify(self, id: str, ref: str, argument: str) -> str:
        while self.held:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        guideline = self.guidelines.get(ref)

        async def speak(documents: Sequence[Document]) -> list[Spoken]:
            labels = [self.label_of(document, ref) for document in documents]
            return [Spoken(Judged(each.opinions[0], each.confidence), ()) for each in labels]

        asked = Asked.of(argument)
        stated = asked.promise or self.promise
        assert stated is not None
        identity: dict[str, JsonValue] = {"labelers": ["fake"]}
        made = await certify(
            self.store,
            guideline,
            speak,
            identity=identity,
            promise=stated,
            reviewer_error=bool(asked.reviewer_error),
            id=id,
        )
        return made.id

    async def label_errors(self, ref: str) -> list[Suspect]:
        return self.suspects

    async def transcribe(self, path: Path, language: str | None) -> Transcription:
        return Transcription(
            self.spoken,
            Transcript(
                model="fake",
                language=language or "en",
                language_probability=1.0,
                duration_seconds=1.0,
                speech_seconds=0.5,
            ),
        )

    def label_of(self, document: Document, ref: str) -> Label:
        if document.text == "break":
            raise ModelRejected("The model cannot label this.")
        guideline = self.guidelines.get(ref)
        doubtful = document.text.endswith("?")
        answers: dict[str, Answer] = {
            "choice": ChoiceAnswer(label=(guideline.label_names or ("",))[0]),
            "spans": SpansAnswer(
                spans=(Span(start=0, end=1, label=(guideline.label_names or ("",))[0]),)
            ),
            "transcript": TranscriptAnswer(text=document.text),
        }
        answer = answers[guideline.kind]
        unread = Prediction(
            outcome=Outcome.UNREADABLE,
            source=Source(labeler="llm", model="other"),
            detail="Its reply could not be read.",
        )
        return made_label(
            document,
            ref,
            answer,
            doubtful=doubtful,
            model="fake",
            guideline_sha256=guideline.sha256,
            others=[unread],
        )
