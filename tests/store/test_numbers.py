"""Numbers for those who watch, and events that are written once; on either database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label, Route
from llmlabel.domain.review import Filter
from llmlabel.store import Asker, Store
from llmlabel.store.erasure import Erasure
from llmlabel.store.numbers import Numbers

REF = "sentiment@1.0.0"
MONDAY = datetime(2026, 5, 4, 23, 30, tzinfo=UTC)


@pytest.fixture
def numbers(store: Store) -> Numbers:
    return Numbers(store.database)


@pytest.fixture
def put(store: Store, label_of: Callable[..., Label]) -> Callable[..., None]:
    def put(id: str, route: Route = Route.ACCEPTED, run: int = 1, **changes: object) -> None:
        document = Document.of_text(f"text of {id}", id=id)
        store.documents.add([document], [REF])
        store.labels.save([label_of(document, route, **changes)], run)

    return put


def test_what_was_counted_is_out_of_date_after_a_label_and_after_a_deletion(
    store: Store, numbers: Numbers, put: Callable[..., None]
) -> None:
    stands = [numbers.stand(), numbers.stand()]
    put("a")
    put("b")
    stands.append(numbers.stand())
    erase = Erasure(
        store.database,
        store.events,
        store.recordings,
        strip=lambda content, texts: None,
        weigh=lambda result, subject, ref: 0.0,
    )
    erase(["a"], rewrite=False)
    stands.append(numbers.stand())
    assert stands[0] == stands[1]
    assert len(set(stands)) == 3


def test_routes_and_decisions_are_counted(
    store: Store, numbers: Numbers, put: Callable[..., None]
) -> None:
    put("a")
    put("b", Route.REVIEW)
    put("c", Route.REVIEW)
    asker = Asker("maria", None, timedelta(minutes=5))
    assert store.reviews.leases.take(asker, 1, Filter(guideline=REF))[1]
    counts = numbers.routes("sentiment")
    assert (counts.accepted, counts.review, counts.waiting, counts.decisions) == (1, 2, 2, 0)
    assert numbers.routes("intent").accepted == 0


def test_what_went_to_review_under_a_certificate_is_told_in_order(
    numbers: Numbers, put: Callable[..., None]
) -> None:
    put("a", Route.REVIEW, certificate="c-1", audit_rate=0.1)
    put("b", Route.ACCEPTED, certificate="c-1", audit_rate=0.1)
    put("c", Route.REVIEW, certificate="c-2", audit_rate=0.1)
    put("d", Route.REVIEW, certificate="c-1", audit_rate=0.2)
    found = numbers.doubted("c-1")
    assert [rate for _, rate in found] == [0.1, 0.2]
    assert [seq for seq, _ in found] == sorted(seq for seq, _ in found)
    put("a", Route.ACCEPTED, run=2, certificate="c-1", audit_rate=0.1)
    assert [rate for _, rate in numbers.doubted("c-1")] == [0.2], "it was labeled anew"


def test_evidence_is_found_by_day_and_from_a_row_on(
    numbers: Numbers, put: Callable[..., None]
) -> None:
    put("a", created_at=MONDAY, certificate="c-1")
    put("b", created_at=MONDAY + timedelta(hours=1), certificate="c-1")
    found = numbers.evidence(REF, "margin")
    assert {day.isoformat(): len(values) for day, values in found.items()} == {
        "2026-05-04": 1,
        "2026-05-05": 1,
    }
    assert numbers.evidence(REF, "nothing") == {}
    assert numbers.row_before("c-none") is None
    first = numbers.row_before("c-1")
    assert first is not None
    tuesday = numbers.row_before("c-1", (MONDAY + timedelta(hours=1)).date())
    assert tuesday is not None
    assert tuesday > first
    assert list(numbers.evidence(REF, "margin", after=tuesday)) == [datetime(2026, 5, 5).date()]


def test_an_event_is_written_once_by_however_many(store: Store) -> None:
    written = []
    ready = threading.Barrier(8)

    def write() -> None:
        ready.wait()
        written.append(store.events.append_once("promise.breached", "c-1", {"n": 1}))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(written) == [False] * 7 + [True]
    assert store.events.append_once("promise.breached", "c-2")
    assert [event.subject for event in store.events.of("c-1", "promise.breached")] == ["c-1"]
