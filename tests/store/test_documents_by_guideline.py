from __future__ import annotations

from llmlabel.domain.document import Document
from llmlabel.store import Asked, Store


def test_each_document_is_asked_for_its_own_guidelines(store: Store) -> None:
    a, b = Document.of_text("one", id="a"), Document.of_text("two", id="b")
    queued: list[Asked] = []
    refs = {"a": ["sentiment@1.0.0"], "b": ["intent@1.0.0", "sentiment@1.0.0"]}
    stored = store.documents.add([a, b], refs, lambda _, asked: queued.extend(asked))
    assert [sorted(each.guideline for each in item.requests) for item in stored] == [
        ["sentiment@1.0.0"],
        ["intent@1.0.0", "sentiment@1.0.0"],
    ]
    assert {(each.document_id, each.guideline) for each in queued} == {
        ("a", "sentiment@1.0.0"),
        ("b", "sentiment@1.0.0"),
        ("b", "intent@1.0.0"),
    }
