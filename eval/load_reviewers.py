"""Reviewers over HTTP who work as the page does: they fetch ahead, decide, take back, give back."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import httpx

from eval.full_queue import LABELS

FULL, LOW = 10, 5
"""So many items the page holds, and with so few it asks for more."""

ALONE = 0.1
"""Share of reviewers that are scripts: one item at a time, by `GET /v1/reviews/next`."""


@dataclass(frozen=True, slots=True)
class Told:
    """A verdict or undo that the service answered with 200."""

    review_id: str
    reviewer: str
    kind: str
    token: int
    label: str | None = None


@dataclass
class Diary:
    """What happened to all reviewers.

    Attributes:
        seconds: How long each request took, by what was asked.
        codes: How often it was answered so; 0 is no answer.
        told: Every verdict that was answered with 200, and every undo.
        unanswered: Verdicts and undos that may or may not have arrived.
        given: Who got an item under a token; two are too many.
        twice: Items that two reviewers got under one token.
        surprises: Answers that should not be.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    codes: Counter[tuple[str, int]] = field(default_factory=Counter)
    told: list[Told] = field(default_factory=list)
    unanswered: int = 0
    given: dict[tuple[str, int], str] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)

    def note(self, item: dict[str, Any], reviewer: str) -> None:
        """An item was given to a reviewer."""
        key = (item["id"], item["lease"]["token"])
        if self.given.setdefault(key, reviewer) != reviewer:
            self.twice.append(item["id"])


