"""What the tests of recordings and panels look at in a page."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llmlabel

AXE = Path(llmlabel.__file__).parent / "web" / "node_modules" / "axe-core" / "axe.min.js"


def until(holds: Callable[[], bool], what: str, seconds: float = 15) -> None:
    """Wait for something the page's own policy forbids it to be asked for in words of script."""
    for _ in range(int(seconds * 20)):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come")


def place(page: Any) -> float:
    """Where the player stands, in seconds."""
    minutes, seconds = page.locator(".player .number").first.inner_text().split(" /")[0].split(":")
    return int(minutes) * 60 + float(seconds)


def violations(page: Any) -> list[str]:
    """What axe-core objects to."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document)")["violations"]
    return [f"{each['id']}: {each['help']} {each['nodes'][0]['html'][:200]}" for each in found]
