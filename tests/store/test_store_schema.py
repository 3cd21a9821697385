from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from llmlabel.domain.document import Document
from llmlabel.errors import Conflict, IdempotencyConflict, InvalidSetting, StoreUnavailable
from llmlabel.store import Store, StoredResponse
from llmlabel.store.migrate import drift

OPEN = "import sys; from pathlib import Path; from llmlabel.store import Store; " + (
    "Store.open(sys.argv[1], recordings=Path(sys.argv[2])).ping(); print('open')"
)


def test_migrations_make_exactly_the_tables_of_the_code(store: Store) -> None:
    assert drift(store.database) == []


def test_opening_again_keeps_what_is_stored(database_url: str, tmp_path: Path) -> None:
    first = Store.open(database_url, recordings=tmp_path)
    first.documents.add([Document.of_text("kept", id="a")], [])
    first.close()
    second = Store.open(database_url, recordings=tmp_path)
    assert second.documents.get("a").document == Document.of_text("kept", id="a")
    second.close()


def test_several_processes_may_open_a_new_database_at_once(
    database_url: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", OPEN, database_url, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[0].strip() for process in running] == ["open"] * 3
    store = Store.open(database_url, recordings=tmp_path)
    assert drift(store.database) == []
    store.close()


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_cannot_be_used_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="LLMLABEL_DATABASE_URL"):
        Store.open(url, recordings=tmp_path)


def test_a_database_that_cannot_be_reached_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="LLMLABEL_DATABASE_URL"):
        Store.open("postgresql://nobody@127.0.0.1:9/none?connect_timeout=2", recordings=tmp_path)


def test_a_file_that_is_no_database_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("Buy bread, and more of it than the last time. " * 30, "utf-8")
    with pytest.raises(StoreUnavailable, match="not a database"):
        Store.open(f"sqlite:///{other}", recordings=tmp_path)
    with pytest.raises(InvalidSetting, match="cannot be made"):
        Store.open(f"sqlite:///{other / 'store.db'}", recordings=tmp_path)


def test_an_idempotency_key_gives_the_first_answer_again(store: Store) -> None:
    answer = StoredResponse(status=202, headers={"Location": "/v1/documents/a"}, body="{}")
    assert store.idempotency.claim("k", "1" * 64) is None
    with pytest.raises(Conflict):
        store.idempotency.claim("k", "1" * 64)
    store.idempotency.complete("k", answer)
    assert store.idempotency.claim("k", "1" * 64) == answer
    with pytest.raises(IdempotencyConflict):
        store.idempotency.claim("k", "2" * 64)


def test_an_abandoned_idempotency_key_is_free_again(store: Store) -> None:
    assert store.idempotency.claim("k", "1" * 64) is None
    store.idempotency.abandon("k")
    assert store.idempotency.claim("k", "2" * 64) is None


def test_events_are_read_in_the_order_they_were_added(store: Store) -> None:
    for n in range(3):
        store.events.append("thing.done", f"s{n}", {"n": n})
    first, *rest = store.events.after()
    assert [event.subject for event in (first, *rest)] == ["s0", "s1", "s2"]
    assert [event.payload for event in store.events.after(first.seq, limit=1)] == [{"n": 1}]
    assert store.events.after(kind="other") == []
