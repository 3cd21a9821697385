"""What is kept of an evaluation: a page that stands alone, and a baseline."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from mood_cases import jsonl, run_choices

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.errors import InvalidInput
from llmlabel.evaluation import baseline as baselines
from llmlabel.evaluation.cases import load
from llmlabel.evaluation.html import render_html, write_report
from llmlabel.evaluation.report import Report
from llmlabel.evaluation.run import evaluate


async def test_the_page_stands_alone_and_escapes_what_it_shows(
    tmp_path: Path, scripted: Any, guideline: Any
) -> None:
    report = await run_choices(tmp_path, scripted, guideline)
    as_json, as_html = write_report(report, tmp_path / "deep" / "out")
    assert Report.model_validate_json(as_json.read_bytes()) == report
    page = as_html.read_text()
    assert "<b>poor</b>" not in page
    assert "&lt;b&gt;poor&lt;/b&gt; &amp; worse" in page
    assert not re.search(r"""(src|href)\s*=|url\(|@import|<script|https?://""", page)
    assert page.count("<svg") == 4
    for word in ("accuracy", "T-1", "fake-1", "Wrong answers (2"):
        assert word in page
    parse(page)


def parse(page: str) -> None:
    """Every tag that opens closes."""
    from html.parser import HTMLParser

    stack: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            if tag not in {"meta", "br"}:
                stack.append(tag)

        def handle_startendtag(self, tag: str, attrs: Any) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            assert stack.pop() == tag

    Checker().feed(page)
    assert not stack


async def test_the_page_of_many_labels_shows_the_most_confused(
    tmp_path: Path, scripted: Any, guideline: Any
) -> None:
    names = [f"label-{i:03}" for i in range(60)]
    rows = [{"text": name, "label": name} for name in names]

    def answer(text: str) -> Any:
        return ChoiceAnswer(label="label-007"), 0.5, ()

    data = load(str(jsonl(tmp_path / "c.jsonl", rows)), [])
    page = render_html(await evaluate(data, guideline(labels=names), scripted(answer)))
    plot = page[page.index('aria-label="confusion matrix"') :]
    assert plot[: plot.index("</svg>")].count('class="name"') == 61
    parse(page)


async def test_a_baseline_is_kept_until_a_score_falls_behind_it(
    tmp_path: Path, scripted: Any, guideline: Any
) -> None:
    report = await run_choices(tmp_path, scripted, guideline)
    accepted = baselines.baseline_of(report)
    assert accepted.metrics["accuracy"] == pytest.approx(0.58)
    assert "auroc" not in accepted.metrics, "five answers rank by chance"
    assert accepted.models == ("fake-1",)
    path = tmp_path / "baselines" / "c.json"
    baselines.write_baseline(path, accepted)
    assert baselines.find_baseline([tmp_path, tmp_path / "baselines"], "c") == path
    assert baselines.read_baseline(path) == accepted
    assert baselines.missed(accepted, report) == []
    strict = accepted.model_copy(update={"metrics": {"accuracy": 0.7, "ece": 0.01, "wer": 0.1}})
    misses = {miss.metric: str(miss) for miss in baselines.missed(strict, report)}
    assert misses["accuracy"] == "accuracy is 0.6000, the baseline asks for 0.7000"
    assert set(misses) == {"accuracy", "ece", "wer"}
    other = accepted.model_copy(update={"guideline": "task@2.0.0"})
    assert "task@2.0.0" in (baselines.why_not_comparable(other, report) or "")
    path.write_text("{}")
    with pytest.raises(InvalidInput, match="--update-baseline"):
        baselines.read_baseline(path)
