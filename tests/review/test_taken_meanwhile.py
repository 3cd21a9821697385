from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from llmlabel.review import ReviewQueue
from llmlabel.store import ReviewItem
from llmlabel.store.review_items import ReviewItems


def test_what_passed_to_somebody_else_while_items_were_read_is_not_given(
    queue: ReviewQueue, ask: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("a", "b")
    (held,) = queue.take("ann", 1, session="tab")
    load = ReviewItems.load
    meanwhile: list[ReviewItem] = []

    def late(self: ReviewItems, connection: Any, ids: Sequence[str]) -> list[ReviewItem]:
        # The page skips the item while its own request for more is under way; Bob gets it.
        if len(ids) == 2 and not meanwhile:
            meanwhile.append(held)
            queue.verdict(held.id, token=held.token, kind="skip", reviewer="ann")
            meanwhile.append(queue.take_one(held.id, "bob"))
        return load(self, connection, ids)

    monkeypatch.setattr(ReviewItems, "load", late)
    given = queue.take("ann", 2, session="tab")
    assert meanwhile[1].leased_by == "bob"
    assert [item.document.id for item in given] == ["b"]
