from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline, LabelDefinition, LabelerStep, Policy
from llmlabel.domain.label import Route
from llmlabel.domain.prediction import Outcome, Prediction, Source
from llmlabel.errors import EmptyText, ModelUnauthorized
from llmlabel.pipeline import Pipeline
from llmlabel.routing import RawJudge, Routing, Step
from llmlabel.telemetry import Telemetry


class Says:
    """A labeler that answers by the text: `good 0.7` is the label good with probability .7."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[str] = []

    async def predict(
        self,
        documents: Sequence[Document],
        guideline: Guideline,
        earlier: Sequence[Sequence[Prediction]],
    ) -> Sequence[Prediction]:
        self.asked += [document.text for document in documents]
        return [self._say(document.text) for document in documents]

    def _say(self, text: str) -> Prediction:
        source = Source(labeler=self.name, model=f"{self.name}-model")
        if text == "forbidden":
            raise ModelUnauthorized("the key was not accepted")
        if text == "refused":
            return Prediction(outcome=Outcome.REFUSED, source=source, detail="I cannot say")
        label, probability = text.split()
        return Prediction(
            answer=ChoiceAnswer(label=label),
            probability=float(probability),
            method="label_path",
            scores={"good": float(probability), "bad": 1 - float(probability)},
            source=source,
        )


def task(*steps: LabelerStep, threshold: float = 0.8) -> Guideline:
    return Guideline(
        name="taste",
        version="1.2.0",
        kind="choice",
        title="Taste",
        question="Good or bad?",
        labels=(
            LabelDefinition(name="good", definition="good"),
            LabelDefinition(name="bad", definition="bad"),
        ),
        labelers=steps,
        policy=Policy(threshold=threshold),
        sha256="abc",
    )


def documents(*texts: str) -> list[Document]:
    return [Document.of_text(text, id=f"d{n}") for n, text in enumerate(texts)]


@pytest.fixture
def parts() -> dict[str, Says]:
    return {"spacy": Says("spacy"), "llm": Says("llm")}


@pytest.fixture
def pipeline(parts: dict[str, Says]) -> Pipeline:
    return Pipeline(lambda guideline: routing_of(parts, guideline))


def routing_of(parts: dict[str, Says], guideline: Guideline, **changes: Any) -> Routing:
    steps = tuple(
        Step(parts[step.name], step.doubt if step.when == "doubtful" else None)
        for step in guideline.labelers
    )
    return Routing(**{"steps": steps, "judge": RawJudge()} | changes)


async def test_every_document_gets_its_label_in_order(pipeline: Pipeline) -> None:
    given = documents("good 0.9", "bad 0.6", "good 0.81")
    labels = await pipeline.label(given, task(LabelerStep(name="llm")))
    assert [label.document_id for label in labels] == ["d0", "d1", "d2"]
    assert [label.route for label in labels] == [Route.ACCEPTED, Route.REVIEW, Route.ACCEPTED]


async def test_a_label_names_its_makers_its_guideline_and_its_threshold(
    pipeline: Pipeline,
) -> None:
    [label] = await pipeline.label(documents("good 0.9"), task(LabelerStep(name="llm")))
    assert (label.guideline, label.guideline_sha256) == ("taste@1.2.0", "abc")
    assert label.threshold == 0.8
    assert [opinion.source.model for opinion in label.opinions] == ["llm-model"]


async def test_a_refusal_becomes_no_label_and_goes_to_review(pipeline: Pipeline) -> None:
    [label] = await pipeline.label(documents("refused"), task(LabelerStep(name="llm"), threshold=0))
    assert label.answer is None
    assert label.confidence is None
    assert label.route is Route.REVIEW
    assert "I cannot say" in label.reason


async def test_a_doubtful_step_is_asked_only_where_the_answer_so_far_is_doubtful(
    pipeline: Pipeline, parts: dict[str, Says]
) -> None:
    cascade = task(LabelerStep(name="spacy"), LabelerStep(name="llm", when="doubtful", doubt=0.85))
    labels = await pipeline.label(documents("good 0.9", "good 0.5", "refused"), cascade)
    assert parts["llm"].asked == ["good 0.5", "refused"]
    assert [len(label.opinions) for label in labels] == [1, 2, 2]


async def test_a_key_that_is_not_accepted_stops_the_batch(pipeline: Pipeline) -> None:
    with pytest.raises(ModelUnauthorized):
        await pipeline.label(documents("forbidden"), task(LabelerStep(name="llm")))


async def test_a_document_without_words_is_refused(pipeline: Pipeline) -> None:
    silent = documents("good 0.9")[0].model_copy(update={"text": " "})
    with pytest.raises(EmptyText, match="d0"):
        await pipeline.label([silent], task(LabelerStep(name="llm")))


async def test_nothing_to_label_asks_nobody(pipeline: Pipeline, parts: dict[str, Says]) -> None:
    assert await pipeline.label([], task(LabelerStep(name="llm"))) == []
    assert parts["llm"].asked == []


async def test_whoever_watches_is_told_how_many_went_through_each_stage(
    pipeline: Pipeline,
) -> None:
    telemetry = Telemetry("w")
    asked = task(LabelerStep(name="spacy"), LabelerStep(name="llm", when="doubtful", doubt=0.7))
    await pipeline.label(documents("good 0.9"), asked)
    with telemetry.active():
        await pipeline.label(documents("good 0.9", "bad 0.6", "good 0.81"), asked)

    def through(stage: str) -> float | None:
        return telemetry.meters.registry.get_sample_value(
            "llmlabel_stage_documents_total", {"stage": stage, "worker": "w"}
        )

    assert (through("labeler:spacy"), through("labeler:llm"), through("judge")) == (3, 1, 3)
