"""Processes are killed without a warning; no message is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from receiver import Receiver
from started import Process, processes

from llmlabel.domain.webhook import Webhook
from llmlabel.store import Store

Start = Callable[..., Process]

COUNT = 60


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[Start]:
    with processes() as begin:

        def go(mode: str, count: int = 0) -> Process:
            worker = Path(__file__).with_name("worker.py")
            process = begin(worker, database_url, tmp_path, mode, count)
            assert process.stdout is not None
            assert "ready\n" in process.stdout, "it ended before it was ready"
            return process

        yield go


def test_kills_between_commit_and_delivery_and_during_it_lose_nothing(
    store: Store, start: Start, receiver: Receiver, endpoint: Callable[..., Webhook]
) -> None:
    webhook = endpoint(receiver.url, "document.labeled")
    labeler = start("label", COUNT)
    labeler.kill()
    labeler.wait()
    assert len(store.deliveries.page(webhook.id, status="waiting", limit=1000)[0]) == COUNT
    for already in (5, 25):
        receiver.answer = lambda _, most=already: 204 if len(receiver.received) < most else "hang"
        sender = start("send")
        receiver.wait_for(already + 1)
        sender.kill()
        sender.wait()
    receiver.answer = lambda _: 204
    start("send")
    end = time.monotonic() + 120
    while len(store.deliveries.page(webhook.id, status="delivered", limit=1000)[0]) < COUNT:
        assert time.monotonic() < end
        time.sleep(0.05)
    ids: dict[str, set[str]] = {}
    for each in receiver.received:
        ids.setdefault(each.told["data"]["document_id"], set()).add(each.id)
    assert set(ids) == {f"d{n}" for n in range(COUNT)}
    assert {len(known) for known in ids.values()} == {1}
