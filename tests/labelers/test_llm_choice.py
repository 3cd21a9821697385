from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline, Policy
from llmlabel.domain.prediction import Outcome, Prediction
from llmlabel.embedding import SentenceEmbedder
from llmlabel.errors import (
    ModelRefused,
    ModelRejected,
    ModelTimeout,
    ModelUnauthorized,
    ReplyTruncated,
    ReplyUnreadable,
)
from llmlabel.guidelines import from_labels
from llmlabel.labelers.llm_choice import MIN_CALIBRATION_BATCH, LlmChoice
from llmlabel.labelers.shortlist import Shortlist
from llmlabel.llm.protocol import Prompt
from llmlabel.models import ModelStore
from llmlabel.prompts import PromptLibrary
from llmlabel.shipped import search_folders
from llmlabel.testing import FakeChatModel

PROMPT = PromptLibrary(search_folders("prompts")).get("choice@1.0.0")
TASTE = from_labels("taste", "choice", ["good", "bad"])


async def ask(
    model: FakeChatModel, texts: Sequence[str], guideline: Guideline = TASTE
) -> list[Prediction]:
    documents = [Document.of_text(text) for text in texts]
    labeler = LlmChoice(model, PROMPT)
    return list(await labeler.predict(documents, guideline, [()] * len(texts)))


async def test_the_likeliest_label_is_the_answer_and_its_probability_is_stated() -> None:
    model = FakeChatModel(lambda prompt, labels: {"good": 3, "bad": 1})
    [said] = await ask(model, ["tasty"])
    assert said.answer == ChoiceAnswer(label="good")
    assert said.probability == pytest.approx(0.75)
    assert said.scores == pytest.approx({"good": 0.75, "bad": 0.25})
    assert said.evidence["margin"] == pytest.approx(0.5)
    assert said.evidence["entropy"] == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))


async def test_a_prediction_says_which_prompt_model_and_examples_made_it() -> None:
    [said] = await ask(FakeChatModel(name="m-1"), ["tasty"])
    assert said.source.model == "m-1"
    assert said.source.prompt == "choice@1.0.0"
    assert said.source.prompt_sha256 == PROMPT.sha256


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ReplyUnreadable("?"), Outcome.UNREADABLE),
        (ReplyTruncated("cut"), Outcome.TRUNCATED),
        (ModelRefused("no"), Outcome.REFUSED),
        (ModelTimeout("late"), Outcome.UNREACHABLE),
        (ModelRejected("too long"), Outcome.UNSUPPORTED),
    ],
)
async def test_a_failure_is_an_outcome_and_leaves_the_others_alone(
    error: Exception, outcome: Outcome
) -> None:
    def rule(prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        return error if "poison" in prompt.messages[-1].content else {"good": 1}  # type: ignore[return-value]

    said = await ask(FakeChatModel(rule), ["fine", "poison", "fine too"])
    assert [each.outcome for each in said] == [Outcome.ANSWERED, outcome, Outcome.ANSWERED]
    assert said[1].answer is None


async def test_a_rejected_key_is_raised() -> None:
    model = FakeChatModel(lambda prompt, labels: ModelUnauthorized("key"))
    with pytest.raises(ModelUnauthorized):
        await ask(model, ["tasty"])


async def test_batch_calibration_takes_out_the_lean_towards_one_label() -> None:
    """A model that leans to `good` is put right by what it says of the whole batch."""

    def leaning(prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        asked = prompt.messages[-1].content
        return {"good": 9, "bad": 1} if "nice" in asked else {"good": 6, "bad": 4}

    half = MIN_CALIBRATION_BATCH // 2
    texts = [f"nice {n}" for n in range(half)] + [f"nasty {n}" for n in range(half)]
    plain = await ask(FakeChatModel(leaning), texts)
    assert {each.answer.label for each in plain} == {"good"}  # type: ignore[union-attr]
    calibrated = TASTE.model_copy(update={"policy": Policy(threshold=0.8, batch_calibration=True)})
    said = await ask(FakeChatModel(leaning), texts, calibrated)
    assert [each.answer.label for each in said] == ["good"] * half + ["bad"] * half  # type: ignore[union-attr]
    assert said[0].method == "label_path+batch_calibration"
    few = await ask(FakeChatModel(leaning), texts[:3], calibrated)
    assert few[0].method == "label_path"


@pytest.mark.models
async def test_many_labels_are_shortlisted_by_what_they_mean(model_store: ModelStore) -> None:
    offered: list[list[str]] = []

    def rule(prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        offered.append(list(labels))
        return dict.fromkeys(labels, 1.0)

    names = ["lost_card", "weather", "play_music", "book_flight", "cooking", "tax_return"]
    many = from_labels("many", "choice", names).model_copy(
        update={"policy": Policy(threshold=0.8, shortlist=3)}
    )
    embedder = SentenceEmbedder(model_store.path("minilm-l6-int8"), 1)
    labeler = LlmChoice(FakeChatModel(rule), PROMPT, Shortlist(embedder))
    texts = ["my bank card is gone, I think I left it on the bus", "will it rain tomorrow"]
    await labeler.predict([Document.of_text(text) for text in texts], many, [()] * 2)
    assert [len(each) for each in offered] == [3, 3]
    assert "lost_card" in offered[0]
    assert "weather" in offered[1]
