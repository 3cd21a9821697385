"""What the tests of recordings and panels look at in a page."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llmlabel

AXE = Path(llmlabel.__file__).parent / "web" / "node_modules" / "axe-core" / "axe.min.js"


PATIENCE = 60.0
"""Seconds after which something will not come any more, however busy the machine is."""


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something the page's own policy forbids it to be asked for in words of script."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.02)


def as_time_passes(page: Any, holds: Callable[[], bool], what: str) -> None:
    """Wait for something that the page does by its clock, while its reviewer is at work."""

    def later() -> bool:
        page.keyboard.press("Shift")
        page.clock.fast_forward(5_000)
        return holds()

    until(later, what)


LISTEN = """
window.played = [];
window.frames_heard = [];
for (const name of ["play", "pause"]) {
  const real = HTMLMediaElement.prototype[name];
  HTMLMediaElement.prototype[name] = function () {
    if (this.paused === (name === "play")) played.push([name, this.currentTime]);
    const look = () => {
      if (this.paused || this.ended) return;
      frames_heard.push(this.currentTime);
      requestAnimationFrame(look);
    };
    if (name === "play" && this.paused) requestAnimationFrame(look);
    return real.apply(this);
  };
}
"""
"""A script for a page that has `played` and `frames` tell what its sound did, however late."""


def played(page: Any) -> list[tuple[str, float]]:
    """When the page let its sound play or pause: which of both, and where in seconds it stood."""
    return [(name, at) for name, at in page.evaluate("played")]


def frames(page: Any) -> list[float]:
    """Where the sound stood at each frame that was drawn while it played."""
    return list(page.evaluate("frames_heard"))


def place(page: Any) -> float:
    """Where the player stands, in seconds."""
    minutes, seconds = page.locator(".player .number").first.inner_text().split(" /")[0].split(":")
    return int(minutes) * 60 + float(seconds)


def violations(page: Any, *, of_colours: bool = False) -> list[str]:
    """What axe-core objects to; `of_colours` where nothing else differs from what it has seen."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    rules = {"runOnly": ["color-contrast", "link-in-text-block"]} if of_colours else {}
    found = page.evaluate("rules => axe.run(document, rules)", rules)["violations"]
    return [f"{each['id']}: {each['help']} {each['nodes'][0]['html'][:200]}" for each in found]


def violations_in_both_schemes(page: Any) -> list[str]:
    """What axe-core objects to in the light and in the dark, which differ by their colours."""
    page.emulate_media(color_scheme="light")
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    return found + violations(page, of_colours=True)
