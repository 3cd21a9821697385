from __future__ import annotations

from collections.abc import Callable

import pytest

from llmlabel.domain.answer import Answer, ChoiceAnswer, Span, SpansAnswer, TokensAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import blind_draw
from llmlabel.domain.label import Label, Route
from llmlabel.errors import InvalidInput
from llmlabel.review import ReviewQueue
from llmlabel.review.answers import token_offsets
from llmlabel.store import ReviewItem, Store
from llmlabel.store.openings import AUDIT_PRIORITY, BLIND_SHARE

Put = Callable[..., None]
Decide = Callable[..., ReviewItem]
POSITIVE, NEGATIVE = ChoiceAnswer(label="positive"), ChoiceAnswer(label="negative")


def _item(store: Store, id: str) -> ReviewItem:
    (item,) = [each for each in store.reviews.page(limit=500).items if each.document.id == id]
    return item


def _current(store: Store, id: str) -> Label:
    (stored,) = store.documents.get(id).labels
    return stored.label


def _texts(blind: bool) -> list[str]:
    chance = {
        text: blind_draw("", "sentiment@1.0.0", Document.of_text(text).text_sha256)
        for text in (f"text {n}" for n in range(20))
    }
    return [text for text, value in chance.items() if (value < BLIND_SHARE) == blind]


def test_an_accepted_label_that_is_drawn_is_reviewed_blind_and_delivered_meanwhile(
    store: Store, accept: Put
) -> None:
    accept("a", drawn=True)
    accept("b")
    item = _item(store, "a")
    assert (item.kind, item.blind, item.sampled, item.hidden) == ("audit", True, 0.05, True)
    assert store.counts().reviews_open == 1
    assert store.documents.get("a").status == "done"
    assert [each.id for each in store.documents.page(status="done").items] == ["b", "a"]


def test_a_doubted_label_that_is_drawn_belongs_to_the_sample_and_is_blind(
    store: Store, ask: Put
) -> None:
    ask("a", audit_rate=0.05, drawn=True)
    item = _item(store, "a")
    assert (item.kind, item.blind, item.sampled) == ("doubt", True, 0.05)
    assert store.documents.get("a").status == "review"


def test_a_doubted_label_that_is_not_drawn_belongs_to_no_sample(store: Store, ask: Put) -> None:
    for text in (_texts(blind=True)[0], _texts(blind=False)[0]):
        ask(text, text=text, audit_rate=0.05)
        assert _item(store, text).sampled is None
        assert _item(store, text).kind == "doubt"


def test_where_everything_is_reviewed_every_verdict_belongs_to_the_sample(
    store: Store, ask: Put
) -> None:
    ask("a", audit_rate=0.05, forced=True)
    ask("b", audit_rate=0.05, forced=True, drawn=True)
    for id in "ab":
        assert (_item(store, id).kind, _item(store, id).sampled) == ("forced", 1.0)
    assert _item(store, "b").blind


def test_some_doubted_items_are_as_blind_as_audits(store: Store, ask: Put) -> None:
    for text in _texts(blind=True) + _texts(blind=False):
        ask(text, text=text, audit_rate=0.05)
    blind = {each.document.id for each in store.reviews.page(limit=200).items if each.blind}
    assert blind == set(_texts(blind=True))


def test_where_nothing_is_audited_nothing_is_blind(store: Store, ask: Put) -> None:
    for text in _texts(blind=True):
        ask(text, text=text, audit_rate=0.0)
    assert not any(each.blind for each in store.reviews.page(limit=200).items)


def test_audits_and_other_blind_items_come_first_and_have_one_priority(
    store: Store, queue: ReviewQueue, ask: Put, accept: Put
) -> None:
    open_text, blind_text = _texts(blind=False)[0], _texts(blind=True)[0]
    ask("open", text=open_text, audit_rate=0.05)
    ask("forced", text=open_text, audit_rate=0.05, forced=True)
    ask("blind", text=blind_text, audit_rate=0.05)
    accept("audit", drawn=True)
    assert _item(store, "blind").priority == _item(store, "audit").priority == AUDIT_PRIORITY
    order = [item.document.id for _ in range(4) if (item := queue.next("ann"))]
    assert order == ["blind", "audit", "forced", "open"]


