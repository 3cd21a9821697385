from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label, Route
from llmlabel.errors import NotFound
from llmlabel.store import Store

SENTIMENT = "sentiment@1.0.0"


def _add(store: Store, *ids: str) -> list[Document]:
    documents = [Document.of_text(f"text of {id}", id=id) for id in ids]
    store.documents.add(documents, [SENTIMENT])
    return documents


def test_a_label_reads_back_with_everything_needed_to_replay_it(
    store: Store, label_of: Callable[..., Label]
) -> None:
    (document,) = _add(store, "a")
    label = label_of(document)
    assert store.labels.save([label]) == 1
    stored = store.documents.get("a")
    assert [item.label for item in stored.labels] == [label]
    assert stored.requests[0].status == "done"
    assert stored.status == "done"


def test_labels_saved_twice_are_stored_once(store: Store, label_of: Callable[..., Label]) -> None:
    (document,) = _add(store, "a")
    first = label_of(document, Route.REVIEW)
    assert store.labels.save([first, first]) == 1
    assert store.labels.save([label_of(document, Route.ACCEPTED, reason="again")]) == 0
    assert [item.label for item in store.labels.history("a")] == [first]
    assert store.counts().reviews_open == 1


def test_threads_that_save_the_same_labels_store_them_once(
    store: Store, label_of: Callable[..., Label]
) -> None:
    labels = [label_of(document, Route.REVIEW) for document in _add(store, *"abcdefgh")]
    new: list[int] = []
    threads = [
        threading.Thread(target=lambda: new.append(store.labels.save(labels))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(new) == [0] * 7 + [8]
    assert store.counts().reviews_open == 8


def test_a_label_of_a_text_that_was_replaced_is_not_kept(
    store: Store, label_of: Callable[..., Label]
) -> None:
    document, other = _add(store, "a", "b")
    before = Document.of_text("what the id stood for before", id="a")
    assert store.labels.save([label_of(before), label_of(other)]) == 1
    assert store.labels.history("a") == []
    assert store.documents.get("a").status == "queued"
    assert store.labels.save([label_of(document)]) == 1
    assert store.documents.get("a").status == "done"


def test_a_label_of_no_document_stores_nothing(
    store: Store, label_of: Callable[..., Label]
) -> None:
    (document,) = _add(store, "a")
    stranger = Document.of_text("x", id="stranger")
    with pytest.raises(NotFound):
        store.labels.save([label_of(document), label_of(stranger)])
    assert store.labels.history("a") == []


def test_a_new_run_adds_a_label_and_keeps_the_old_one(
    store: Store, label_of: Callable[..., Label]
) -> None:
    (document,) = _add(store, "a")
    store.labels.save([label_of(document, reason="first")])
    store.labels.save([label_of(document, reason="second")], run=2)
    assert [item.label.reason for item in store.labels.history("a")] == ["first", "second"]
    assert [item.label.reason for item in store.documents.get("a").labels] == ["second"]


def test_the_export_gives_every_current_label_once_in_order(
    store: Store, label_of: Callable[..., Label], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlabel.store.labels.EXPORT_PAGE", 2)
    documents = _add(store, "c", "a", "b", "e", "d")
    store.labels.save([label_of(document) for document in documents])
    store.labels.save([label_of(documents[0], reason="new")], run=2)
    intent = [label_of(document, Route.REVIEW, guideline="intent@2.0.0") for document in documents]
    store.labels.save(intent[:2])
    order = [page.id for page in reversed(store.documents.page().items)]
    rows = [
        (document.id, item.label.guideline, item.label.reason == "new")
        for document, item in store.labels.export()
    ]
    assert [id for id, guideline, _ in rows if guideline == SENTIMENT] == order
    assert len(rows) == len(set(rows)) == 7
    assert [id for id, _, new in rows if new] == ["c"]
    assert {d.id for d, _ in store.labels.export(guideline="intent")} == {"a", "c"}
    assert {d.id for d, _ in store.labels.export(route=Route.REVIEW)} == {"a", "c"}
    assert not list(store.labels.export(verified=True))
