"""Messages reach a real endpoint, whatever it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from receiver import Receiver

from llmlabel.domain.webhook import Delivery, Webhook
from llmlabel.store import Store
from llmlabel.webhooks import courier, schedule
from llmlabel.webhooks.courier import AT_ONCE, Courier
from llmlabel.webhooks.send import Sender
from llmlabel.webhooks.signature import is_signed

Start = Callable[..., Courier]
Endpoint = Callable[..., Webhook]
Happen = Callable[..., None]


@pytest.fixture
def running() -> Iterator[list[Courier]]:
    """Couriers that are stopped at the end."""
    couriers: list[Courier] = []
    yield couriers
    for each in couriers:
        each.stop(0)


@pytest.fixture
def start(store: Store, running: list[Courier], monkeypatch: pytest.MonkeyPatch) -> Start:
    """Starts couriers; waits between attempts are short."""
    monkeypatch.setattr(schedule, "STEPS", (0.05,) * 3)
    monkeypatch.setattr(schedule, "ATTEMPTS", 4)
    monkeypatch.setattr(schedule, "LONGEST_REST", 0.1)

    def go(*, timeout: float = 20.0, private: bool = True, **options: Any) -> Courier:
        made = Courier(
            store,
            lambda: Sender(private=private, timeout=timeout, public_url="https://labels.example/"),
            poll_seconds=0.02,
            **options,
        )
        made.start()
        running.append(made)
        return made

    return go


@pytest.fixture
def begin(
    start: Start,
    receiver: Receiver,
    endpoint: Endpoint,
    happen: Happen,
) -> Endpoint:
    """Adds an endpoint that answers so, has something to tell it, and starts a courier."""

    def go(answer: Callable[[Any], Any] = lambda _: 204, **options: Any) -> Webhook:
        receiver.answer = answer
        webhook = endpoint(receiver.url)
        happen()
        start(**options)
        return webhook

    return go


def until(store: Store, webhook: Webhook, status: str, count: int = 1) -> list[Delivery]:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found = [
            each
            for each in store.deliveries.page(webhook.id, limit=1000)[0]
            if each.status == status
        ]
        if len(found) >= count:
            return found
        time.sleep(0.02)
    raise AssertionError(store.deliveries.page(webhook.id)[0])


def test_a_message_comes_signed_with_ids_and_a_link(
    store: Store, begin: Endpoint, receiver: Receiver
) -> None:
    webhook = begin()
    (received,) = receiver.wait_for(1)
    (secret,) = store.webhooks.secrets(webhook.id)
    assert is_signed(secret, received.headers, received.body, time.time())
    assert received.path == "/hook"
    assert received.headers["content-type"] == "application/json"
    assert received.told["type"] == "gate.closed"
    assert received.told["timestamp"].endswith("Z")
    assert received.told["data"] == {
        "guideline": "g0@1.0.0",
        "reason": "-",
        "certificate": None,
        "url": "https://labels.example/v1/metrics/quality?guideline=g0@1.0.0",
    }
    (delivery,) = until(store, webhook, "delivered")
    assert (delivery.id, delivery.last_status) == (received.id, 204)


@pytest.mark.parametrize("fault", [500, 404, 429, (302, {"Location": "/elsewhere"}), "close"])
def test_what_fails_is_tried_again_under_the_same_id(
    store: Store, begin: Endpoint, receiver: Receiver, fault: Any
) -> None:
    webhook = begin(lambda _: fault if len(receiver.received) < 3 else 204)
    received = receiver.wait_for(3)
    (delivery,) = until(store, webhook, "delivered")
    assert {each.id for each in received} == {delivery.id}
    assert {each.path for each in received} == {"/hook"}
    assert len({each.body for each in received}) == 1
    assert delivery.attempts == 3
    assert store.webhooks.get(webhook.id).failures == 0


def test_what_fails_too_often_is_dead_says_why_and_can_be_replayed(
    store: Store, begin: Endpoint, receiver: Receiver
) -> None:
    webhook = begin(lambda _: 503)
    (dead,) = until(store, webhook, "dead")
    assert (dead.attempts, dead.last_status) == (4, 503)
    assert dead.last_error == "It answered 503."
    receiver.answer = lambda _: 200
    store.deliveries.replay(webhook.id)
    (delivered,) = until(store, webhook, "delivered")
    assert delivered.id == dead.id


def test_an_endpoint_that_asks_to_wait_is_not_asked_before(
    store: Store, begin: Endpoint, receiver: Receiver
) -> None:
    webhook = begin(lambda _: (429, {"Retry-After": "3600"}))
    receiver.wait_for(1)
    while not (rests := store.webhooks.get(webhook.id).rests_until):
        time.sleep(0.02)
    (delivery,) = store.deliveries.page(webhook.id)[0]
    assert delivery.status == "waiting"
    assert delivery.next_attempt_at is not None
    least = delivery.created_at.timestamp() + 3599
    assert min(delivery.next_attempt_at.timestamp(), rests.timestamp()) >= least


def test_an_endpoint_that_is_gone_is_disabled(
    store: Store, begin: Endpoint, happen: Happen
) -> None:
    webhook = begin(lambda _: 410)
    (dead,) = until(store, webhook, "dead")
    while store.webhooks.get(webhook.id).enabled:
        time.sleep(0.02)
    assert "410" in store.webhooks.get(webhook.id).disabled_reason
    happen()
    assert [each.id for each in store.deliveries.page(webhook.id)[0]] == [dead.id]


def test_one_slow_endpoint_does_not_hold_up_others(
    store: Store, start: Start, receiver: Receiver, endpoint: Endpoint, happen: Happen
) -> None:
    receiver.answer = lambda each: "hang" if each.path == "/slow" else 204
    slow = endpoint(receiver.url.replace("/hook", "/slow"))
    others = [endpoint(receiver.url) for _ in range(2)]
    happen(3 * AT_ONCE)
    start(timeout=120.0)
    for other in others:
        until(store, other, "delivered", 3 * AT_ONCE)
    receiver.wait_for(AT_ONCE, path="/slow")
    assert store.deliveries.page(slow.id, status="delivered")[0] == []
    assert sum(each.path == "/slow" for each in receiver.received) == AT_ONCE
    receiver.let_go.set()
    until(store, slow, "delivered", 3 * AT_ONCE)


def test_an_endpoint_that_never_answers_fails_in_time_and_one_that_never_ends_is_cut_off(
    store: Store,
    start: Start,
    receiver: Receiver,
    endpoint: Endpoint,
    happen: Happen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schedule, "ATTEMPTS", 2)
    receiver.answer = lambda each: "hang" if each.path == "/hang" else "flood"
    hangs = endpoint(receiver.url.replace("/hook", "/hang"))
    floods = endpoint(receiver.url)
    happen()
    start(timeout=2.0)
    until(store, floods, "delivered")
    (dead,) = until(store, hangs, "dead")
    assert dead.last_error == "No answer within 2 seconds."


def test_nothing_is_sent_into_a_private_network(
    store: Store, start: Start, receiver: Receiver, endpoint: Endpoint, happen: Happen
) -> None:
    # As it was allowed once, or as a name that leads inside.
    by_address = endpoint(receiver.url.replace("http:", "https:"))
    by_name = endpoint(f"https://localhost:{receiver.port}/hook")
    plain = endpoint(receiver.url)
    happen()
    start(private=False)
    for webhook in (by_address, by_name):
        (dead,) = until(store, webhook, "dead")
        assert "not an address of the public network" in str(dead.last_error)
    (dead,) = until(store, plain, "dead")
    assert "https://" in str(dead.last_error)
    assert receiver.received == []


def test_an_address_where_nobody_listens_is_a_failure_that_says_so(
    store: Store, start: Start, endpoint: Endpoint, happen: Happen
) -> None:
    closed = Receiver()
    closed.close()
    webhook = endpoint(closed.url)
    happen()
    start()
    (dead,) = until(store, webhook, "dead")
    assert str(dead.last_error).startswith("It cannot be reached:")


def test_two_couriers_share_the_work_and_send_nothing_twice(
    store: Store, start: Start, receiver: Receiver, endpoint: Endpoint, happen: Happen
) -> None:
    webhook = endpoint(receiver.url)
    start()
    start()
    happen(60)
    until(store, webhook, "delivered", 60)
    ids = [each.id for each in receiver.received]
    assert len(ids) == len(set(ids)) == 60


def test_a_courier_that_stops_hands_back_what_it_could_not_end(
    store: Store,
    begin: Endpoint,
    receiver: Receiver,
    start: Start,
    running: list[Courier],
) -> None:
    webhook = begin(lambda _: "hang")
    (cut_off,) = receiver.wait_for(1)
    running[0].stop(0)
    receiver.answer = lambda _: 204
    start()
    (delivery,) = until(store, webhook, "delivered")
    assert delivery.id == cut_off.id


def test_a_courier_tells_of_every_attempt(
    store: Store, begin: Endpoint, receiver: Receiver
) -> None:
    seen: list[tuple[str, bool, int | None]] = []

    def tell(message: Any, outcome: Any) -> None:
        seen.append((message.kind, outcome.delivered, outcome.status))

    webhook = begin(lambda _: 500 if len(receiver.received) == 1 else 200, sent=tell)
    until(store, webhook, "delivered")
    while len(seen) < 2:  # it is told of once it is written down
        time.sleep(0.02)
    assert seen == [("gate.closed", False, 500), ("gate.closed", True, 200)]


def test_the_constants_leave_an_attempt_time_to_end() -> None:
    held = Courier.__init__.__kwdefaults__["hold_seconds"]
    from llmlabel.webhooks.send import TIMEOUT_SECONDS

    assert held > 2 * TIMEOUT_SECONDS + courier.GATHER_SECONDS
