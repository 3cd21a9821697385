from __future__ import annotations

from collections.abc import Callable

import pytest

from llmlabel.errors import InvalidInput
from llmlabel.review import ReviewQueue


def test_pages_hold_every_item_once_newest_first(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    for id in ("a", "b", "c", "d", "e"):
        ask(id)
    seen, cursor = [], None
    while True:
        page = queue.page(limit=2, cursor=cursor)
        seen += [item.document.id for item in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == ["e", "d", "c", "b", "a"]


def test_pages_are_filtered_by_status_and_guideline(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a", "b")
    item = queue.next("ann")
    assert item is not None
    queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann")
    (done,) = queue.page(status="done").items
    assert done.verdict is not None
    assert [each.id for each in queue.page(status="open").items] != [item.id]
    assert len(queue.page(guideline="sentiment").items) == 2
    assert queue.page(guideline="ner").items == ()


def test_a_cursor_of_another_make_is_refused(queue: ReviewQueue) -> None:
    with pytest.raises(InvalidInput):
        queue.page(cursor="?")
