"""Messages are taken up by one sender at a time, and nothing is lost when one dies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from llmlabel.domain.webhook import Message, Webhook
from llmlabel.errors import Conflict, InvalidInput, NotFound
from llmlabel.store import Store
from llmlabel.store.deliveries import GIVE_UP_AFTER, GIVE_UP_FAILURES, KEEP_DEAD, KEEP_DELIVERED
from llmlabel.store.webhooks import MOST

if TYPE_CHECKING:
    from told_clock import Clock


def take(store: Store, webhook: Webhook, most: int = 100) -> list[Message]:
    return store.deliveries.take_up({webhook.id: most}, 60)


def test_two_senders_never_hold_the_same_message(
    store: Store, endpoint: Callable[..., Webhook], happen: Callable[..., None]
) -> None:
    webhook = endpoint()
    happen(200)
    taken: list[list[Message]] = [[], [], []]

    def work(mine: list[Message]) -> None:
        while found := take(store, webhook, 7):
            mine += found

    threads = [threading.Thread(target=work, args=(mine,)) for mine in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [message.id for mine in taken for message in mine]
    assert len(ids) == len(set(ids)) == 200


def test_messages_are_taken_up_oldest_first(
    store: Store, endpoint: Callable[..., Webhook], happen: Callable[..., None]
) -> None:
    webhook = endpoint()
    happen(5)
    found = [take(store, webhook, 2), take(store, webhook, 2), take(store, webhook, 2)]
    names = [[message.data["guideline"] for message in some] for some in found]
    assert names == [["g0@1.0.0", "g1@1.0.0"], ["g2@1.0.0", "g3@1.0.0"], ["g4@1.0.0"]]


def test_what_a_lost_sender_held_is_due_again_under_the_same_id(
    store: Store, clock: Clock, endpoint: Callable[..., Webhook], happen: Callable[..., None]
) -> None:
    webhook = endpoint()
    happen()
    (lost,) = take(store, webhook)
    assert take(store, webhook) == []
    clock.pass_seconds(61)
    (again,) = take(store, webhook)
    assert again.id == lost.id
    store.deliveries.failed(lost, "It comes late.", wait=None)
    assert store.deliveries.page(webhook.id)[0][0].status == "waiting"
    store.deliveries.delivered(lost, 200)
    store.deliveries.failed(again, "Somebody else was faster.", wait=5)
    (delivery,) = store.deliveries.page(webhook.id)[0]
    assert (delivery.status, delivery.attempts) == ("delivered", 1)


def test_what_is_handed_back_is_due_at_once(
    store: Store, clock: Clock, endpoint: Callable[..., Webhook], happen: Callable[..., None]
) -> None:
    webhook = endpoint()
    happen(2)
    store.deliveries.hand_back(take(store, webhook))
    assert len(take(store, webhook)) == 2


def test_a_failed_message_waits_and_a_dead_one_is_replayed_under_its_id(
    store: Store, clock: Clock, endpoint: Callable[..., Webhook], happen: Callable[..., None]
) -> None:
    webhook = endpoint()
    happen(2)
    first, second = take(store, webhook)
    store.deliveries.failed(first, "It answered 500.", status=500, wait=30)
    store.deliveries.failed(second, "It answered 500.", status=500, wait=None)
    waiting, dead = store.deliveries.page(webhook.id)[0][::-1]
    assert (waiting.status, dead.status) == ("waiting", "dead")
    assert waiting.next_attempt_at == clock() + timedelta(seconds=30)
    assert (dead.last_status, dead.last_error) == (500, "It answered 500.")
    assert [each.id for each in store.deliveries.page(webhook.id, status="dead")[0]] == [second.id]
    assert store.deliveries.counts()._asdict() == {
        "waiting": 1,
        "oldest": first.happened_at,
        "dead": 1,
    }
    assert store.deliveries.replay(webhook.id, since=clock() + timedelta(1)) == 0
    assert store.deliveries.replay(webhook.id) == 1
    (again,) = take(store, webhook)
    assert (again.id, again.attempts) == (second.id, 0)
    store.deliveries.delivered(again, 200)
    assert store.deliveries.replay(webhook.id, ids=[second.id, "other"]) == 1


def test_a_resting_endpoint_is_left_alone_until_it_has_rested(
    store: Store, clock: Clock, endpoint: Callable[..., Webhook], happen: Callable[..., None]
) -> None:
    webhook, other = endpoint(), endpoint()
    happen(2)
    (message, *_) = take(store, webhook, 1)
    store.deliveries.failed(message, "-", wait=1, rest=100)
    store.deliveries.failed(message, "A shorter rest takes nothing away.", wait=1, rest=5)
    clock.pass_seconds(99)
    assert store.deliveries.due() == [other.id]
    assert take(store, webhook) == []
    clock.pass_seconds(2)
    assert len(take(store, webhook)) == 2
    store.deliveries.delivered(message, 200)
    assert store.webhooks.get(webhook.id).failures == 0


def test_an_endpoint_that_fails_for_days_is_disabled_and_keeps_what_waits(
    store: Store, clock: Clock, endpoint: Callable[..., Webhook], happen: Callable[..., None]
) -> None:
    webhook = endpoint()
    happen()
    (message,) = take(store, webhook)
    for _ in range(GIVE_UP_FAILURES):
        assert not store.deliveries.failed(message, "No.", wait=0)
    clock.pass_seconds(GIVE_UP_AFTER.total_seconds())
    (message,) = take(store, webhook)
    assert store.deliveries.failed(message, "No.", wait=0)
    disabled = store.webhooks.get(webhook.id)
    assert not disabled.enabled
    assert "5 days" in disabled.disabled_reason
    assert store.deliveries.due() == []
    with pytest.raises(Conflict, match="enable it"):
        store.deliveries.replay(webhook.id)
    enabled = store.webhooks.change(webhook.id, enabled=True)
    assert (enabled.disabled_reason, enabled.failures) == ("", 0)
    assert [each.id for each in take(store, webhook)] == [message.id]


def test_a_clock_that_jumps_ahead_disables_nothing(
    store: Store, clock: Clock, endpoint: Callable[..., Webhook], happen: Callable[..., None]
) -> None:
    webhook = endpoint()
    happen()
    (message,) = take(store, webhook)
    store.deliveries.failed(message, "No.", wait=0)
    clock.pass_seconds(10 * GIVE_UP_AFTER.total_seconds())
    assert not store.deliveries.failed(message, "No.", wait=0)
    assert store.webhooks.get(webhook.id).enabled


def test_old_messages_are_deleted_those_that_wait_are_not(
    store: Store, clock: Clock, endpoint: Callable[..., Webhook], happen: Callable[..., None]
) -> None:
    webhook = endpoint()
    happen(3)
    delivered, dead, waiting = take(store, webhook)
    store.deliveries.delivered(delivered, 200)
    store.deliveries.failed(dead, "-", wait=None)
    store.deliveries.failed(waiting, "-", wait=5)
    clock.pass_seconds(KEEP_DELIVERED.total_seconds() + 1)
    assert (store.deliveries.prune(), store.deliveries.prune()) == (1, 0)
    clock.pass_seconds((KEEP_DEAD - KEEP_DELIVERED).total_seconds())
    assert (store.deliveries.prune(), store.deliveries.prune()) == (1, 0)
    (left,) = store.deliveries.page(webhook.id)[0]
    assert left.id == waiting.id
    store.webhooks.change(webhook.id, enabled=False)
    assert store.deliveries.prune() == 1


def test_deliveries_are_read_page_by_page(
    store: Store, endpoint: Callable[..., Webhook], happen: Callable[..., None]
) -> None:
    webhook, other = endpoint(), endpoint("https://b.example/", "gate.opened")
    happen(5)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        some, cursor = store.deliveries.page(webhook.id, limit=2, cursor=cursor)
        seen += [each.id for each in some]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5
    assert store.deliveries.page(other.id) == ([], None)
    with pytest.raises(InvalidInput):
        store.deliveries.page(webhook.id, cursor="nonsense")


def test_a_former_secret_counts_until_its_time_is_over(
    store: Store, clock: Clock, endpoint: Callable[..., Webhook], happen: Callable[..., None]
) -> None:
    webhook = endpoint()
    (old,) = store.webhooks.secrets(webhook.id)
    store.webhooks.rotate(webhook.id, "whsec_bmV3", timedelta(hours=1))
    happen()
    (message,) = take(store, webhook)
    assert message.secrets == ("whsec_bmV3", old)
    assert old not in repr(message)
    clock.pass_seconds(3601)
    assert store.webhooks.secrets(webhook.id) == ("whsec_bmV3",)


def test_there_is_an_end_to_the_number_of_endpoints(
    store: Store, endpoint: Callable[..., Webhook]
) -> None:
    for _ in range(MOST):
        endpoint()
    with pytest.raises(Conflict, match="remove one"):
        endpoint()


def test_an_endpoint_that_is_not_there_is_not_found(store: Store) -> None:
    webhooks = store.webhooks
    for call in (webhooks.get, webhooks.secrets, webhooks.remove, webhooks.change):
        with pytest.raises(NotFound, match="llmlabel webhooks list"):
            call("wh_none")
