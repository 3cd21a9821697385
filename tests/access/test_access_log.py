"""The log of who did what on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from llmlabel.domain.access import AccessEntry
from llmlabel.errors import InvalidInput
from llmlabel.store import Store

START = datetime(2026, 5, 1, tzinfo=UTC)


def entry(n: int, **changes: object) -> AccessEntry:
    values: dict[str, object] = {
        "at": START + timedelta(minutes=n),
        "key_id": "a",
        "name": "ann",
        "project": "default",
        "method": "POST",
        "route": "/v1/documents",
        "target": f"d{n}",
        "status": 202,
        "request_id": f"q{n}",
    }
    return AccessEntry.model_validate(values | changes)


def test_pages_go_from_the_newest_to_the_oldest_without_gaps(store: Store) -> None:
    entries = [entry(n) for n in range(7)]
    for each in entries:
        store.access_log.append(each)
    read: list[AccessEntry] = []
    cursor = None
    while True:
        page, cursor = store.access_log.page(limit=3, cursor=cursor)
        read += page
        if cursor is None:
            break
        store.access_log.append(entry(100))  # what is new comes before the first page
    assert read == entries[::-1]
    with pytest.raises(InvalidInput, match="cursor"):
        store.access_log.page(cursor="nonsense")


def test_every_filter_leaves_what_fits_and_no_other_project(store: Store) -> None:
    for each in (
        entry(0),
        entry(1, key_id="b", name="bob", method="DELETE", route="/v1/keys/{id}"),
        entry(2, project="east"),
        entry(3, key_id=None, name="cli:root", method="CLI"),
    ):
        store.access_log.append(each)

    def targets(**asked: object) -> list[str]:
        return [each.target for each in store.access_log.page(**asked)[0]]  # type: ignore[arg-type]

    assert targets() == ["d3", "d2", "d1", "d0"]
    assert targets(project="default") == ["d3", "d1", "d0"]
    assert targets(project="east") == ["d2"]
    assert targets(key_id="b") == targets(name="bob") == targets(method="DELETE") == ["d1"]
    assert targets(route="/v1/keys/{id}") == targets(target="d1") == ["d1"]
    assert targets(since=START + timedelta(minutes=1), until=START + timedelta(minutes=3)) == [
        "d2",
        "d1",
    ]


def test_what_is_older_is_forgotten_in_parts_and_of_one_project_if_it_is_named(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlabel.store.access_log.AT_ONCE", 2)
    for n in range(5):
        store.access_log.append(entry(n))
        store.access_log.append(entry(n, project="east"))
    before = START + timedelta(minutes=4)
    assert store.access_log.older(before) == 8
    assert store.access_log.older(before, "east") == store.access_log.forget(before, "east") == 4
    assert store.access_log.forget(before, "east") == 0
    assert store.access_log.forget(before) == 4
    assert [each.target for each in store.access_log.page()[0]] == ["d4", "d4"]
