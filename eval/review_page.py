"""How long a reviewer waits between a key and the next item, in a real browser.

Run: python -m eval.review_page [--items 100] [--pause SECONDS]

A scripted reviewer confirms choice items in Chromium, each as soon as the one before is painted.
The exit code is 1 when a limit is missed or a verdict did not reach the database.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.full_queue import database, fill, serving, write_guideline
from llmlabel.store import Store

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAINT_P95_MS = 100
MACHINE_SECONDS = 0.25
SCRIPT_BYTES = 200_000

# From the key (as the browser stamped it) to the frame after the one in which another item is in
# the document: by then it is painted. `event` is what the browser itself says of the key.
WATCH = """
window.decisions = [];
window.events = [];
const shown = () => document.querySelector("[data-review]")?.dataset.review;
addEventListener("keydown", (key) => {
  if (key.key !== "Enter") return;
  const before = shown();
  if (!before) return;
  const look = () => {
    const now = shown();
    if (!now || now === before) return requestAnimationFrame(look);
    requestAnimationFrame(() => decisions.push(performance.now() - key.timeStamp));
  };
  requestAnimationFrame(look);
}, true);
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) if (each.name === "keydown") events.push(each.duration);
}).observe({ type: "event", durationThreshold: 16 });
"""
PAINTED = """(n) => new Promise((resolve, reject) => {
  const until = performance.now() + 30000;
  const look = () => {
    if (decisions.length >= n) resolve(null);
    else if (performance.now() > until) reject(new Error(`item ${n} did not come`));
    else requestAnimationFrame(look);
  };
  look();
})"""
LOADED = """() => performance.getEntriesByType("resource")
  .filter((each) => each.name.split("?")[0].endsWith(".js"))
  .map((each) => each.encodedBodySize)"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before each key")
    parser.add_argument("--no-limits", action="store_true", help="only measure")
    given = parser.parse_args(arguments)
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise SystemExit("There is no Chromium here; on Debian: apt-get install chromium")
    subprocess.run([sys.executable, "hatch_build.py", "build"], cwd=ROOT, check=True)
    with (
        tempfile.TemporaryDirectory() as place,
        database(folder := Path(place), None, postgres=False) as url,
    ):
        guidelines = write_guideline(folder, benchmarks=0.0)
        store = Store.open(url, recordings=folder / "recordings")
        fill(store, guidelines, given.items + 20, plain=True)
        with serving(folder, url, guidelines) as served:
            measured = _confirm(program, served.address, given.items, given.pause)
        kept = store.counts().reviews_done
        store.close()
    misses = report(measured, given.items)
    if kept != given.items:
        print(f"{given.items} items were confirmed, {kept} verdicts are in the database")
        return 1
    return 1 if misses and not given.no_limits else 0


def report(measured: dict[str, Any], items: int) -> list[str]:
    """Print the table; returns which limits were missed."""
    paint = np.array(measured["paint"])
    p50, p95 = np.percentile(paint, (50, 95))
    machine = measured["seconds"] / items
    rows = [
        ("key to paint, p50", f"{p50:.0f} ms", ""),
        ("key to paint, p95", f"{p95:.0f} ms", _missed(p95 <= PAINT_P95_MS, "100 ms")),
        ("key to paint, max", f"{paint.max():.0f} ms", ""),
        ("slow keys by event timing", _slow(measured["events"]), ""),
        (
            "machine time a decision",
            f"{1000 * machine:.0f} ms",
            _missed(machine <= MACHINE_SECONDS, "250 ms"),
        ),
        ("of it the page was busy", f"{1000 * measured['busy'] / items:.0f} ms", ""),
        ("page to first item", f"{1000 * measured['load']:.0f} ms", ""),
        (
            "scripts of the first load",
            f"{measured['bytes'] / 1000:.1f} KB compressed",
            _missed(measured["bytes"] <= SCRIPT_BYTES, "200 KB"),
        ),
    ]
    print(f"\n{items} choice items confirmed in {measured['browser']}")
    for name, value, limit in rows:
        print(f"{name:28}{value:>22}  {limit}")
    return [name for name, _, limit in rows if limit.endswith("missed")]


def _confirm(program: str, address: str, items: int, pause: float) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only the tests have it

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.add_init_script(WATCH)
        page.goto(f"{address}/review#/review/mood")
        page.get_by_label("Your name").fill("ann")
        began = time.perf_counter()
        page.keyboard.press("Enter")
        page.locator("[data-review]").wait_for()
        load = time.perf_counter() - began
        scripts = page.evaluate(LOADED)
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable")
        busy = -_busy(devtools)
        began = time.perf_counter()
        for n in range(items):
            if pause:
                time.sleep(pause)
            page.keyboard.press("Enter")
            page.evaluate(PAINTED, n + 1)
        seconds = time.perf_counter() - began - items * pause
        busy += _busy(devtools)
        _sent(page)
        measured = {
            "paint": page.evaluate("decisions")[:items],
            "events": page.evaluate("events"),
            "seconds": seconds,
            "busy": busy,
            "load": load,
            "bytes": sum(scripts),
            "browser": f"Chromium {browser.version}",
        }
        browser.close()
    return measured


def _sent(page: Any) -> None:
    """Wait until the page has sent every decision."""
    unsent = """() => Object.keys(localStorage).filter((key) => key.includes("outbox")).length"""
    until = time.monotonic() + 30
    while page.evaluate(unsent):
        if time.monotonic() > until:
            raise SystemExit("decisions are still unsent after 30 s")
        time.sleep(0.1)


def _busy(devtools: Any) -> float:
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def _slow(events: list[float]) -> str:
    return f"{len(events)}, at most {max(events):.0f} ms" if events else "none over 16 ms"


def _missed(met: bool, limit: str) -> str:
    return f"limit {limit}: {'met' if met else 'missed'}"


if __name__ == "__main__":
    raise SystemExit(main())