class Reviewer:
    """One of them.

    Args:
        name: Unlike all others.
        address: Of the service.
        diary: Told of everything.
        until: When to stop, by `time.monotonic()`.
        pause: Mean seconds of thought before each decision.
    """

    def __init__(
        self, name: str, address: str, diary: Diary, *, until: float, pause: float
    ) -> None:
        self.name, self.diary, self.until, self.pause = name, diary, until, pause
        self.chance = random.Random(name)  # noqa: S311 - nothing secret
        self.alone = self.chance.random() < ALONE
        headers = {"X-Reviewer": name} | ({} if self.alone else {"X-Session": f"tab-{name}"})
        self.client = httpx.AsyncClient(
            base_url=address, headers=headers, timeout=60, trust_env=False
        )
        self.hand: list[dict[str, Any]] = []
        self.done: set[tuple[str, int]] = set()

    async def work(self) -> None:
        """Review until the time is over; half of them then give back what they hold."""
        async with self.client:
            fetching: asyncio.Task[None] | None = None
            renewed = time.monotonic()
            while time.monotonic() < self.until:
                if len(self.hand) < LOW and (fetching is None or fetching.done()):
                    fetching = asyncio.create_task(self._fetch())
                if not self.hand and fetching is not None:
                    await fetching
                if not self.hand:
                    await asyncio.sleep(0.2)
                    continue
                if self.pause:
                    await asyncio.sleep(self.chance.expovariate(1 / self.pause))
                await self._decide(self.hand.pop(0))
                if time.monotonic() - renewed > 20:
                    renewed = time.monotonic()
                    await self._ask("renew", "/v1/reviews/renew", {"leases": self._leases()})
            if fetching is not None:
                await fetching
            if self.hand and self.chance.random() < 0.5:
                await self._ask("release", "/v1/reviews/release", {"leases": self._leases()})

    async def _fetch(self) -> None:
        if self.alone:
            found = await self._ask("next", "/v1/reviews/next")
            items = [] if found is None else [found]
        else:
            # Members of panels cannot agree forever: now and then somebody adjudicates.
            queue = "adjudication" if self.chance.random() < 0.1 else "review"
            body = {"count": FULL if queue == "review" else 1, "queue": queue}
            found = await self._ask("take", "/v1/reviews/take", body)
            items = [] if found is None else found["reviews"]
        for item in items:
            if item["lease"] is None:
                continue  # decided while it was on its way
            if item["lease"]["reviewer"] != self.name:
                self.diary.surprises.append(f"{item['id']}: {self.name} got another's lease")
                continue
            self.diary.note(item, self.name)
            key = (item["id"], item["lease"]["token"])
            if key not in self.done and all(item["id"] != each["id"] for each in self.hand):
                self.hand.append(item)

    async def _decide(self, item: dict[str, Any]) -> None:
        body = self._verdict(item)
        token = item["lease"]["token"]
        self.done.add((item["id"], token))
        path = f"/v1/reviews/{item['id']}/verdict"
        times = 2 if self.chance.random() < 0.02 else 1  # as if the first answer had been lost
        for n in range(times):
            said = await self._ask("verdict", path, body, changes=n == 0)
            if said is None:
                if n:
                    self.diary.surprises.append(f"{item['id']}: not taken when sent again")
                return
        answer = body.get("answer") or (item["proposal"] or {}).get("answer")
        label = answer["label"] if answer and body["kind"] in {"confirm", "correct"} else None
        self.diary.told.append(Told(item["id"], self.name, body["kind"], token, label))
        if self.chance.random() < 0.02 and body["kind"] != "skip":
            await self._late(path, body)
        if self.chance.random() < 0.03:
            await self._undo()

    def _verdict(self, item: dict[str, Any]) -> dict[str, Any]:
        kind = self.chance.choices(("confirm", "correct", "reject", "skip"), (80, 12, 3, 5))[0]
        if kind == "confirm" and (item["blind"] or item["proposal"] is None or item["answers"]):
            kind = "correct"
        body = {"token": item["lease"]["token"], "kind": kind, "seconds": 2.5}
        if kind == "correct":
            # Of the members of a panel most are of one mind.
            label = LABELS[0] if self.chance.random() < 0.8 else self.chance.choice(LABELS)
            body["answer"] = {"kind": "choice", "label": label}
        return body

    async def _late(self, path: str, body: dict[str, Any]) -> None:
        """Another verdict on what is decided, under the old token: it must be refused."""
        late = {**body, "kind": "reject", "comment": "too late"}
        late.pop("answer", None)
        response = await self._send("late", path, late)
        if response is not None and response.status_code != 409:
            self.diary.surprises.append(f"{path}: a second verdict got {response.status_code}")

    async def _undo(self) -> None:
        item = await self._ask("undo", "/v1/reviews/undo", {}, changes=True)
        if item is not None:
            self.diary.note(item, self.name)
            token = item["lease"]["token"]
            self.diary.told.append(Told(item["id"], self.name, "undo", token))
            self.hand.insert(0, item)

    def _leases(self) -> list[dict[str, Any]]:
        return [{"id": each["id"], "token": each["lease"]["token"]} for each in self.hand]

    async def _ask(
        self, what: str, path: str, body: dict[str, Any] | None = None, *, changes: bool = False
    ) -> Any:
        """The JSON of the answer; None where there is none, or the service refused."""
        response = await self._send(what, path, body)
        if response is None:
            self.diary.unanswered += changes
            return None
        if response.status_code == 204 or not response.is_success:
            return None
        return response.json()

    async def _send(
        self, what: str, path: str, body: dict[str, Any] | None
    ) -> httpx.Response | None:
        began = time.perf_counter()
        try:
            if body is None:
                response = await self.client.get(path)
            else:
                response = await self.client.post(path, json=body)
        except httpx.TransportError:
            self.diary.codes[what, 0] += 1
            return None
        self.diary.seconds[what].append(time.perf_counter() - began)
        self.diary.codes[what, response.status_code] += 1
        return response


async def review(address: str, reviewers: int, seconds: float, pause: float) -> tuple[Diary, float]:
    """Let reviewers work; returns their diary and how late this process itself was at worst."""
    diary = Diary()
    until = time.monotonic() + seconds
    everybody = [
        Reviewer(f"reviewer-{n:03}", address, diary, until=until, pause=pause)
        for n in range(reviewers)
    ]
    lag = asyncio.create_task(_lag(until))
    await asyncio.gather(*(each.work() for each in everybody))
    return diary, await lag


async def _lag(until: float) -> float:
    """99th percentile of how much longer than asked this process sleeps: its own slowness."""
    late = [0.0]
    while time.monotonic() < until:
        began = time.perf_counter()
        await asyncio.sleep(0.02)
        late.append(time.perf_counter() - began - 0.02)
    return sorted(late)[int(len(late) * 0.99)]
