"""What is old goes, what was to be kept stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from llmlabel.bootstrap import build
from llmlabel.cli.main import app
from llmlabel.cli.purge import age_of
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold
from llmlabel.errors import InvalidInput
from llmlabel.learning.erase import Erasing
from llmlabel.settings import Settings
from llmlabel.store import Store
from llmlabel.store.records import StoredResponse
from llmlabel.store.tables import documents, idempotency, requests

MOOD, TOPIC = "mood@1.0.0", "topic@1.0.0"
LONG_AGO = datetime.now(UTC) - timedelta(days=100)


def keep(store: Store, id: str, refs: list[str], *, old: bool = True, done: bool = True) -> None:
    store.documents.add([Document.of_text(f"text of {id}", id=id)], refs)
    with store.database.write() as connection:
        if old:
            mine = documents.c.id == id
            connection.execute(sa.update(documents).where(mine).values(created_at=LONG_AGO))
        if done:
            mine = requests.c.document_id == id
            connection.execute(sa.update(requests).where(mine).values(status="done"))


def left(store: Store) -> set[str]:
    with store.database.read() as connection:
        return set(connection.execute(sa.select(documents.c.id)).scalars())


@pytest.fixture
def filled(store: Store) -> Store:
    for id in ("old", "gold", "both"):
        keep(store, id, [MOOD, TOPIC] if id == "both" else [MOOD])
    keep(store, "waits", [MOOD], done=False)
    keep(store, "other", [TOPIC])
    keep(store, "new", [MOOD], old=False)
    gold = NewGold(document=Document.of_text("text of gold"), answer=ChoiceAnswer(label="good"))
    store.gold.add([gold], MOOD)
    for key, when in (("k-old", LONG_AGO), ("k-new", datetime.now(UTC))):
        store.idempotency.claim(key, "0" * 64)
        store.idempotency.complete(key, StoredResponse(status=200, headers={}, body="{}"))
        with store.database.write() as connection:
            mine = idempotency.c.key == key
            connection.execute(sa.update(idempotency).where(mine).values(created_at=when))
    return store


@pytest.fixture
def erase() -> Callable[[Store], Erasing]:
    def made(store: Store) -> Erasing:
        def guideline(_: str) -> Any:
            raise AssertionError("nothing was audited")

        return Erasing(lambda: store, guideline, lambda _: None, lambda _: None)

    return made


DAYS = timedelta(days=90)


def test_what_is_old_goes_and_what_waits_stays(
    filled: Store, erase: Callable[[Store], Erasing]
) -> None:
    done = erase(filled).purge(DAYS)
    assert left(filled) == {"new", "waits"}
    assert (done.found, done.waiting, done.erased.documents) == (5, 1, 4)
    assert done.erased.gold == 1
    assert done.erased.answers == 1
    assert filled.idempotency.claim("k-new", "0" * 64) is not None


def test_of_one_guideline_only_what_no_other_needs(
    filled: Store, erase: Callable[[Store], Erasing]
) -> None:
    done = erase(filled).purge(DAYS, guideline="mood", keep_verified=True)
    assert left(filled) == {"new", "waits", "other", "both", "gold"}
    assert (done.found, done.kept, done.shared, done.waiting) == (4, 1, 1, 1)


def test_a_dry_run_counts_and_deletes_nothing(
    filled: Store, erase: Callable[[Store], Erasing]
) -> None:
    before = left(filled)
    done = erase(filled).purge(DAYS, dry_run=True)
    assert done.erased.documents == 4
    assert left(filled) == before


def test_retention_goes_on_a_part_at_a_time(
    filled: Store, erase: Callable[[Store], Erasing]
) -> None:
    erasing = erase(filled)
    part = erasing.purge(DAYS, limit=1).erased
    assert (part.documents, part.compacted) == (1, False)
    assert len(left(filled)) == 5
    done = erasing.retain(90, keep_verified=True)
    assert done is not None
    assert done.erased.compacted
    assert left(filled) == {"new", "waits", "gold"}


def test_retention_waits_for_a_training(filled: Store, erase: Callable[[Store], Erasing]) -> None:
    filled.trainings.begin(MOOD, "0" * 64, "ann")
    assert erase(filled).retain(90, keep_verified=False) is None
    assert "old" in left(filled)


@pytest.mark.parametrize(("text", "hours"), [("90d", 2160), ("12w", 2016), ("48h", 48)])
def test_ages(text: str, hours: int) -> None:
    assert age_of(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["90", "d", "0d", "-1d", "1.5d", "90 days"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="90d"):
        age_of(text)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path))
    store = build(Settings()).store
    for id in ("a", "b", "c"):
        keep(store, id, [MOOD])
    store.close()
    return tmp_path


def test_the_commands_ask_first(home: Path) -> None:
    run = CliRunner().invoke
    counted = run(app, ["purge", "--older-than", "90d", "--dry-run"])
    assert "3 documents would be deleted" in counted.output
    assert run(app, ["purge", "--older-than", "90d"], input="n\n").exit_code == 1
    assert run(app, ["documents", "delete", "a"], input="n\n").exit_code == 1
    deleted = run(app, ["documents", "delete", "a"], input="y\n")
    assert "Deleted: documents 1" in deleted.output, deleted.output
    store = build(Settings()).store
    assert left(store) == {"b", "c"}
    purged = run(app, ["purge", "--older-than", "90d", "--yes"])
    assert "Deleted: documents 2" in purged.output, purged.output
    assert left(store) == set()
    store.close()
    content = b"".join(file.read_bytes() for file in home.glob("llmlabel.db*"))
    assert b"text of" not in content


def test_the_service_deletes_what_is_too_old(home: Path) -> None:
    application = build(Settings(retention_days=90))
    application._upkeep()
    assert left(application.store) == set()
    application.store.close()
