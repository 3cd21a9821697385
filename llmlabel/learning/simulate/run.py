"""From gold cases to a report: label once, replay often."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction
from llmlabel.errors import Unsupported
from llmlabel.evaluation.cases import Case
from llmlabel.labelers.shortlist import label_sentences
from llmlabel.learning.simulate.choice_learner import ChoiceLearner
from llmlabel.learning.simulate.learners import Learner
from llmlabel.learning.simulate.predictions import Embed, Predict, PredictionCache, vectors_of
from llmlabel.learning.simulate.replay import Rules
from llmlabel.learning.simulate.report import SimulationReport, summarised
from llmlabel.learning.simulate.simulation import Conditions, check_size, simulate
from llmlabel.learning.simulate.stream import (
    Stream,
    check_cases,
    choice_stream,
    documents_of,
    without_shared,
)
from llmlabel.learning.simulate.units_learner import UnitsLearner, units_stream


class Progress(Protocol):
    """Shows how far a step is."""

    def __call__(self, what: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """A step of so many parts begins; the function counts those done."""
        ...


@dataclass(frozen=True, slots=True)
class Models:
    """What the application lends.

    Attributes:
        predict: Asks the base labelers of the guideline.
        embed: Gives the sentence encoder; called only where vectors are missing.
        identity: All that the base labelers' answers depend on.
        encoder: The encoder's name.
        folder: Where simulations keep what they computed.
    """

    predict: Predict
    embed: Callable[[], Embed]
    identity: Mapping[str, JsonValue]
    encoder: str
    folder: Path


async def run_simulation(
    name: str,
    guideline: Guideline,
    gold: Sequence[Case],
    history: Sequence[Case],
    models: Models,
    rules: Rules,
    conditions: Conditions,
    *,
    options: Mapping[str, str],
    progress: Progress,
) -> SimulationReport:
    """Label every document once, then replay all policies.

    Args:
        name: Of the gold.
        guideline: The task.
        gold: The documents to replay, and their right answers.
        history: An earlier stream, all of it verified.
        models: Labelers and encoder.
        rules: The promise and how the system is run.
        conditions: Orders, reviewer, seed.
        options: As they were given, for the report.
        progress: Shows each step.

    Raises:
        InvalidInput: An option or a file cannot be used; names the option.
        Unsupported: The guideline is of a kind that cannot be simulated.
        MissingModel: Weights are not on this machine.
    """
    if guideline.kind == "transcript":
        raise Unsupported(
            f"Recordings cannot be simulated, and {guideline.ref} transcribes; give --gold with "
            "texts and a guideline for choice, spans or tokens.",
            field="guideline",
        )
    conditions.check()
    check_size(len(gold))
    check_cases(gold, guideline, "gold")
    check_cases(history, guideline, "history")
    history, shared = without_shared(gold, history)
    notes = _notes(shared, history, guideline)
    cases = [*history, *gold]
    seconds: dict[str, float] = {}
    clock = time.perf_counter()
    documents = documents_of(cases)
    cache = PredictionCache(models.folder, models.identity)
    with progress(f"labeling with {guideline.ref}", len(documents)) as advance:
        opinions = await cache.opinions(documents, models.predict, advance)
    seconds["labeling"] = time.perf_counter() - clock
    stream, learner, without = _learners(
        guideline, gold, history, opinions, models, rules, conditions, seconds, progress
    )
    clock = time.perf_counter()
    with progress("replaying orders", conditions.orders) as advance:
        traces = simulate(stream, learner, without, rules, conditions, advance)
    seconds["replay"] = time.perf_counter() - clock
    policies, curves = summarised(traces, rules.promise)
    return SimulationReport(
        name=name,
        guideline=guideline.ref,
        guideline_sha256=guideline.sha256,
        promise=rules.promise,
        n=stream.n,
        history=stream.history,
        orders=conditions.orders,
        options=dict(options),
        created_at=datetime.now(UTC),
        seconds={step: round(spent, 2) for step, spent in seconds.items()},
        models=tuple(dict.fromkeys(each.source.model for said in opinions for each in said)),
        notes=tuple(notes),
        policies=policies,
        curves=curves,
    )


def _learners(
    guideline: Guideline,
    gold: Sequence[Case],
    history: Sequence[Case],
    opinions: Sequence[Sequence[Prediction]],
    models: Models,
    rules: Rules,
    conditions: Conditions,
    seconds: dict[str, float],
    progress: Progress,
) -> tuple[Stream, Learner, Learner]:
    """The arrays, who learns on them, and who learns without a student."""
    if guideline.kind != "choice":
        stream = units_stream(guideline, gold, history, opinions)
        units = UnitsLearner(stream, [*history, *gold], seed=conditions.seed)
        return stream, units, units
    clock = time.perf_counter()
    named = label_sentences(guideline)
    texts = [*named, *(d.text for d in documents_of([*history, *gold]))]
    with progress("sentence vectors", len(texts)) as advance:
        path = models.folder / f"vectors-{models.encoder}.npz"
        vectors = vectors_of(texts, path, models.embed, advance)
    seconds["embedding"] = time.perf_counter() - clock
    stream = choice_stream(guideline, gold, history, opinions, vectors[len(named) :])
    learner, without = (
        ChoiceLearner(
            stream,
            vectors[: len(named)],
            use_student=use_student,
            promise=rules.promise,
            seed=conditions.seed,
        )
        for use_student in (True, False)
    )
    return stream, learner, without


def _notes(shared: int, history: Sequence[Case], guideline: Guideline) -> list[str]:
    notes = []
    if shared:
        notes.append(
            f"{shared} texts of the history occur in the gold too and were left out of it; "
            f"{len(history)} remain."
        )
    if guideline.kind != "choice":
        notes.append(
            "A student is trained for choices only: `no_student` is the same as `promise` here. "
            "An answer is wrong unless the whole of it is right."
        )
    return notes
