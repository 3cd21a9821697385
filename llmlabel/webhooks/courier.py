"""Sends messages in the background, beside the jobs: at least once, each endpoint by itself."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from llmlabel.domain.webhook import Message
from llmlabel.store import Store
from llmlabel.telemetry import told
from llmlabel.webhooks.schedule import rest_after, wait_after

if TYPE_CHECKING:
    from llmlabel.webhooks.send import Outcome, Sender

AT_ONCE = 8
"""Messages under way to one endpoint; those of a slow one hold up no other's."""

GATHER_SECONDS = 0.02
"""How long to wait for more to end before more is taken up."""

PRUNE_SECONDS = 300.0

log = structlog.get_logger()


class Courier:
    """Takes up what is due and sends it. Any number of processes may run one each.

    What a process had taken up when it died is due again after `hold_seconds`; a message may so
    be sent twice, under the same id.

    Args:
        store: Where messages wait.
        sender: Makes a new sender; it lives on the courier's event loop.
        poll_seconds: How often messages are looked for.
        hold_seconds: For how long a message is taken up; longer than an attempt can take.
        sent: Told of every attempt: the message and its outcome.
    """

    def __init__(
        self,
        store: Store,
        sender: Callable[[], Sender],
        *,
        poll_seconds: float = 0.5,
        hold_seconds: float = 60.0,
        sent: Callable[[Message, Outcome], object] | None = None,
    ) -> None:
        self._store = store
        self._make_sender = sender
        self._poll_seconds = poll_seconds
        self._hold_seconds = hold_seconds
        self._sent = sent
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()
        self._patience = 10.0
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin to send. Once per instance."""
        self._thread.start()
        self._ready.wait()

    def stop(self, timeout: float = 10.0) -> None:
        """Stop in good order: what is under way may end; what does not is handed back.

        Args:
            timeout: Seconds for what is under way.
        """
        if self._loop is None or self._stopping is None or not self._thread.is_alive():
            return
        self._patience = timeout
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._work())

    async def _work(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        sender = self._make_sender()
        under_way: dict[asyncio.Task[None], Message] = {}
        stop = asyncio.create_task(self._stopping.wait())
        prune_at = self._loop.time()
        try:
            while not self._stopping.is_set():
                for message in await self._take_up(under_way):
                    under_way[asyncio.create_task(self._deliver(sender, message))] = message
                if self._loop.time() >= prune_at:
                    prune_at = self._loop.time() + PRUNE_SECONDS
                    await self._tidy()
                await asyncio.wait(
                    [stop, *under_way],
                    timeout=self._poll_seconds,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if under_way and not self._stopping.is_set():
                    await asyncio.sleep(GATHER_SECONDS)
                under_way = {task: each for task, each in under_way.items() if not task.done()}
            await self._end(under_way)
        finally:
            stop.cancel()
            await sender.close()

    async def _take_up(self, under_way: dict[asyncio.Task[None], Message]) -> list[Message]:
        busy = Counter(message.webhook_id for message in under_way.values())
        deliveries = self._store.deliveries
        try:
            due = await asyncio.to_thread(deliveries.due)
            room = {id: AT_ONCE - busy[id] for id in due if busy[id] < AT_ONCE}
            if not room:
                return []
            return await asyncio.to_thread(deliveries.take_up, room, self._hold_seconds)
        except Exception as error:
            # The next round does what this one could not.
            log.warning("webhooks cannot be looked for", **told(error))
            return []

    async def _deliver(self, sender: Sender, message: Message) -> None:
        outcome = await sender.send(message)
        try:
            await asyncio.to_thread(self._settle, message, outcome)
            if self._sent is not None:
                self._sent(message, outcome)
        except Exception as error:
            # It is due again when it is held no more: rather twice than never.
            log.warning("a webhook cannot be settled", message=message.id, **told(error))

    def _settle(self, message: Message, outcome: Outcome) -> None:
        deliveries = self._store.deliveries
        if outcome.delivered:
            deliveries.delivered(message, outcome.status or 0)
            return
        error = outcome.error or "It failed."
        about = {"webhook": message.webhook_id, "message": message.id, "error": error}
        if outcome.gone:
            deliveries.failed(message, error, status=outcome.status, wait=None)
            deliveries.disable(message.webhook_id, "The endpoint answered 410: it is gone.")
            log.warning("webhook disabled: it is gone", **about)
            return
        attempts = message.attempts + 1
        wait = wait_after(attempts, outcome.retry_after)
        rest = rest_after(deliveries.failures(message.webhook_id) + 1, outcome.retry_after)
        disabled = deliveries.failed(message, error, status=outcome.status, wait=wait, rest=rest)
        log.info("webhook failed", attempts=attempts, dead=wait is None, **about)
        if disabled:
            log.warning("webhook disabled: it failed for days", **about)

    async def _tidy(self) -> None:
        try:
            while await asyncio.to_thread(self._store.deliveries.prune):
                pass
        except Exception as error:
            log.warning("old webhooks cannot be deleted", **told(error))

    async def _end(self, under_way: dict[asyncio.Task[None], Message]) -> None:
        if not under_way:
            return
        _, late = await asyncio.wait(under_way, timeout=self._patience)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        try:
            left = [under_way[task] for task in late]
            await asyncio.to_thread(self._store.deliveries.hand_back, left)
        except Exception as error:
            log.warning("webhooks cannot be handed back", **told(error))
