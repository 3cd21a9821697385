"""What endpoints are told is written where it happens, and only if it happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.webhook import EVENT_KINDS, Delivery, EventKind, Webhook
from llmlabel.errors import AlreadyReviewed, LlmlabelError
from llmlabel.review import Filter, ReviewQueue
from llmlabel.store import Store

POSITIVE, NEGATIVE = ChoiceAnswer(label="positive"), ChoiceAnswer(label="negative")


@pytest.fixture
def endpoint(store: Store) -> Callable[..., Webhook]:
    def add(
        *events: EventKind, guidelines: list[str] | None = None, url: str = "https://a.example/"
    ) -> Webhook:
        return store.webhooks.add(
            url=url, secret="whsec_c2VjcmV0", events=events or EVENT_KINDS, guidelines=guidelines
        )

    return add


@pytest.fixture
def told(store: Store) -> Callable[[Webhook], list[Delivery]]:
    def read(webhook: Webhook) -> list[Delivery]:
        return store.deliveries.page(webhook.id, limit=1000)[0][::-1]

    return read


def data_of(store: Store, webhook: Webhook) -> list[dict[str, Any]]:
    return [each.data for each in store.deliveries.take_up({webhook.id: 1000}, 60)]


def test_nobody_is_told_where_nobody_asked(
    store: Store, ask: Callable[..., None], endpoint: Callable[..., Webhook]
) -> None:
    ask("before")
    webhook = endpoint()
    assert store.deliveries.page(webhook.id)[0] == []


def test_a_label_and_the_person_it_needs_are_told_once(
    store: Store,
    ask: Callable[..., None],
    accept: Callable[..., None],
    endpoint: Callable[..., Webhook],
    told: Callable[[Webhook], list[Delivery]],
) -> None:
    webhook = endpoint()
    ask("a")
    accept("b")
    ask("a")
    assert [(each.kind, each.document_id) for each in told(webhook)] == [
        ("document.labeled", "a"),
        ("review.needed", "a"),
        ("document.labeled", "b"),
    ]
    labeled, needed, accepted = data_of(store, webhook)
    assert (labeled["route"], accepted["route"]) == ("review", "accepted")
    assert labeled["guideline"] == "sentiment@1.0.0"
    assert set(needed) == {"review_id", "document_id", "guideline"}


def test_a_verdict_is_told_and_so_is_that_it_was_taken_back(
    store: Store,
    queue: ReviewQueue,
    ask: Callable[..., None],
    decide: Callable[..., Any],
    endpoint: Callable[..., Webhook],
) -> None:
    webhook = endpoint("review.verified", "document.labeled")
    ask("a")
    item = decide("a", NEGATIVE)
    queue.undo(item.id, "ann")
    decide("a", None)
    labeled, verified, restored, rejected = store.deliveries.take_up({webhook.id: 10}, 60)
    assert [each.kind for each in (labeled, verified, restored, rejected)] == [
        "document.labeled",
        "review.verified",
        "document.labeled",
        "review.verified",
    ]
    assert verified.data["review_id"] == item.id
    assert (verified.data["answered"], rejected.data["answered"]) == (True, False)
    stored = store.labels.history("a")
    assert [each.id for each in stored] == [
        each.data["label_id"] for each in (labeled, verified, restored, rejected)
    ]


def test_a_verdict_that_was_refused_is_not_told(
    queue: ReviewQueue,
    ask: Callable[..., None],
    endpoint: Callable[..., Webhook],
    told: Callable[[Webhook], list[Delivery]],
) -> None:
    webhook = endpoint("review.verified")
    ask("a")
    item = queue.next("ann")
    assert item is not None
    for _ in range(2):
        queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann")
    with pytest.raises(AlreadyReviewed):
        queue.verdict(item.id, token=item.token, kind="confirm", reviewer="eve")
    assert len(told(webhook)) == 1


def test_neither_text_nor_answer_nor_reviewer_nor_a_reason_to_review_is_told(
    store: Store,
    ask: Callable[..., None],
    decide: Callable[..., Any],
    endpoint: Callable[..., Webhook],
) -> None:
    webhook = endpoint()
    ask("a", text="a secret text")
    decide("a", NEGATIVE, "a secret reviewer", comment="a secret comment")
    said = json.dumps([each.model_dump(mode="json") for each in _messages(store, webhook)])
    assert "review.verified" in said
    for word in ("secret text", "secret reviewer", "secret comment", "negative", "positive"):
        assert word not in said


def _messages(store: Store, webhook: Webhook) -> list[Any]:
    return store.deliveries.take_up({webhook.id: 100}, 60)


def test_each_seat_of_a_panel_and_its_adjudication_need_a_person(
    queue: ReviewQueue,
    ask: Callable[..., None],
    endpoint: Callable[..., Webhook],
    told: Callable[[Webhook], list[Delivery]],
) -> None:
    webhook = endpoint("review.needed", "review.verified")
    ask("a", reviewers=2)
    assert len(told(webhook)) == 2
    for reviewer, answer in (("ann", POSITIVE), ("eve", NEGATIVE)):
        (item,) = queue.take(reviewer)
        queue.verdict(item.id, token=item.token, kind="correct", reviewer=reviewer, answer=answer)
    assert len(told(webhook)) == 3
    (item,) = queue.take("kim", where=Filter(queue="adjudication"))
    queue.verdict(item.id, token=item.token, kind="correct", reviewer="kim", answer=NEGATIVE)
    kinds = [each.kind for each in told(webhook)]
    assert kinds == ["review.needed"] * 3 + ["review.verified"]


def test_what_is_accepted_no_more_is_told_again(
    store: Store,
    accept: Callable[..., None],
    endpoint: Callable[..., Webhook],
    told: Callable[[Webhook], list[Delivery]],
) -> None:
    accept("a")
    webhook = endpoint()
    (stored,) = store.labels.history("a")
    assert store.audits.requeue([stored.id], "breach", "The promise is broken.") == 1
    assert [each.kind for each in told(webhook)] == ["document.labeled", "review.needed"]
    assert data_of(store, webhook)[0]["route"] == "review"


def test_a_gate_that_closes_is_told_once_with_the_reason(
    store: Store, endpoint: Callable[..., Webhook], told: Callable[[Webhook], list[Delivery]]
) -> None:
    webhook = endpoint("gate.closed", "gate.opened")
    for _ in range(2):
        store.gates.close("sentiment@1.0.0", "Too many errors.")
    with store.database.write() as connection:
        store.gates.open_with(connection, "sentiment@1.0.0")
        store.gates.open_with(connection, "sentiment@1.0.0")
    assert [each.kind for each in told(webhook)] == ["gate.closed", "gate.opened"]
    assert data_of(store, webhook)[0]["reason"] == "Too many errors."


def test_what_is_rolled_back_is_not_told(
    store: Store, endpoint: Callable[..., Webhook], told: Callable[[Webhook], list[Delivery]]
) -> None:
    webhook = endpoint()

    def broken() -> None:
        with store.database.write() as connection:
            store.gates.open_with(connection, "sentiment@1.0.0")
            raise LlmlabelError("no")

    store.gates.close("sentiment@1.0.0", "Too many errors.")
    with pytest.raises(LlmlabelError):
        broken()
    assert [each.kind for each in told(webhook)] == ["gate.closed"]


def test_an_endpoint_is_told_of_its_kinds_and_guidelines_only(
    store: Store,
    ask: Callable[..., None],
    endpoint: Callable[..., Webhook],
    told: Callable[[Webhook], list[Delivery]],
) -> None:
    named = endpoint("document.labeled", guidelines=["sentiment"])
    versioned = endpoint("document.labeled", guidelines=["sentiment@1.0.0"])
    others = endpoint("document.labeled", guidelines=["ner", "sentiment@2.0.0"])
    gates = endpoint("gate.closed")
    off = endpoint()
    store.webhooks.change(off.id, enabled=False)
    ask("a")
    assert [len(told(each)) for each in (named, versioned, others, gates, off)] == [1, 1, 0, 0, 0]


def test_an_endpoint_that_is_removed_meanwhile_disturbs_no_labeling(
    store: Store, ask: Callable[..., None], endpoint: Callable[..., Webhook]
) -> None:
    webhook = endpoint()
    ask("a")
    store.webhooks.remove(webhook.id)
    ask("b")
    assert store.documents.get("b").labels
    assert store.deliveries.page(webhook.id)[0] == []
    assert isinstance(store.documents.get("a").document, Document)
