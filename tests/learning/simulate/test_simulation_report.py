"""What a simulation says it found."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from made_streams import USUAL, learner_of, made_stream

from llmlabel.domain.promise import Promise
from llmlabel.learning.simulate.html import render_simulation, write_simulation
from llmlabel.learning.simulate.policies import POLICIES
from llmlabel.learning.simulate.replay import Rules
from llmlabel.learning.simulate.report import SimulationReport, is_broken, summarised
from llmlabel.learning.simulate.simulation import Conditions, simulate
from llmlabel.learning.simulate.trace import REASONS, Trace


def trace(human: int, wrong: int, unseen_wrong: int, n: int = 100) -> Trace:
    """An account that matters only at its end."""
    at_end = [np.full(n, each) for each in (human, wrong, n - human, unseen_wrong)]
    return Trace(*at_end, reasons=dict.fromkeys(REASONS, 0), calls=0)


@pytest.fixture(scope="module")
def report() -> SimulationReport:
    stream = made_stream(120, 200)
    traces = simulate(
        stream,
        learner_of(stream),
        learner_of(stream, student=False),
        Rules(USUAL),
        Conditions(orders=4, reviewer_error=0.02),
    )
    policies, curves = summarised(traces, USUAL)
    return SimulationReport(
        name="<b>moods</b>",
        guideline="moods@1.0.0",
        guideline_sha256="b" * 64,
        promise=USUAL,
        n=stream.n,
        history=stream.history,
        orders=4,
        options={"gold": "<script>.jsonl"},
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        seconds={"replay": 1.0},
        policies=policies,
        curves=curves,
    )


@pytest.mark.parametrize(
    ("promise", "found", "broken"),
    [
        ("delivered:0.05:0.95", trace(50, wrong=5, unseen_wrong=5), False),
        ("delivered:0.05:0.95", trace(50, wrong=6, unseen_wrong=0), True),
        ("accepted:0.1:0.9", trace(50, wrong=6, unseen_wrong=5), False),
        ("accepted:0.1:0.9", trace(50, wrong=6, unseen_wrong=6), True),
        ("accepted:0.1:0.9", trace(100, wrong=30, unseen_wrong=0), False),
    ],
)
def test_a_promise_is_broken_by_more_wrong_labels_than_it_allows(
    promise: str, found: Trace, broken: bool
) -> None:
    assert is_broken(found, Promise.parse(promise)) is broken


def test_the_report_holds_for_every_policy_what_readers_look_for(
    report: SimulationReport, tmp_path: Path
) -> None:
    as_json, _ = write_simulation(report, tmp_path / "new")
    content = json.loads(as_json.read_text())
    assert SimulationReport.model_validate(content) == report
    assert set(content["policies"]) == set(content["curves"]) == set(POLICIES)
    for found in content["policies"].values():
        assert found["saved"] == pytest.approx(1 - found["human_decisions"] / 120)
        assert found["coverage"] == pytest.approx(found["saved"])
        assert sum(found["reasons"].values()) == pytest.approx(found["human_decisions"])
        assert found["orders"] == len(found["each"]) == 4
        assert found["violations"] == sum(row["broken"] for row in found["each"])


def test_the_curves_end_where_the_results_are(report: SimulationReport) -> None:
    for name, curve in report.curves.items():
        found = report.policies[name]
        assert len(curve.documents) <= 50
        assert curve.documents[-1] == 120
        assert curve.human.mean[-1] == pytest.approx(found.human_decisions)
        assert curve.accuracy.mean[-1] == pytest.approx(found.delivered_accuracy)
        assert curve.coverage.mean[-1] == pytest.approx(found.coverage)
        for band in (curve.human, curve.accuracy, curve.coverage):
            assert len(band.mean) == len(band.low) == len(band.high) == len(curve.documents)
            assert all(low <= high for low, high in zip(band.low, band.high, strict=True))


def test_the_page_needs_nothing_from_anywhere_and_escapes_what_is_not_ours(
    report: SimulationReport,
) -> None:
    html = render_simulation(report)
    assert "&lt;b&gt;moods" in html
    assert "<script" not in html
    assert "http" not in html
    assert report.sentence.split(";")[0] in html
    assert html.count("<svg") >= 3 + len(POLICIES)
    for name in POLICIES:
        assert name in html


def test_the_sentence_says_what_was_saved_and_whether_the_promise_was_kept(
    report: SimulationReport,
) -> None:
    found = report.policies["promise"]
    assert f"{found.saved:.1%}" in report.sentence
    assert "the promise was kept in" in report.sentence
