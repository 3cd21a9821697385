"""How things stand is counted the same, however much of it was counted before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label, Route
from llmlabel.store import Failure, Store, standing
from llmlabel.store.standing import Standings


def _asked(store: Store, *texts: str) -> list[str]:
    documents = [Document.of_text(text) for text in texts]
    store.documents.add(documents, ["mood@1.0.0"])
    return [document.id for document in documents]


def test_an_empty_store_has_nothing_waiting(store: Store) -> None:
    found = Standings(store.database).read()
    assert (found.queued, found.recordings.count, found.labels, found.reviews) == ({}, 0, {}, {})


def test_what_waits_has_the_age_of_the_oldest(store: Store) -> None:
    asked = store.database.clock() - timedelta(minutes=10)
    real, store.database.clock = store.database.clock, lambda: asked
    [first] = _asked(store, "one")
    store.database.clock = real
    _asked(store, "two", "three")
    waiting = Standings(store.database).read().queued["mood@1.0.0"]
    assert waiting.count == 3
    assert waiting.oldest == asked
    store.work.fail([first], "mood@1.0.0", 1, Failure(code="x", detail="y"))
    found = Standings(store.database).read()
    assert found.queued["mood@1.0.0"].count == 2
    assert found.queued["mood@1.0.0"].oldest != asked
    assert found.failed == {"mood@1.0.0": 1}


def test_what_was_asked_anew_waits_since_then(store: Store) -> None:
    asked = store.database.clock() - timedelta(days=3)
    real, store.database.clock = store.database.clock, lambda: asked
    [id] = _asked(store, "one")
    store.work.fail([id], "mood@1.0.0", 1, Failure(code="x", detail="y"))
    store.database.clock = real
    store.work.requeue(id, None, lambda *_: None, lambda *_: None)
    oldest = Standings(store.database).read().queued["mood@1.0.0"].oldest
    assert oldest is not None
    assert oldest > asked + timedelta(days=2)


def test_workers_that_stopped_are_not_told(store: Store) -> None:
    store.work.beat("here")
    store.work.beat("gone")
    store.work.retire("gone")
    assert set(Standings(store.database).read().workers) == {"here"}


def test_counts_grow_alike_for_who_looked_before_and_who_looks_first(
    store: Store, monkeypatch: pytest.MonkeyPatch, label_of: Callable[..., Label]
) -> None:
    monkeypatch.setattr(standing, "TAIL", 2)
    old = Standings(store.database)
    for number in range(7):
        document = Document.of_text(f"text {number}")
        store.documents.add([document], ["sentiment@1.0.0"])
        store.labels.save([label_of(document, Route.REVIEW if number % 3 else Route.ACCEPTED)])
        assert old.read().labels == Standings(store.database).read().labels
    ref = "sentiment@1.0.0"
    assert old.read().labels == {(ref, "accepted"): 3, (ref, "review"): 4}
    assert old.read().reviews[ref].open == 4
