from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label, Route
from llmlabel.errors import DocumentConflict, InvalidInput, NotFound
from llmlabel.store import Asked, Failure, Store

SENTIMENT, INTENT = "sentiment@1.0.0", "intent@1.0.0"
ODD = 'Zoë 🙂\r\n\tsaid: "naïve" \x01 — fin\u2028.'


def _doc(id: str, text: str = "good", **fields: Any) -> Document:
    return Document.of_text(text, id=id, **fields)


def test_a_document_reads_back_byte_for_byte(store: Store) -> None:
    document = _doc("a", ODD, language="fr", metadata={"n": 1.5, "deep": {"ü": [None, "\x00"]}})
    (stored,) = store.documents.add([document], [SENTIMENT])
    assert stored.created
    assert store.documents.get("a").document == document
    assert [request.guideline for request in store.documents.get("a").requests] == [SENTIMENT]
    assert store.documents.get("a").status == "queued"


def test_the_same_document_is_stored_once_and_found_again(store: Store) -> None:
    queued: list[Asked] = []
    for _ in range(2):
        stored = store.documents.add(
            [_doc("a"), _doc("b"), _doc("a")], [SENTIMENT], lambda _, asked: queued.extend(asked)
        )
    assert [item.id for item in stored] == ["a", "b", "a"]
    assert not any(item.created for item in stored)
    assert store.counts().documents == 2
    assert queued == [Asked("a", SENTIMENT, 1), Asked("b", SENTIMENT, 1)]


def test_a_guideline_asked_later_is_added_to_a_stored_document(store: Store) -> None:
    queued: list[Asked] = []
    store.documents.add([_doc("a")], [SENTIMENT])
    store.documents.add([_doc("a")], [SENTIMENT, INTENT], lambda _, asked: queued.extend(asked))
    assert queued == [Asked("a", INTENT, 1)]


@pytest.mark.parametrize(
    ("other", "field"),
    [
        (_doc("b", "bad"), "text"),
        (_doc("b", language="de"), "language"),
        (_doc("b", metadata={"x": 1}), "metadata"),
    ],
)
def test_the_same_id_with_other_content_is_refused_and_nothing_is_stored(
    store: Store, other: Document, field: str
) -> None:
    store.documents.add([_doc("b")], [SENTIMENT])
    with pytest.raises(DocumentConflict) as caught:
        store.documents.add([_doc("new"), other], [SENTIMENT])
    assert caught.value.field == field
    with pytest.raises(NotFound):
        store.documents.get("new")


def test_one_call_cannot_give_an_id_two_contents(store: Store) -> None:
    with pytest.raises(DocumentConflict):
        store.documents.add([_doc("a", "x"), _doc("a", "y")], [])
    assert store.counts().documents == 0


def test_what_is_not_queued_is_not_accepted(store: Store) -> None:
    def broken(connection: sa.Connection, asked: object) -> None:
        raise RuntimeError("the queue is away")

    with pytest.raises(RuntimeError):
        store.documents.add([_doc("a")], [SENTIMENT], broken)
    assert store.counts().documents == 0


@pytest.mark.parametrize("id", ["", "x" * 257, "a\nb", "a\x00"])
def test_an_id_that_cannot_be_carried_is_refused(store: Store, id: str) -> None:
    document = _doc("a").model_copy(update={"id": id})
    with pytest.raises(InvalidInput):
        store.documents.add([document], [])


def test_pages_are_newest_first_and_do_not_shift_when_documents_are_added(store: Store) -> None:
    for n in range(7):
        store.documents.add([_doc(f"d{n}")], [SENTIMENT])
    seen: list[str] = []
    cursor = None
    for turn in range(10):
        page = store.documents.page(limit=3, cursor=cursor)
        seen += [item.id for item in page.items]
        store.documents.add([_doc(f"late{turn}")], [])
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == [f"d{n}" for n in reversed(range(7))]


def test_a_full_last_page_has_no_cursor(store: Store) -> None:
    store.documents.add([_doc("a"), _doc("b")], [])
    assert store.documents.page(limit=2).cursor is None


@pytest.mark.parametrize("cursor", ["", "x", "ZDE=x", "£", "ZC0x", "ZGE"])
def test_a_made_up_cursor_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        store.documents.page(cursor=cursor)
    assert caught.value.field == "cursor"


def test_documents_are_listed_by_status_and_guideline(
    store: Store, label_of: Callable[..., Label]
) -> None:
    documents = [_doc(id) for id in ("queued", "failed", "review", "done")]
    store.documents.add(documents, [SENTIMENT])
    store.documents.add([_doc("other")], ["sentiment_x@1.0.0"])
    store.work.fail(["failed"], SENTIMENT, 1, Failure(code="model-timeout", detail="slow"))
    store.labels.save([label_of(documents[2], Route.REVIEW), label_of(documents[3])])
    for status in ("queued", "failed", "review", "done"):
        page = store.documents.page(status=status, guideline="sentiment")  # type: ignore[arg-type]
        assert [item.id for item in page.items] == [status]
        assert page.items[0].status == status
    assert store.documents.get("failed").requests[0].failure == Failure(
        code="model-timeout", detail="slow"
    )
    assert len(store.documents.page(guideline=SENTIMENT).items) == 4
    assert [item.id for item in store.documents.page(guideline="sentiment_x").items] == ["other"]
    assert not store.documents.page(guideline="sentiment%").items


def test_counts_tell_what_is_waiting(store: Store, label_of: Callable[..., Label]) -> None:
    documents = [_doc("a"), _doc("b"), _doc("c")]
    store.documents.add(documents, [SENTIMENT])
    store.labels.save([label_of(documents[0], Route.REVIEW), label_of(documents[1])])
    counts = store.counts()
    assert counts.documents == 3
    assert counts.requests == {"queued": 1, "done": 2, "failed": 0}
    assert (counts.labels_accepted, counts.labels_review, counts.reviews_open) == (1, 1, 1)
    assert counts.oldest_review_at is not None


@pytest.mark.parametrize("odd", ["\ud800", "\x00"])
def test_a_character_that_cannot_be_stored_is_never_a_server_error(store: Store, odd: str) -> None:
    for ask in (lambda: store.documents.get(odd), lambda: store.labels.history("a", odd)):
        try:
            assert ask() == []
        except (InvalidInput, NotFound) as error:
            assert error.status in {404, 422}


def test_what_is_given_back_of_a_new_document_is_what_is_read(store: Store) -> None:
    new = [
        Document.of_text("one", id="a", language="en", metadata={"n": [1, None], "é": 0.5}),
        Document.of_text("two", id="b"),
    ]
    asked = {"a": ["sentiment@1.0.0", "intent@1.0.0", "intent@1.0.0"], "b": []}
    given = store.documents.add([*new, new[0]], asked)
    read = store.documents.get_many(["a", "b"])
    assert [each.created for each in given] == [True, True, True]
    assert [each.model_copy(update={"created": False}) for each in given[:2]] == read
