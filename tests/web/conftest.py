"""A real browser, and the page built from its sources as they are."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from heard import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def page_built() -> None:
    """The page is built anew if its sources changed; once, whatever workers there are."""
    with FileLock(Path(tempfile.gettempdir()) / "llmlabel-page.lock"):
        made = subprocess.run(
            [sys.executable, "hatch_build.py", "build"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert made.returncode == 0, f"the page cannot be built:\n{made.stdout}{made.stderr}"


@pytest.fixture(scope="module")
def browser(page_built: None) -> Iterator[Any]:
    """Chromium of this machine.

    Closed after each file: while Playwright is under way, no other test of the process has an
    event loop.
    """
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("there is no Chromium here; on Debian, `apt-get install chromium` brings it")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=1000 * PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"], timeout=1000 * PATIENCE
        )
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address in a browser of its own and gives a name; no page may fail in a script."""
    contexts: list[Any] = []
    failures: list[str] = []

    def open_(
        address: str,
        reviewer: str = "ann",
        *,
        script: str = "",
        clock: bool = False,
        **options: Any,
    ) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **options})
        contexts.append(context)
        context.add_init_script(script)
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        if clock:  # it goes on by itself, and can be told to jump
            page.clock.install()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.goto(address)
        page.get_by_label("Your name").fill(reviewer)
        page.keyboard.press("Enter")
        page.locator("main h1").first.wait_for()  # there is one as soon as nothing is fetched
        return page

    yield open_
    for context in contexts:
        context.close()
    assert failures == []
