from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from structlog.testing import capture_logs

from llmlabel.errors import ModelUnreachable
from llmlabel.llm.cache import CachedModel, ReplyCache
from llmlabel.llm.remote import RemoteModel
from llmlabel.testing import FakeChatModel, FakeProvider

LABELS = ["positive", "negative"]
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {}, "b": {}}}


@pytest.fixture
def cache(tmp_path):
    cache = ReplyCache(tmp_path / "replies.db")
    yield cache
    cache.close()


async def test_a_hit_does_not_call_the_server(ask, cache):
    with FakeProvider({"positive": 0.7, "negative": 0.3}) as provider:
        model = CachedModel(RemoteModel("hosted_vllm/any", api_base=provider.url), cache)
        (first,) = await model.score([ask("good")], LABELS)
        (second,) = await model.score([ask("good")], LABELS)
        assert len(provider.requests) == 1
    assert second.probabilities == first.probabilities
    assert (first.usage.cached, second.usage.cached) == (False, True)
    assert second.usage.cost_usd == 0.0


async def test_only_misses_are_sent_on_and_order_is_kept(ask, cache):
    inner = FakeChatModel()
    model = CachedModel(inner, cache)
    await model.score([ask("b")], LABELS)
    results = await model.score([ask("a"), ask("b"), ask("c"), ask("a")], LABELS)
    assert [prompt.messages[-1].content for prompt in inner.prompts] == ["b", "a", "c"]
    assert results[0].probabilities == results[3].probabilities != results[1].probabilities
    assert [r.usage.cached for r in results] == [False, True, False, True]


async def test_all_that_decides_the_answer_is_in_the_key(ask, cache):
    inner = FakeChatModel(replies=lambda _: {})
    model = CachedModel(inner, cache)
    await model.score([ask("x")], ["a", "b"])
    await model.score([ask("x")], ["b", "a"])
    await model.score([ask("x")], [["a", "b", "c"]])
    await model.generate([ask("x")], SCHEMA, 10)
    await model.generate([ask("x")], SCHEMA, 11)
    await model.generate([ask("x")], {**SCHEMA, "properties": {"b": {}, "a": {}}}, 10)
    await CachedModel(FakeChatModel(name="other"), cache).score([ask("x")], ["a", "b"])
    assert len(inner.prompts) == 6
    await model.score([ask("x")], [["a", "b"]])  # the same candidates, given per prompt
    assert len(inner.prompts) == 6


def test_models_at_other_addresses_have_other_identities():
    first = RemoteModel("hosted_vllm/any", api_base="http://127.0.0.1:1/v1")
    second = RemoteModel("hosted_vllm/any", api_base="http://127.0.0.1:2/v1")
    assert first.identity != second.identity


async def test_failures_are_never_kept(ask, cache):
    inner = FakeChatModel(lambda prompt, labels: ModelUnreachable("down"))
    model = CachedModel(inner, cache)
    for _ in range(2):
        (result,) = await model.score([ask("x")], LABELS)
        assert isinstance(result, ModelUnreachable)
    assert len(inner.prompts) == 2


async def test_a_damaged_file_is_moved_aside_with_a_warning(ask, tmp_path):
    path = tmp_path / "replies.db"
    path.write_bytes(b"this is no database" * 100)
    cache = ReplyCache(path)
    inner = FakeChatModel()
    model = CachedModel(inner, cache)
    with capture_logs() as logs:
        await model.score([ask("x")], LABELS)
        await model.score([ask("x")], LABELS)
    assert len(inner.prompts) == 1
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert len(list(tmp_path.glob("replies.db.damaged-*"))) == 1
    cache.close()


async def test_a_full_disk_leaves_the_work_uncached_with_one_warning(ask, cache):
    inner = FakeChatModel()
    model = CachedModel(inner, cache)
    cache.get([])
    cache._connection.execute("PRAGMA max_page_count = 1")  # SQLite then says the disk is full
    long = "x" * 20_000
    with capture_logs() as logs:
        for _ in range(2):
            (scores,) = await model.score([ask("x")], [long, "y"])
            kept = scores.model_dump_json()
            cache.put({"00" * 32: kept + " " * 20_000})
    assert len(logs) == 1
    assert "full" in logs[0]["reason"]


async def test_a_folder_that_cannot_be_made_leaves_the_work_uncached(ask, tmp_path):
    (tmp_path / "file").write_text("in the way")
    model = CachedModel(FakeChatModel(), ReplyCache(tmp_path / "file" / "replies.db"))
    with capture_logs() as logs:
        (scores,) = await model.score([ask("x")], LABELS)
    assert sum(scores.probabilities) == pytest.approx(1)
    assert len(logs) == 1


def test_the_longest_unused_go_first(tmp_path):
    cache = ReplyCache(tmp_path / "replies.db", max_bytes=3500)
    keys = [f"{n:064x}" for n in range(4)]
    for key in keys[:3]:
        cache.put({key: "v" * 1000})
    assert list(cache.get([keys[0]])) == [keys[0]]
    cache.put({keys[3]: "v" * 1000})
    assert cache.size() <= 3500
    assert sorted(cache.get(keys)) == [keys[0], keys[2], keys[3]]
    cache.close()


def test_the_size_stays_within_the_limit_by_itself_and_is_not_wasted(tmp_path):
    limit = 60_000
    cache = ReplyCache(tmp_path / "replies.db", max_bytes=limit)
    for start in range(0, 1500, 3):
        cache.put({f"{n:064x}": "v" * 100 for n in range(start, start + 3)})
        assert cache.size() <= 1.03 * limit
    assert cache.size() > 0.9 * limit
    assert f"{1499:064x}" in cache.get([f"{1499:064x}"])
    cache.close()


def test_many_threads_share_one_cache(cache):
    def work(n: int) -> bool:
        key = f"{n:064x}"
        cache.put({key: str(n)})
        return cache.get([key]) == {key: str(n)}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(100)))


def test_two_processes_share_one_cache(tmp_path):
    path = tmp_path / "replies.db"
    code = (
        "import sys; from pathlib import Path; from llmlabel.llm.cache import ReplyCache\n"
        "cache = ReplyCache(Path(sys.argv[1]))\n"
        "for n in range(int(sys.argv[2]), int(sys.argv[3])): cache.put({f'{n:064x}': str(n)})\n"
    )
    ranges = [("0", "100"), ("100", "200")]
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(path), *part], env=dict(os.environ))
        for part in ranges
    ]
    assert [process.wait(60) for process in running] == [0, 0]
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM reply").fetchone() == (200,)
    cache = ReplyCache(path)
    assert cache.get([f"{150:064x}"]) == {f"{150:064x}": "150"}
    cache.close()
