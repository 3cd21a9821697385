"""Replies kept on disk, so that the same request is answered and paid for once."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import structlog
from pydantic import JsonValue, ValidationError

from llmlabel.llm.protocol import ChatModel, Prompt, Reply, Scores, Usage
from llmlabel.llm.wrapping import Wrapping

Kept = TypeVar("Kept", Scores, Reply)

_VERSION = "1"
"""Part of every key: a change of what is kept or of its form makes old entries unreachable."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS reply (
    key BLOB PRIMARY KEY, value TEXT NOT NULL, size INTEGER NOT NULL, used REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS reply_used ON reply (used);
"""
_ROW_OVERHEAD = 100
_ROWS_DROPPED_AT_ONCE = 500
_KEYS_IN_ONE_QUERY = 500


class ReplyCache:
    """Replies by key in one SQLite file, shared by threads and processes.

    It never stands in the way: a damaged file is moved aside, and where the disk is full or the
    file cannot be written, work goes on uncached, with one warning each.
    """

    def __init__(self, path: Path, *, max_bytes: int = 512 * 1024 * 1024) -> None:
        """Name the file; it is created when the first reply is kept or looked up.

        Args:
            path: The SQLite file.
            max_bytes: Size of the replies kept; beyond it, the longest unused are dropped.
        """
        self._path = path
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._unseen = 0.0  # bytes that may be kept before the size is looked at again
        self._warned: set[str] = set()
        self._log = structlog.get_logger(__name__)

    def get(self, keys: Sequence[str]) -> dict[str, str]:
        """The kept values of those keys that there are."""
        found: dict[str, str] = {}

        def read(db: sqlite3.Connection) -> None:
            wanted = list(dict.fromkeys(keys))
            for start in range(0, len(wanted), _KEYS_IN_ONE_QUERY):
                part = [bytes.fromhex(key) for key in wanted[start : start + _KEYS_IN_ONE_QUERY]]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, value FROM reply WHERE key IN ({marks})"  # noqa: S608
                found.update((key.hex(), value) for key, value in db.execute(query, part))

        self._use(read)
        if found:
            self._use(lambda db: self._touch(db, list(found)))
        return found

    def put(self, values: dict[str, str]) -> None:
        """Keep values under their keys."""
        if not values:
            return

        def write(db: sqlite3.Connection) -> None:
            now = time.time()
            rows = [
                (bytes.fromhex(key), value, len(value.encode()) + _ROW_OVERHEAD, now)
                for key, value in values.items()
            ]
            with db:
                db.executemany("INSERT OR REPLACE INTO reply VALUES (?, ?, ?, ?)", rows)
            self._unseen -= sum(row[2] for row in rows)
            if self._unseen < 0:
                self._prune(db)

        self._use(write)

    def size(self) -> int:
        """Bytes of the replies kept."""
        total = 0

        def read(db: sqlite3.Connection) -> None:
            nonlocal total
            total = _size(db)

        self._use(read)
        return total

    def prune(self) -> None:
        """Drop the longest unused replies until the size is within the limit."""
        self._use(self._prune)

    def forget_texts(self, since: int) -> None:
        """Drop every reply that holds words of a document; probabilities of labels stay.

        A reply does not say whose words they are, so none is kept when a document is deleted.
        The file is rewritten without them, and so are damaged ones that were moved aside.

        Args:
            since: A number that grows with every deletion; done once for each.
        """
        for damaged in self._path.parent.glob(f"{self._path.name}.damaged-*"):
            damaged.unlink(missing_ok=True)
        if not self._path.exists():
            return

        def write(db: sqlite3.Connection) -> None:
            if db.execute("PRAGMA user_version").fetchone()[0] >= since:
                return
            with db:
                db.execute("DELETE FROM reply WHERE value NOT LIKE '{\"probabilities\":%'")
            db.execute("VACUUM")
            db.execute(f"PRAGMA user_version={int(since)}")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        self._use(write)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._drop_connection()

    def _use(self, action: Callable[[sqlite3.Connection], None]) -> None:
        with self._lock:
            for attempt in (1, 2):
                try:
                    action(self._open())
                    return
                except sqlite3.DatabaseError as exc:
                    damaged = _is_damage(exc)
                    if damaged and attempt == 1 and self._move_aside(str(exc)):
                        continue
                    self._warn("The reply cache cannot be used; going on without it", str(exc))
                    return
                except OSError as exc:
                    self._warn("The reply cache cannot be opened; going on without it", str(exc))
                    return

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, timeout=10.0, check_same_thread=False)
            try:
                db.execute("PRAGMA journal_mode=WAL")
                db.execute("PRAGMA synchronous=NORMAL")
                db.execute("PRAGMA secure_delete=ON")
                db.executescript(_SCHEMA)
            except BaseException:
                db.close()
                raise
            self._connection = db
        return self._connection

    def _touch(self, db: sqlite3.Connection, keys: list[str]) -> None:
        now = time.time()
        with db:
            db.executemany(
                "UPDATE reply SET used = ? WHERE key = ?", [(now, bytes.fromhex(k)) for k in keys]
            )

    def _prune(self, db: sqlite3.Connection) -> None:
        total = _size(db)
        while total > self._max_bytes:
            oldest = db.execute(
                "SELECT key, size FROM reply ORDER BY used, key DESC LIMIT ?",
                (_ROWS_DROPPED_AT_ONCE,),
            ).fetchall()
            drop = []
            for key, size in oldest:
                if total <= self._max_bytes:
                    break
                drop.append((key,))
                total -= size
            if not drop:
                break
            with db:
                db.executemany("DELETE FROM reply WHERE key = ?", drop)
        # Adding up the sizes reads the whole file, so it is not done at every write; other
        # processes write as well, so it is done before this one alone could have filled it.
        self._unseen = max(0.02 * self._max_bytes, 0.2 * (self._max_bytes - total))

    def _move_aside(self, why: str) -> bool:
        self._drop_connection()
        aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns()}")
        try:
            # Another process may have opened a fresh file meanwhile: look before moving it.
            with closing(sqlite3.connect(self._path, timeout=10.0)) as db:
                db.executescript(_SCHEMA)
                if db.execute("PRAGMA quick_check").fetchone() == ("ok",):
                    return True
        except sqlite3.DatabaseError as exc:
            if not _is_damage(exc):
                return False
        try:
            self._path.rename(aside)
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        except OSError:
            return False
        self._warn("The reply cache was damaged and is begun anew", why, moved_to=str(aside))
        return True

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _warn(self, event: str, why: str, **more: str) -> None:
        if event not in self._warned:
            self._warned.add(event)
            self._log.warning(event, path=str(self._path), reason=why, **more)


class CachedModel(Wrapping):
    """A model whose replies are kept; only what is not kept is asked of it.

    A hit has `usage.cached` set and costs nothing. Failures are never kept. The model's own
    `identity`, where it has one, is part of the key.
    """

    def __init__(self, model: ChatModel, cache: ReplyCache) -> None:
        """Put the cache before the model."""
        super().__init__(model)
        self._cache = cache

    async def score(
        self, prompts: Sequence[Prompt], candidates: Sequence[str] | Sequence[Sequence[str]]
    ) -> Sequence[Scores | Exception]:
        """Probability of every candidate; see `ChatModel.score`."""
        shared = not candidates or isinstance(candidates[0], str)

        def of(index: int) -> list[str]:
            return [str(name) for name in (candidates if shared else candidates[index])]

        keys = [
            self._key("score", prompt, {"candidates": list[JsonValue](of(index))})
            for index, prompt in enumerate(prompts)
        ]

        async def ask(missing: list[int]) -> Sequence[Scores | Exception]:
            chosen = candidates if shared else [of(index) for index in missing]
            return await self._model.score([prompts[index] for index in missing], chosen)

        return await self._answer(keys, Scores, ask)

    async def generate(
        self, prompts: Sequence[Prompt], schema: dict[str, JsonValue], max_tokens: int
    ) -> Sequence[Reply | Exception]:
        """Write JSON; see `ChatModel.generate`."""
        rest: dict[str, JsonValue] = {"schema": schema, "max_tokens": max_tokens}
        keys = [self._key("generate", prompt, rest) for prompt in prompts]

        async def ask(missing: list[int]) -> Sequence[Reply | Exception]:
            chosen = [prompts[index] for index in missing]
            return await self._model.generate(chosen, schema, max_tokens)

        return await self._answer(keys, Reply, ask)

    async def close(self) -> None:
        """Free what the model holds, and close the file."""
        await super().close()
        self._cache.close()

    def _key(self, task: str, prompt: Prompt, rest: dict[str, JsonValue]) -> str:
        identity = getattr(self._model, "identity", {})
        decides = {
            "version": _VERSION,
            "task": task,
            "model": self._model.name,
            "identity": dict(identity),
            "messages": [message.model_dump() for message in prompt.messages],
            **rest,
        }
        # Key order stays: the order of a schema's properties is the order they are written in.
        text = json.dumps(decides, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    async def _answer(
        self,
        keys: Sequence[str],
        kind: type[Kept],
        ask: Callable[[list[int]], Awaitable[Sequence[Kept | Exception]]],
    ) -> Sequence[Kept | Exception]:
        results: dict[str, Kept | Exception] = {}
        for key, text in self._cache.get(keys).items():
            try:
                results[key] = _as_hit(kind.model_validate_json(text))
            except ValidationError:
                continue  # kept by another version: ask again
        missing: dict[str, int] = {}
        for index, key in enumerate(keys):
            if key not in results:
                missing.setdefault(key, index)
        if missing:
            fresh = await ask(list(missing.values()))
            answers = dict(zip(missing, fresh, strict=True))
            self._cache.put(
                {k: a.model_dump_json() for k, a in answers.items() if isinstance(a, kind)}
            )
            return [
                results[key] if key in results else _once(answers[key], first=missing[key] == index)
                for index, key in enumerate(keys)
            ]
        return [results[key] for key in keys]


def _size(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(sum(size), 0) FROM reply").fetchone()[0])


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file itself is broken, not merely locked, full or read-only."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or (
        code == sqlite3.SQLITE_ERROR and "no such column" in str(error)
    )


def _as_hit(answer: Kept) -> Kept:
    used = answer.usage
    usage = Usage(
        prompt_tokens=used.prompt_tokens,
        completion_tokens=used.completion_tokens,
        cost_usd=0.0,
        cached=True,
    )
    return answer.model_copy(update={"usage": usage})


def _once(answer: Kept | Exception, *, first: bool) -> Kept | Exception:
    """The answer for one of several equal prompts: only the first was asked and paid for."""
    return answer if first or isinstance(answer, Exception) else _as_hit(answer)