def test_a_document_that_is_verified_opens_no_second_review(
    store: Store, ask: Put, decide: Decide
) -> None:
    ask("a")
    decide("a", NEGATIVE)
    ask("a", run=2)
    assert store.counts().reviews_open == 0


def test_a_blind_item_cannot_be_confirmed(store: Store, queue: ReviewQueue, accept: Put) -> None:
    accept("a", drawn=True)
    item = queue.next("ann")
    assert item is not None
    for answer in (None, POSITIVE):
        with pytest.raises(InvalidInput, match="blind") as caught:
            queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann", answer=answer)
        assert caught.value.field == "kind"


def test_what_a_blind_item_refuses_does_not_tell_what_was_proposed(
    queue: ReviewQueue, ask: Put
) -> None:
    said = set()
    for id, answer in (("a", POSITIVE), ("b", None)):
        ask(id, answer=answer, audit_rate=0.05, drawn=True)
        item = queue.next("ann")
        assert item is not None
        with pytest.raises(InvalidInput) as caught:
            queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann")
        said.add(caught.value.detail)
    assert len(said) == 1


def test_a_blind_answer_that_equals_the_proposal_confirms_it(
    store: Store, accept: Put, decide: Decide
) -> None:
    accept("a", drawn=True)
    done = decide("a", POSITIVE)
    assert done.verdict is not None
    assert (done.verdict.kind, done.hidden) == ("correct", False)
    label = _current(store, "a")
    assert (label.verified, label.answer, label.route) == (True, POSITIVE, Route.ACCEPTED)
    assert "confirms" in label.reason
    assert label.certificate == "c-1"


def test_a_blind_answer_that_differs_replaces_the_accepted_one(
    store: Store, accept: Put, decide: Decide
) -> None:
    accept("a", "b", drawn=True)
    decide("a", NEGATIVE)
    decide("b", None)
    assert (_current(store, "a").answer, _current(store, "a").verified) == (NEGATIVE, True)
    assert (_current(store, "b").answer, _current(store, "b").route) == (None, Route.REVIEW)


def test_a_blind_item_that_was_taken_back_is_hidden_again_and_its_label_stands(
    store: Store, queue: ReviewQueue, accept: Put, decide: Decide
) -> None:
    accept("a", drawn=True)
    again = queue.undo(decide("a", NEGATIVE).id, "ann")
    assert again.hidden
    label = _current(store, "a")
    assert (label.verified, label.answer, label.route) == (False, POSITIVE, Route.ACCEPTED)


def test_a_skipped_blind_item_stays_open(store: Store, accept: Put, decide: Decide) -> None:
    accept("a", drawn=True)
    assert decide("a", None, kind="skip").hidden
    assert not _current(store, "a").verified


@pytest.mark.parametrize(
    ("answer", "offsets"),
    [
        (TokensAnswer(tokens=(Span(start=0, end=4, label="NOUN"),)), [(0, 4)]),
        (TokensAnswer(), []),
        (SpansAnswer(spans=(Span(start=0, end=4, label="PERSON"),)), None),
        (POSITIVE, None),
        (None, None),
    ],
)
def test_only_tokens_show_where_they_stand(
    answer: Answer | None, offsets: list[tuple[int, int]] | None
) -> None:
    assert token_offsets(answer) == offsets


def test_a_blind_answer_has_the_tokens_of_the_proposal(queue: ReviewQueue, ask: Put) -> None:
    def tokens(*ends: int) -> TokensAnswer:
        return TokensAnswer(tokens=tuple(Span(start=0, end=n, label="NOUN") for n in ends))

    ask("a", name="pos", answer=tokens(4), audit_rate=0.05, drawn=True)
    item = queue.next("ann")
    assert item is not None
    with pytest.raises(InvalidInput, match="tokens differ"):
        queue.verdict(item.id, token=item.token, kind="correct", reviewer="ann", answer=tokens(3))
    queue.verdict(item.id, token=item.token, kind="correct", reviewer="ann", answer=tokens(4))
