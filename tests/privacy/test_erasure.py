"""A document that is deleted is nowhere any more: a search of all that is stored finds no word."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import sqlalchemy as sa
from mood_service import REF, provider, settings, write_guideline

from llmlabel.api import create_app
from llmlabel.bootstrap import Application, build
from llmlabel.confidence.choice_calibrator import ChoiceCalibrator
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document, sha256_of
from llmlabel.domain.gold import NewGold
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Prediction, Source
from llmlabel.errors import NotFound, TrainingUnderWay
from llmlabel.labelers.example_pool import ExamplePool
from llmlabel.labelers.student import Memory, Student
from llmlabel.learned import Learned
from llmlabel.learning.erase import Erasing
from llmlabel.llm.cache import ReplyCache
from llmlabel.llm.protocol import Reply, Scores
from llmlabel.store.tables import benchmarks, events, flags
from llmlabel.store.webhook_tables import deliveries

SECRET = "Zarathustra-Quennell-77"
TEXT, OTHER = f"good day 7 {SECRET}", "bad day 8 of another"
ANN, WAIT = {"X-Reviewer": "ann"}, {"Prefer": "wait=120"}


@pytest.fixture
def url() -> Iterator[str]:
    with provider() as fake:
        yield fake.url


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def opened(tmp_path: Path, home: Path, url: str, database_url: str) -> Any:
    guidelines = write_guideline(tmp_path / "guidelines", promise="", audit=1.0)

    @asynccontextmanager
    async def service() -> AsyncIterator[tuple[Application, httpx.AsyncClient]]:
        made = settings(home, url, guidelines, database_url=database_url, train_after=0)
        application = build(made)
        app = create_app(application)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app)
            here = "http://localhost"
            async with httpx.AsyncClient(transport=transport, base_url=here) as client:
                yield application, client

    return service


def found_in(application: Application, home: Path, word: str) -> list[str]:
    """Every place in which a word is stored: files byte by byte, and every cell of every table."""
    places = [
        str(file)
        for file in home.rglob("*")
        if file.is_file() and word.encode() in file.read_bytes()
    ]
    engine = application.store.database.engine
    if application.store.database.is_sqlite:
        folder = Path(str(engine.url.database)).parent
        places += [str(f) for f in folder.glob("*.db*") if word.encode() in f.read_bytes()]
    with engine.connect() as connection:
        look = sa.inspect(connection)
        for schema in look.get_schema_names():
            if schema in ("information_schema", "pg_catalog"):
                continue
            for name in look.get_table_names(schema=schema):
                for row in connection.execute(sa.text(f'SELECT * FROM "{schema}"."{name}"')):
                    if any(word in cell_text(cell) for cell in row):
                        places.append(f"{schema}.{name}: {row}")
    return places


def cell_text(cell: object) -> str:
    """A cell as text; what is packed in it is unpacked."""
    if not isinstance(cell, bytes):
        return str(cell)
    if not cell.startswith(b"PK"):
        return cell.decode(errors="replace")
    with np.load(io.BytesIO(cell), allow_pickle=False) as file:
        return "".join(file[name].tobytes().decode(errors="replace") for name in file)


def learned(texts: list[str]) -> bytes:
    """A learned version that has these texts as examples."""
    n = len(texts)
    pool = ExamplePool(
        texts=tuple(texts),
        labels=("good",) * n,
        hashes=tuple(sha256_of(text) for text in texts),
        vectors=np.eye(n, 3, dtype=np.float16),
    )
    memory = Memory(
        np.eye(n, 3, dtype=np.float16),
        np.zeros(n, np.int32),
        np.array([sha256_of(text).encode() for text in texts]),
    )
    student = Student(
        ("good", "bad"), np.zeros((3, 2), np.float32), np.zeros(2, np.float32), 1.0, memory
    )
    calibrator = ChoiceCalibrator(("good", "bad"), {})
    return Learned(guideline=REF, calibrator=calibrator, n=n, student=student, pool=pool).to_bytes()


async def submit(client: httpx.AsyncClient, text: str, id: str) -> httpx.Response:
    body = {"id": id, "text": text, "guidelines": ["mood"], "metadata": {"of": text}}
    return await client.post(
        "/v1/documents", json=body, headers={**WAIT, "Idempotency-Key": sha256_of(id)}
    )


async def decide(client: httpx.AsyncClient) -> None:
    """Ann decides what waits, with words of the text in her comment."""
    while (taken := await client.get("/v1/reviews/next", headers=ANN)).status_code == 200:
        item = taken.json()
        text = item["document"]["text"]
        body = {
            "token": item["lease"]["token"],
            "kind": "correct",
            "answer": {"kind": "choice", "label": "bad"},
            "comment": text,
        }
        keyed = {**ANN, "Idempotency-Key": f"v-{item['id']}"}
        answer = await client.post(f"/v1/reviews/{item['id']}/verdict", json=body, headers=keyed)
        assert answer.status_code == 200, answer.text
        flagged = f"/v1/reviews/{item['id']}/flag"
        answer = await client.post(flagged, json={"comment": text}, headers=ANN)
        assert answer.status_code < 300, answer.text


def spread(application: Application, home: Path, guideline_sha256: str) -> str:
    """Have the text in every other place there is; gives the id of a training that holds it."""
    store = application.store
    gold = NewGold(
        document=Document.of_text(TEXT, id="in a file"), answer=ChoiceAnswer(label="good")
    )
    store.gold.add([gold], REF)
    now = datetime.now(UTC)
    with store.database.write() as connection:
        connection.execute(
            sa.insert(benchmarks).values(
                id="b-1",
                gold_id="g-1",
                guideline=REF,
                document_id="in a file",
                text=TEXT,
                text_sha256=sha256_of(TEXT),
                reviewer="bob",
                token=1,
                status="done",
                comment=TEXT,
                created_at=now,
            )
        )
        connection.execute(
            sa.insert(flags).values(
                id="f-1",
                review_id="b-1",
                document_id="in a file",
                guideline=REF,
                reviewer="bob",
                comment=TEXT,
                created_at=now,
            )
        )
        connection.execute(
            sa.insert(deliveries).values(
                id="msg_1",
                webhook_id="wh_1",
                kind="document.labeled",
                document_id="d/secret",
                path="/v1",
                payload=TEXT,
                status="waiting",
                attempts=0,
                due_at=now,
                claim="",
                created_at=now,
            )
        )
    about: Any = {
        "documents": ["d/secret", "d-other"],
        "detail": f"The provider said: {TEXT}",
        "n": 2,
    }
    store.events.append("request.failed", REF, about)
    training = store.trainings.begin(REF, guideline_sha256, "ann")
    store.trainings.finish(training, learned([TEXT, OTHER]), {"n": 2}, activate=True)
    scores = Scores(probabilities=(0.5, 0.5), method="logprobs").model_dump_json()
    cache = ReplyCache(home / "replies.db")
    cache.put({"00" * 32: Reply(text=TEXT, finish="stop").model_dump_json(), "11" * 32: scores})
    cache.close()
    return training


async def test_a_deleted_document_is_nowhere_any_more(opened: Any, home: Path) -> None:
    async with opened() as (application, client):
        for text, id in ((TEXT, "d/secret"), (OTHER, "d-other")):
            assert (await submit(client, text, id)).status_code == 200
        await decide(client)
        training = spread(application, home, application.guidelines.get("mood").sha256)
        before = application.store.audits.uncertified(REF)
        risk = application.watch.uncertified(application.guidelines.get("mood"))
        assert len(found_in(application, home, SECRET)) > 10

        answer = await client.delete("/v1/documents/d/secret")
        assert answer.status_code == 200, answer.text
        done = answer.json()
        one = ("documents", "reviews", "verdicts", "gold", "benchmarks", "trainings")
        for what in one:
            assert done[what] == 1, (what, done)
        assert done["flags"] == 2
        for what in ("labels", "predictions", "answers", "events", "messages"):
            assert done[what] >= 1, (what, done)
        assert done["compacted"]

        assert found_in(application, home, SECRET) == []
        assert found_in(application, home, "d/secret") == [], "the jobs forget its id as well"
        assert found_in(application, home, "another") != [], "the search finds what is there"
        assert (await client.get("/v1/documents/d/secret")).status_code == 404
        assert (await client.delete("/v1/documents/d/secret")).status_code == 404
        assert (await submit(client, TEXT, "d/secret")).status_code == 410

        # The other document lost nothing, and what was learned is still in use.
        other = (await client.get("/v1/documents/d-other")).json()
        assert other["labels"][0]["answer"]["label"] == "bad"
        assert len(application.store.verified(REF)) == 1
        active = application.store.trainings.active(REF, application.guidelines.get("mood").sha256)
        assert active is not None
        assert active.id == training
        left = Learned.from_bytes(application.store.trainings.payload(training))
        assert left.pool is not None
        assert left.pool.texts == (OTHER,)
        assert left.student is not None
        assert len(left.student.memory.labels) == 1
        assert ReplyCache(home / "replies.db").get(["11" * 32]), "numbers are no text"

        # What the audits found of it still counts.
        after = application.store.audits.uncertified(REF)
        assert [each.seq for each in after] == [each.seq for each in before]
        assert application.watch.uncertified(application.guidelines.get("mood")) == risk
        assert application.store.events.after(kind="document.erased")[0].subject.startswith("e-")


async def test_what_names_a_deleted_document_in_the_log_keeps_its_numbers(
    opened: Any, home: Path
) -> None:
    async with opened() as (application, client):
        await submit(client, TEXT, "d/secret")
        about: Any = {"documents": ["d/secret"], "detail": TEXT, "n": 2, "code": "model-rejected"}
        application.store.events.append("request.failed", REF, about)
        application.erase(["d/secret"])
        [event] = application.store.events.after(kind="request.failed")
        assert event.payload == {"n": 2, "code": "model-rejected", "erased": True}
        with application.store.database.read() as connection:
            subjects = connection.execute(sa.select(events.c.subject)).scalars().all()
        assert "d/secret" not in subjects


async def test_of_several_an_unknown_one_keeps_all(opened: Any) -> None:
    async with opened() as (application, client):
        await submit(client, TEXT, "d/secret")
        with pytest.raises(NotFound, match="no-such"):
            application.erase(["d/secret", "no-such"])
        assert application.store.documents.get("d/secret").document == Document.of_text(
            TEXT, id="d/secret", metadata={"of": TEXT}
        )


async def test_a_training_that_may_have_read_it_is_waited_for(opened: Any) -> None:
    async with opened() as (application, client):
        await submit(client, TEXT, "d/secret")
        application.store.trainings.begin(REF, "0" * 64, "ann")
        answer = await client.delete("/v1/documents/d/secret")
        assert answer.status_code == 409
        assert "a training" in answer.json()["detail"].lower()
        with pytest.raises(TrainingUnderWay):
            application.erase(["d/secret"])
        assert application.store.documents.get("d/secret").document == Document.of_text(
            TEXT, id="d/secret", metadata={"of": TEXT}
        )


async def test_another_host_drops_its_kept_replies_and_only_once(opened: Any, home: Path) -> None:
    async with opened() as (application, client):
        await submit(client, TEXT, "d/secret")
        application.erase(["d/secret"])
        # Its own replies, kept before it heard of the deletion.
        cache = ReplyCache(home / "elsewhere.db")
        text = Reply(text=SECRET, finish="stop").model_dump_json()
        cache.put({"00" * 32: text})
        newest = application.store.events.after(kind="document.erased")[-1].seq
        cache.forget_texts(newest)
        assert cache.get(["00" * 32]) == {}
        cache.put({"00" * 32: text})
        cache.forget_texts(newest)
        assert cache.get(["00" * 32]) != {}
        cache.close()


def test_a_recording_goes_with_the_last_document_that_has_it(store: Any) -> None:
    recording = store.recordings.save(io.BytesIO(SECRET.encode()), "call.wav")
    for id in ("one", "two"):
        store.documents.add_recording(id, recording, [REF])
    made = store.recordings.derived(
        recording.sha256, ".peaks", lambda source, target: target.write_bytes(source.read_bytes())
    )
    erasing = Erasing(lambda: store, lambda _: None, lambda _: None, lambda _: None)  # type: ignore[arg-type, return-value]
    assert erasing(["one"]).recordings == 0
    assert made.is_file()
    assert erasing(["two"]).recordings == 1
    assert not made.exists()
    assert not any(file.is_file() for file in made.parent.glob("*"))
    with pytest.raises(NotFound):
        store.recordings.path(recording.sha256)


def test_a_document_deleted_while_it_is_labeled_takes_no_other_with_it(store: Any) -> None:
    from llmlabel.jobs import Jobs, Patience, Runner

    erasing = Erasing(lambda: store, lambda _: None, lambda _: None, lambda _: None)  # type: ignore[arg-type, return-value]

    async def label(documents: Any, ref: str) -> Any:
        if any(document.id == "gone" for document in documents):
            erasing(["gone"])
        return [label_of(document) for document in documents]

    async def transcribe(path: Any, language: Any) -> Any:
        raise AssertionError("there is no recording")

    runner = Runner(store, lambda _: jobs)
    jobs = Jobs(store, label, transcribe, runner, patience=Patience(tries=1, first_wait=0.01))
    runner.start()
    try:
        texts = ("stays", "gone", "stays too")
        jobs.submit([Document.of_text(text, id=text) for text in texts], [REF])
        assert jobs.wait(["stays", "stays too"], 60)
    finally:
        runner.stop()
    found = {item.id: item.status for item in store.documents.get_many(texts)}
    assert found == {"stays": "done", "stays too": "done"}


def label_of(document: Document) -> Label:
    source = Source(labeler="llm", model="m")
    answer = ChoiceAnswer(label="good")
    return Label(
        document_id=document.id,
        text_sha256=document.text_sha256,
        guideline=REF,
        guideline_sha256="0" * 64,
        answer=answer,
        confidence=Confidence(value=0.9, method="label_path"),
        route=Route.ACCEPTED,
        reason="",
        threshold=0.5,
        opinions=(Prediction(answer=answer, probability=0.9, source=source),),
        created_at=datetime.now(UTC),
    )
