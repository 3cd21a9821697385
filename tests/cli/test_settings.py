from __future__ import annotations

from pathlib import Path

from llmlabel.cli.settings import page, rows


def test_the_documentation_lists_every_setting_as_it_is() -> None:
    written = (Path(__file__).parents[2] / "docs/settings.md").read_text("utf-8")
    assert written == page(), "run: llmlabel settings --markdown > docs/settings.md"


def test_every_setting_says_what_it_means() -> None:
    assert [row.variable for row in rows() if not row.meaning.endswith(".")] == []
