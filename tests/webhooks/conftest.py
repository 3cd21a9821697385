from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from receiver import Receiver

from llmlabel.domain.webhook import EVENT_KINDS, EventKind, Webhook
from llmlabel.store import Store
from llmlabel.store.outbox import gate_notice, put
from llmlabel.webhooks.signature import new_secret


@pytest.fixture
def endpoint(store: Store) -> Callable[..., Webhook]:
    def add(url: str = "https://a.example/", *events: EventKind) -> Webhook:
        return store.webhooks.add(url=url, secret=new_secret(), events=events or EVENT_KINDS)

    return add


@pytest.fixture
def happen(store: Store) -> Callable[..., None]:
    """Has gates close, one event each."""

    def close(count: int = 1) -> None:
        with store.database.write() as connection:
            notices = [gate_notice("gate.closed", f"g{n}@1.0.0", "-") for n in range(count)]
            put(connection, store.database.clock(), notices)

    return close


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()
