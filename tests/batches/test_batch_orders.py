"""Batches as they are ordered about: paused, cancelled, limited in money, forgotten."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from batch_service import BatchService, at_once, label_of

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.errors import Conflict, InvalidInput, NotFound, Unsupported, UploadMismatch
from llmlabel.learning.erase import Erasing
from llmlabel.llm.budget import Budget
from llmlabel.store.batch_tables import batch_errors, batch_lines
from llmlabel.store.batch_work import LeaseLost
from llmlabel.store.erasure import Erasure
from llmlabel.store.webhook_tables import deliveries

CENT = 10_000_000


def _lines(count: int, of: str = "text") -> bytes:
    return b"".join(
        json.dumps({"id": f"{of}{n}", "text": f"{of} {n}"}).encode() + b"\n" for n in range(count)
    )


class Held:
    """Labels nothing until it is let go; counts what it was given."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()

    async def __call__(self, documents: Sequence[Document], ref: str) -> Sequence[Label]:
        self.begun.set()
        while not self.go.is_set():  # noqa: ASYNC110 - another thread lets it go
            await asyncio.sleep(0.01)
        return await at_once(documents, ref)


class Paid:
    """Every label costs a cent of the provider's, asked for as a remote model does."""

    def __init__(self) -> None:
        self.store = None
        self.budget = Budget(lambda: self.store.spending)

    async def __call__(self, documents: Sequence[Document], ref: str) -> Sequence[Label]:
        made = []
        for document in documents:
            reserved = await self.budget.reserve(2 * CENT)
            await self.budget.settle(reserved, CENT)
            made.append(label_of(document, ref))
        return made


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def waiting(database_url: str, tmp_path: Path, held: Held) -> Iterator[BatchService]:
    with BatchService(
        database_url, tmp_path, label=held, room=lambda: 100, chunk=10
    ).working() as s:
        yield s
        held.go.set()


@pytest.fixture
def paying(database_url: str, tmp_path: Path) -> Iterator[BatchService]:
    paid = Paid()
    with BatchService(database_url, tmp_path, label=paid, chunk=5).working() as service:
        paid.store = service.store
        yield service


def test_what_is_not_labeled_when_a_batch_is_cancelled_never_is(
    waiting: BatchService, held: Held
) -> None:
    id = waiting.send(_lines(100)).id
    assert held.begun.wait(30)
    waiting.wait(id, "labeling")
    assert waiting.batches.cancel(id).status == "cancelled"
    assert waiting.batches.cancel(id).status == "cancelled"
    held.go.set()
    progress = waiting.batches.progress(id)
    assert progress.waiting == 0
    assert progress.cancelled > 70  # all but the chunks under way
    [gone] = [each for each in waiting.results(id) if each.line == 99]
    assert (gone.status, gone.code) == ("cancelled", "cancelled")
    with pytest.raises(Conflict, match="cancelled"):
        waiting.batches.resume(id)
    again = waiting.wait(waiting.send(_lines(100)).id)
    assert again.status == "done"
    assert waiting.batches.progress(again.id).labeled == 100


def test_a_document_that_another_batch_wants_too_is_labeled_all_the_same(
    waiting: BatchService, held: Held
) -> None:
    first = waiting.send(_lines(50)).id
    waiting.wait(first, "labeling")
    second = waiting.send(_lines(50)).id
    waiting.wait(second, "labeling")
    waiting.batches.cancel(first)
    held.go.set()
    assert waiting.wait(second).status == "done"
    assert waiting.batches.progress(second).labeled == 50


def test_what_another_batch_asks_of_the_same_texts_is_cancelled_all_the_same(
    waiting: BatchService, held: Held
) -> None:
    waiting.jobs.told = lambda: 1000
    first = waiting.send(_lines(60)).id
    waiting.wait(first, "labeling")
    second = waiting.send(_lines(60), "intent").id
    waiting.wait(second, "labeling")
    waiting.batches.cancel(first)
    assert waiting.batches.progress(first).cancelled >= 40  # all but the chunks under way
    held.go.set()
    assert waiting.wait(second).status == "done"
    assert waiting.batches.progress(second).labeled == 60


