from __future__ import annotations

import re
from pathlib import Path

from typer.main import get_command

from llmlabel.cli.webhooks import app
from llmlabel.domain.webhook import EVENT_KINDS
from llmlabel.webhooks.schedule import STEPS

PAGE = (Path(__file__).parents[2] / "docs/webhooks.md").read_text("utf-8")


def test_every_event_is_in_the_table_and_no_other() -> None:
    table = PAGE.partition("| event |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`[^|]+`) \|", table, re.M)
    assert sorted(re.findall(r"`(.+?)`", " ".join(rows))) == sorted(EVENT_KINDS)


def test_every_command_of_the_page_exists() -> None:
    used = set(re.findall(r"llmlabel webhooks ([a-z]+)", PAGE))
    assert used
    assert used <= set(get_command(app).commands)  # type: ignore[attr-defined]


def test_the_waits_are_those_that_are_taken() -> None:
    told = "5 seconds, 1, 5 and 30 minutes, 2, 5, 10 and 24 hours"
    assert told in PAGE.replace("\n  ", " ")
    assert STEPS == (5, 60, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 24 * 3600)
