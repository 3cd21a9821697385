from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from eval.injection_texts import KNOWN, UNSEEN  # noqa: E402
from llmlabel.confidence.orders import orders_in  # noqa: E402

PAGE = (ROOT / "docs/security.md").read_text("utf-8")


def test_every_file_that_is_to_show_something_is_there() -> None:
    named = set(re.findall(r"`((?:tests|eval)/[\w/.]+)`", PAGE))
    assert len(named) > 8
    assert [each for each in sorted(named) if not (ROOT / each).exists()] == []
    for module in re.findall(r"python -m (eval\.\w+)", PAGE):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()


def test_the_page_says_how_many_orders_are_recognised() -> None:
    seen = sum(orders_in(f"A text.\n{each.format(label='x')}") is not None for each in UNSEEN)
    assert f"they know {seen} of {len(UNSEEN)}" in " ".join(PAGE.split())
    assert all(orders_in(f"A text.\n{each.format(label='x')}") for each in KNOWN)


def test_the_commands_of_the_page_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"`make (\w+)", PAGE):
        assert re.search(rf"^{target}:", makefile, re.M), target
    assert "ADVISORIES :=" in makefile