def test_a_paused_batch_is_read_no_further_until_it_goes_on(tmp_path: Path) -> None:
    url, room = f"sqlite:///{tmp_path / 'store.db'}", [5]
    with BatchService(url, tmp_path, room=lambda: room[0]).working() as service:
        id = service.send(_lines(2000)).id
        service.wait(id, "reading")
        assert service.batches.pause(id).status == "paused"
        room[0] = 1000
        read = service.batches.get(id).lines_read
        other = service.wait(service.send(_lines(3, "other")).id)
        assert other.status == "done"
        assert service.batches.get(id).lines_read == read < 2000
        assert service.batches.resume(id).status == "reading"
        assert service.wait(id).accepted == 2000
        with pytest.raises(Conflict, match="done"):
            service.batches.pause(id)


def test_a_full_queue_is_waited_for(tmp_path: Path) -> None:
    url, room = f"sqlite:///{tmp_path / 'store.db'}", [0]
    with BatchService(url, tmp_path, room=lambda: room[0]).working() as service:
        id = service.send(_lines(20)).id
        service.wait(service.send(b"{").id, "reading", "done")
        assert service.batches.get(id).lines_read == 0
        room[0] = 7
        assert service.wait(id).accepted == 20


def test_a_batch_stops_before_its_budget_is_passed_and_goes_on_when_it_is_raised(
    paying: BatchService,
) -> None:
    id = paying.send(_lines(30), budget_usd=0.105).id
    other = paying.send(_lines(8, "other")).id
    batch = paying.wait(id, "stopped")
    assert batch.code == "batch-budget-exhausted"
    assert "Raise `budget_usd`" in (batch.problem or "")
    progress = paying.settle(id)
    assert 0 < progress.spent_usd <= 0.105
    assert progress.labeled + progress.held == 30
    assert paying.wait(other).status == "done"
    assert paying.batches.progress(other).spent_usd == pytest.approx(0.08)
    paying.batches.set_budget(id, 1.0)
    assert paying.wait(id).status == "done"
    progress = paying.batches.progress(id)
    assert (progress.labeled, progress.held) == (30, 0)
    # A chunk that met the ceiling in its middle pays for its first labels twice, never more.
    assert 0.30 <= progress.spent_usd <= 1.0


def test_a_batch_whose_limit_is_taken_away_goes_on(paying: BatchService) -> None:
    id = paying.send(_lines(6), budget_usd=0.0).id
    paying.wait(id, "stopped")
    assert paying.batches.resume(id).status in ("reading", "labeling")
    paying.wait(id, "stopped")
    paying.batches.set_budget(id, None)
    assert paying.wait(id).status == "done"
    assert paying.batches.progress(id).labeled == 6


def test_each_batch_pays_for_its_own_guideline(paying: BatchService) -> None:
    first = paying.wait(paying.send(_lines(6), budget_usd=1.0).id)
    second = paying.wait(paying.send(_lines(6), "intent", budget_usd=1.0).id)
    ids = [f"text{n}" for n in range(6)]
    payers = paying.store.batch_reads.payers
    assert {payer.scope for payer in payers(ids, "sentiment@1.0.0").values()} == {first.scope}
    assert {payer.scope for payer in payers(ids, "intent@1.0.0").values()} == {second.scope}
    assert payers(ids, "ner@1.0.0") == {}


