"""Hidden gold among the reviews: found by the same ids, so that nobody can tell them apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmlabel.domain.review import Filter, Renewal
from llmlabel.errors import Conflict
from llmlabel.review.benchmarks import BenchmarkQueue
from llmlabel.store import Asker, ReviewItem
from llmlabel.store.verdicts import Last

Release = Callable[[Sequence[tuple[str, int]], str], int]


class Mixing:
    """Puts benchmarks in the place of reviews, and knows them again.

    Args:
        benchmarks: Where they come from; nothing is mixed in without it.
    """

    def __init__(self, benchmarks: BenchmarkQueue | None) -> None:
        self._benchmarks = benchmarks

    @property
    def queue(self) -> BenchmarkQueue:
        """Where they come from; asked only of an item that is one."""
        assert self._benchmarks is not None, "without benchmarks no item is one"
        return self._benchmarks

    def owns(self, id: str) -> bool:
        """Whether an id is of a benchmark."""
        return self._benchmarks is not None and self._benchmarks.owns(id)

    def held(self, asker: Asker, where: Filter) -> list[ReviewItem]:
        """Those that this reviewer and session hold, renewed."""
        if self._benchmarks is None or asker.session is None or not _wanted(where):
            return []
        return [
            item
            for item in self._benchmarks.held(asker.reviewer, asker.session)
            if where.guideline in (None, item.guideline, item.guideline.partition("@")[0])
            and where.language in (None, item.document.language)
        ]

    def mix(
        self, asker: Asker, where: Filter, new: Sequence[ReviewItem], release: Release
    ) -> list[ReviewItem]:
        """As many items as there are new ones, some of them benchmarks.

        Args:
            asker: The reviewer.
            where: What was wanted.
            new: Items that were just leased.
            release: Gives those back for which no place is left.
        """
        if self._benchmarks is None or not _wanted(where):
            return list(new)
        mixed: list[ReviewItem] = []
        spare: list[tuple[str, int]] = []
        for item in new:
            if len(mixed) < len(new):
                hidden = self._benchmarks.offer(asker.reviewer, item.guideline, asker.session)
                mixed += [] if hidden is None else [hidden]
            if len(mixed) < len(new):
                mixed.append(item)
            else:
                spare.append((item.id, item.token))
        if spare:
            release(spare, asker.reviewer)
        return mixed

    def newest(self, asker: Asker, other: Last | None) -> str | None:
        """The benchmark of the reviewer's newest verdict, if none on a review is newer.

        Args:
            asker: The reviewer; with a session, only its verdicts.
            other: The newest verdict on a review.
        """
        if self._benchmarks is None:
            return None
        found = self._benchmarks.last(asker.reviewer, asker.session)
        if found is None or (other is not None and other.created_at >= found[1]):
            return None
        return found[0]

    def renewal(self, id: str, token: int, reviewer: str) -> Renewal:
        """Keep one, or say why it is lost."""
        try:
            item = self.queue.renew(id, token, reviewer)
        except Conflict as error:
            return Renewal(id=id, code=error.code, detail=error.detail)
        return Renewal(id=id, expires_at=item.lease_expires_at)

    def release(self, leases: Sequence[tuple[str, int]], reviewer: str) -> int:
        """Give those back that are among some leases; returns how many were held."""
        released = 0
        for id, token in leases:
            if self.owns(id):
                try:
                    self.queue.release(id, token, reviewer)
                except Conflict:
                    continue
                released += 1
        return released


def _wanted(where: Filter) -> bool:
    return where.queue == "review" and where.kind in (None, "blind")
