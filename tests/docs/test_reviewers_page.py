from __future__ import annotations

import re
from pathlib import Path

from typer.main import get_command

from llmlabel.cli.reviews import app
from llmlabel.confidence.bounds import smallest_sample
from llmlabel.confidence.risk_control import default_delta, spend
from llmlabel.domain.promise import Promise
from llmlabel.learning.reviewer_error import Mistakes, taken_off

PAGE = (Path(__file__).parents[2] / "docs/reviewers.md").read_text("utf-8")


def test_the_table_of_hidden_gold_is_what_is_taken_off() -> None:
    promise = Promise.parse("delivered:0.05:0.95")
    delta = spend(default_delta(promise), 1)
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (.*?) \| (.*?) \| (.*?) \|$", PAGE, re.M)
    assert len(rows) == 5
    for hidden, wrong, *told in rows:
        n, k = int(hidden), int(wrong)
        losses = (1.0,) * k + (0.0,) * (n - k)
        taken = taken_off(Mistakes(n, k, 1.0, losses, 1.0, 0.0), promise, 1000, delta)
        left = promise.error - taken.allowance(1000)
        needed = smallest_sample(left, taken.delta) if left > 0 else "–"
        assert told == [f"{taken.high:.2%}", f"{left:.2%}" if left > 0 else "nothing", f"{needed}"]


def test_every_command_of_the_page_exists() -> None:
    known = get_command(app)
    used = re.findall(r"^llmlabel reviews ([a-z ]+?)(?= [^a-z]| [a-z]+@| sentiment|$)", PAGE, re.M)
    assert used
    for words in used:
        group = known
        for word in words.split()[:2]:
            if not hasattr(group, "commands"):
                break
            assert word in group.commands, words
            group = group.commands[word]