def test_what_waits_for_the_money_of_one_batch_is_paid_by_another_that_has_it_too(
    database_url: str, tmp_path: Path
) -> None:
    paid, go = Paid(), threading.Event()

    async def later(documents: Sequence[Document], ref: str) -> Sequence[Label]:
        while not go.is_set():  # noqa: ASYNC110 - this thread lets it go
            await asyncio.sleep(0.01)
        return await paid(documents, ref)

    with BatchService(database_url, tmp_path, label=later, chunk=5).working() as service:
        paid.store = service.store
        poor = service.send(_lines(8), budget_usd=0.0).id
        service.wait(poor, "labeling")
        rich = service.send(_lines(8), budget_usd=0.5).id
        service.wait(rich, "labeling")
        payers = service.store.batch_reads.payers(["text0"], "sentiment@1.0.0")
        assert payers["text0"].scope == service.batches.get(poor).scope
        go.set()
        batch = service.wait(rich)
        assert service.batches.progress(rich).labeled == 8
        assert 0.08 <= service.batches.progress(rich).spent_usd <= 0.5
        assert service.batches.progress(poor).spent_usd == 0
        assert batch.code is None


def test_a_batch_that_goes_on_pays_within_its_budget_for_what_a_cancelled_one_asked(
    waiting: BatchService,
) -> None:
    first = waiting.send(_lines(50)).id
    waiting.wait(first, "labeling")
    second = waiting.send(_lines(50), budget_usd=0.05).id
    waiting.wait(second, "labeling")
    waiting.batches.cancel(first)
    payer = waiting.store.batch_reads.payers(["text49"], "sentiment@1.0.0")["text49"]
    assert payer == (f"batch:{second}", 5 * CENT)


def test_endpoints_are_told_when_a_batch_has_ended(quick: BatchService) -> None:
    quick.store.webhooks.add(url="https://app.example/", secret="s", events=["batch.done"])
    id = quick.done(_lines(3) + b"{").id
    broken = quick.done(b"PK\x03\x04").id
    with quick.store.database.read() as connection:
        rows = connection.execute(sa.select(deliveries).order_by(deliveries.c.seq)).all()
    told = [json.loads(row.payload) for row in rows]
    assert [row.path for row in rows] == [f"/v1/batches/{id}", f"/v1/batches/{broken}"]
    assert [each["status"] for each in told] == ["done", "failed"]
    assert (told[0]["accepted"], told[0]["refused"]) == (3, 1)


def test_a_purge_forgets_batches_that_ended_and_their_documents_alike(
    database_url: str, tmp_path: Path
) -> None:
    with BatchService(database_url, tmp_path).working() as service:
        id = service.done(_lines(3) + b"{").id
        erase = Erasing(lambda: service.store, service.guidelines.get, len, lambda _: None)
        assert erase.purge(timedelta(0), dry_run=True).batches == 1
        assert service.batches.get(id).refused == 1
        purged = erase.purge(timedelta(0))
        assert (purged.batches, purged.erased.documents) == (1, 3)
        with pytest.raises(NotFound):
            service.batches.get(id)


def test_a_deleted_document_has_no_line_any_more(service: BatchService) -> None:
    id = service.done(_lines(3) + b'{"id": "text1", "text": "other words"}').id
    assert service.batches.get(id).refused == 1
    erase = Erasure(
        service.store.database,
        service.store.events,
        service.store.recordings,
        strip=lambda content, texts: content,
        weigh=lambda *_: 0.0,
    )
    erase(["text1"])
    assert [each.line for each in service.results(id)] == [1, 3]
    assert service.errors(id) == {}
    assert service.batches.progress(id).labels == 2


def test_what_ended_long_ago_is_forgotten_and_its_documents_stay(
    database_url: str, tmp_path: Path
) -> None:
    service = BatchService(database_url, tmp_path)
    service.reader._keep = timedelta(0)
    service.reader._unpacker.shutdown()
    sent = service.batches.create(["sentiment"])
    with service.batches.receiving(sent.id, None) as upload:
        upload.write(b"half a fi")
    (service.files.folder / "b-unknown").mkdir()
    service.reader._tidy()
    with pytest.raises(NotFound):
        service.batches.get(sent.id)
    assert service.files.ids() == []
    with service.store.database.read() as connection:
        for table in (batch_lines, batch_errors):
            assert not connection.execute(sa.select(table)).all()
    service.store.close()


