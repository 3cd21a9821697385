"""One item on the page of one reviewer, for the tests of spans and tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heard import until
from review_service import ReviewService, serving
from seeded import Seeder

from llmlabel.domain.answer import Span
from llmlabel.domain.review import Verdict


class Desk:
    """A page with an item on it, and what the service knows of the verdict."""

    def __init__(self, page: Any, service: ReviewService) -> None:
        self.page, self.service = page, service

    def press(self, *keys: str) -> None:
        """Press one key after the other, as fast as the page takes them."""
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self) -> str:
        """What a screen reader says of the element with the focus."""
        found = self.page.evaluate(
            "() => { const it = document.activeElement;"
            " return it.getAttribute('aria-label') ?? it.innerText }"
        )
        return " ".join(str(found).split())

    def reaches(self, words: str) -> None:
        """Wait until the focus is on what a screen reader begins with these words."""
        until(lambda: self.focused().startswith(words), f"the focus on {words!r}")

    def selects(self, text: str) -> None:
        """Wait until just this text is selected in the page."""
        selected = "getSelection().toString()"
        until(lambda: self.page.evaluate(selected) == text, f"the selection of {text!r}")

    def verdicts(self, count: int) -> list[Verdict]:
        """The verdicts that reached the service, as soon as they are so many."""
        found: list[Verdict] = []

        def there() -> bool:
            done = self.service.reviews.page(status="done").items
            found[:] = [item.verdict for item in done if item.verdict is not None]
            return len(found) >= count

        until(there, f"verdict {count}")
        return found

    def verdict(self) -> Verdict:
        """The verdict that reached the service."""
        return self.verdicts(1)[0]

    def undecided(self) -> bool:
        """Whether no verdict has reached the service."""
        return not self.service.reviews.page(status="done").items

    def select(self, text: str, first: int, last: int) -> None:
        """Draw the mouse over the UTF-16 units from `first` to `last` of the words `text`."""
        left, right, middle = self.page.evaluate(
            """([text, first, last]) => {
              for (const stretch of document.querySelectorAll("[data-from]")) {
                const at = stretch.textContent.indexOf(text);
                if (at < 0) continue;
                const range = document.createRange();
                range.setStart(stretch.firstChild, at + first);
                range.setEnd(stretch.firstChild, at + last);
                const box = range.getBoundingClientRect();
                return [box.left, box.right, (box.top + box.bottom) / 2];
              }
              throw new Error(`nowhere: ${text}`);
            }""",
            [text, first, last],
        )
        self.page.mouse.move(left, middle)
        self.page.mouse.down()
        self.page.mouse.move(right, middle, steps=4)
        self.page.mouse.up()


@contextmanager
def reviewing(
    open_page: Callable[..., Any],
    folder: Path,
    guideline: str,
    seed: Callable[[Seeder], None],
    **browser: Any,
) -> Iterator[Desk]:
    """A service where nothing else waits, and a reviewer who has just got the first item."""
    service = ReviewService(folder, kinds=frozenset({"nothing"}))
    seed(Seeder(service.store, service.guidelines))
    with serving(service) as address:
        page = open_page(f"{address}/review#/review/{guideline}", **browser)
        yield Desk(page, service)
        page.close()


def said(text: str, spans: tuple[Span, ...]) -> list[tuple[str, str]]:
    """The words and the label of each span; slicing counts code points, as the service does."""
    return [(text[span.start : span.end], span.label) for span in spans]
