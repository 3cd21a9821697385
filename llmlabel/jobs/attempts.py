"""How often a piece of work is tried: retries of what may succeed, splitting after a crash."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from llmlabel.errors import (
    CircuitOpen,
    InvalidInput,
    LlmlabelError,
    ModelBusy,
    ModelUnreachable,
    NotFound,
    StoreUnavailable,
    UnknownGuideline,
)
from llmlabel.store import Failure

T = TypeVar("T")

# After each crash a document is tried together with so many times fewer others.
SPLIT = 4


@dataclass(frozen=True)
class Patience:
    """When to try again and when to give up.

    Attributes:
        tries: Calls of a model that may succeed later (unreachable, busy), at most.
        first_wait: Seconds before the second try, on average half of it; doubles each time.
        longest_wait: Seconds between two tries at most; a provider that asks for more waits
            in vain, the work is given up as failed and can be queued again.
        crashes: Crashes of the process while it works on one document, at most.
    """

    tries: int = 5
    first_wait: float = 1.0
    longest_wait: float = 60.0
    crashes: int = 5

    def is_last(self, crashes: int) -> bool:
        """Whether work that ended the process so often has one attempt left.

        That one is made alone, so that nothing is given up for what something else did.
        """
        return crashes == self.crashes - 1

    async def ask(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do the work, again where it may succeed; raises its last error otherwise."""
        for tried in range(1, self.tries + 1):
            try:
                return await work()
            except CircuitOpen:
                raise  # it was waited for already; the work is resumed when the provider is back
            except (ModelBusy, ModelUnreachable, StoreUnavailable) as error:
                least = getattr(error, "retry_after", None) or 0.0
                if tried == self.tries or least > self.longest_wait:
                    raise
                most = min(self.first_wait * 2 ** (tried - 1), self.longest_wait)
                # Full jitter keeps jobs that failed together from asking together again.
                await asyncio.sleep(least + random.uniform(0, most))  # noqa: S311
        raise AssertionError("tries is at least 1")

    def gave_up(self, crashes: int) -> Failure | None:
        """The failure of work that ended the process so often, None while it may be tried."""
        if crashes < self.crashes:
            return None
        return Failure(
            code="crashed",
            detail=f"The process ended {crashes} times while it worked on this; see the log for "
            "the cause, mend it, then queue the work again.",
        )


def groups(
    attempts: dict[str, int], chunk: int, patience: Patience
) -> Iterator[tuple[int, list[str]]]:
    """Documents to try together: the fewer, the more often the process ended with them.

    Those with the fewest attempts come first, so that one bad document holds up no other.

    Args:
        attempts: Earlier attempts by document, in order.
        chunk: Size of a group that was never tried.
        patience: Says when a document is tried alone.

    Yields:
        The earlier attempts of a group, and its documents.
    """
    for count in sorted(set(attempts.values())):
        ids = [id for id, had in attempts.items() if had == count]
        size = 1 if patience.is_last(count) else -(-chunk // SPLIT**count)
        for start in range(0, len(ids), size):
            yield count, ids[start : start + size]


def concerns_one(error: Exception) -> bool:
    """Whether an error may come from one document of a batch, so that the others can be saved."""
    if isinstance(error, NotFound):  # a document that was deleted meanwhile
        return not isinstance(error, UnknownGuideline)
    return isinstance(error, InvalidInput) or not isinstance(error, LlmlabelError)


def failure_of(error: Exception) -> Failure:
    """An error as the reason that is stored and shown."""
    if isinstance(error, LlmlabelError):
        return Failure(code=error.code, detail=error.detail)
    return Failure(code="internal-error", detail=f"{type(error).__name__}: {error}")


def check_batch(documents: Sequence[str], labeled: Sequence[str]) -> None:
    """Refuse labels that are not one per document, in order.

    Raises:
        RuntimeError: They are not; a defect of the pipeline.
    """
    if list(documents) != list(labeled):
        raise RuntimeError(
            f"{len(documents)} documents were labeled with {len(labeled)} labels in another order"
        )