def test_an_upload_goes_on_where_it_broke(quick: BatchService) -> None:
    content = _lines(40)
    id = quick.batches.create(["sentiment"]).id
    with pytest.raises(ZeroDivisionError), quick.batches.receiving(id, None) as upload:
        upload.write(content[:100])
        raise ZeroDivisionError
    assert quick.batches.offset(id) == 100
    with pytest.raises(UploadMismatch) as wrong, quick.batches.receiving(id, 90):
        pass
    assert wrong.value.offset == 100
    with quick.batches.receiving(id, 100) as upload:
        with pytest.raises(Conflict, match="Another request"), quick.batches.receiving(id, 100):
            pass
        upload.write(content[100:])
        quick.batches.received(id, upload)
    assert quick.batches.offset(id) == len(content)
    with pytest.raises(Conflict, match="has its file"), quick.batches.receiving(id, None):
        pass
    assert quick.wait(id).accepted == 40


def test_what_cannot_be_ordered_is_refused(quick: BatchService) -> None:
    for wrong in (
        {"guidelines": []},
        {"guidelines": ["sentiment"], "delimiter": '"'},
        {"guidelines": ["sentiment"], "budget_usd": -1.0},
        {"guidelines": ["sentiment"], "budget_usd": float("nan")},
        {"guidelines": ["sentiment"], "metadata": {"a": "\x00"}},
    ):
        with pytest.raises(InvalidInput):
            quick.batches.create(**wrong)
    with pytest.raises(Unsupported):
        quick.batches.create(["transcription"])
    with pytest.raises(NotFound):
        quick.batches.create(["no-such-guideline"])
    with pytest.raises(NotFound):
        quick.batches.cancel("b-none")


def test_batches_are_shared_out_and_one_that_has_to_wait_takes_no_place(
    database_url: str, tmp_path: Path
) -> None:
    service = BatchService(database_url, tmp_path)
    store, ids = service.store.batches, [service.send(b"{").id for _ in range(4)]

    def held(worker: str) -> list[str]:
        return [batch.id for batch in store.take(worker, 30.0, 2)]

    assert held("a") == ids[:2]
    assert held("b") == ids[2:]
    assert (held("a"), held("c")) == (ids[:2], [])
    store.stop(ids[0], "a", "no money")
    store.leave("b")
    assert sorted(held("a")) == sorted(ids[:3])
    assert held("b") == ids[3:]
    with pytest.raises(LeaseLost):
        store.counted(ids[0], "b", 1)
    service.reader._unpacker.shutdown()
    service.store.close()


def test_a_file_that_is_not_on_this_host_is_left_to_others(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with BatchService(url, tmp_path, room=lambda: 0).working() as service:
        id = service.send(_lines(10)).id
        elsewhere = tmp_path / "elsewhere"
        (service.files.folder / id).rename(elsewhere)
        service.reader._open.clear()
        _until(lambda: "share" in (service.batches.get(id).problem or ""))
        assert service.store.batches.take("other", 30.0, 1)[0].id == id
        elsewhere.rename(service.files.folder / id)
        service.store.batches.leave("other")
        service.reader._absent.clear()
        service.jobs.told = lambda: 100
        done = service.wait(id)
        assert (done.accepted, done.problem) == (10, None)


def _until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_no_more_files_are_awaited_than_may(service: BatchService) -> None:
    service.batches.limits = service.limits.model_copy(update={"max_open": 2})
    guidelines = ["sentiment"]
    done = service.done(_lines(1))  # its file is gone
    waiting = [service.batches.create(guidelines) for _ in range(2)]
    with pytest.raises(Conflict, match="LLMLABEL_MAX_OPEN_BATCHES"):
        service.batches.create(guidelines)
    service.batches.cancel(waiting[0].id)
    assert service.batches.create(guidelines).id not in (done.id, waiting[0].id)
