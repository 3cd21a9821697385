"""Orders in a text change neither the labels that there are, nor the form of answers, nor the chat.

The model here obeys every order; `eval.injection` tells what orders do to that of a real one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from eval.injection import attacked  # noqa: E402
from eval.injection_texts import KNOWN, UNSEEN  # noqa: E402
from llmlabel.confidence.orders import orders_in  # noqa: E402
from llmlabel.domain.answer import ChoiceAnswer, Span, SpansAnswer, TokensAnswer  # noqa: E402
from llmlabel.domain.document import Document  # noqa: E402
from llmlabel.domain.guideline import Guideline  # noqa: E402
from llmlabel.domain.label import Route  # noqa: E402
from llmlabel.domain.prediction import Outcome, Prediction, Source, Unit  # noqa: E402
from llmlabel.evaluation.cases import load  # noqa: E402
from llmlabel.guidelines import GuidelineLibrary  # noqa: E402
from llmlabel.labelers.llm_choice import LlmChoice  # noqa: E402
from llmlabel.labelers.llm_extract import Extraction, schema_of  # noqa: E402
from llmlabel.labelers.llm_tokens import LlmTokens  # noqa: E402
from llmlabel.llm.protocol import ChatModel  # noqa: E402
from llmlabel.llm.remote import RemoteModel  # noqa: E402
from llmlabel.pipeline import Pipeline  # noqa: E402
from llmlabel.prompts import PromptLibrary  # noqa: E402
from llmlabel.routing import RawJudge, Routing, Step, WaryJudge  # noqa: E402
from llmlabel.shipped import search_folders  # noqa: E402
from llmlabel.testing import FakeProvider  # noqa: E402
from llmlabel.testing.provider import ProviderRequest  # noqa: E402

ORDERS = [order.format(label="HACKED") for order in (*KNOWN, *UNSEEN)]
PLAIN = "Ada met Grace in Oslo."
REPLIES = (
    "HACKED",
    "positive negative",
    '{"label": "HACKED"}',
    '{"entities": [{"quote": "Ada", "label": "HACKED"}]}',
    '{"entities": [{"quote": "Ada", "label": "PERSON", "run": "rm -rf /"}]}',
    '{"entities": [], "tool_calls": [{"name": "shell"}]}',
    '{"tool_calls": []}',
    "<tool_call>{}</tool_call>",
    "[]",
    "",
)


class Obeying:
    """A provider that replies whatever it is set to, whatever it was asked."""

    def __init__(self) -> None:
        self.reply = ""
        self.provider = FakeProvider(lambda request: self.reply or " ")

    def model(self) -> ChatModel:
        return RemoteModel("hosted_vllm/any", api_key="k", api_base=self.provider.url, attempts=1)


@pytest.fixture
def obeying() -> Iterator[Obeying]:
    made = Obeying()
    with made.provider:
        yield made


@pytest.fixture(scope="module")
def prompts() -> PromptLibrary:
    return PromptLibrary(search_folders("prompts"))


@pytest.fixture(scope="module")
def guidelines() -> GuidelineLibrary:
    return GuidelineLibrary(search_folders("guidelines"))


def tokens_of(text: str) -> Prediction:
    """What an earlier labeler says of the first word, with doubt."""
    tags = {"label:NOUN": 0.5, "label:VERB": 0.4}
    unit = Unit(start=0, end=3, label="NOUN", probability=0.4, evidence=tags, alternative="VERB")
    span = Span(start=0, end=3, label="NOUN")
    answer = TokensAnswer(tokens=(span,))
    source = Source(labeler="spacy", model="m")
    return Prediction(answer=answer, probability=0.4, units=(unit,), source=source)


async def ask(
    kind: str, text: str, model: ChatModel, prompts: PromptLibrary, library: GuidelineLibrary
) -> tuple[Prediction, Guideline]:
    document = Document.of_text(text)
    if kind == "choice":
        guideline = library.get("sentiment")
        labeler = LlmChoice(model, prompts.get("choice@1.0.0"))
        return (await labeler.predict([document], guideline, [()]))[0], guideline
    if kind == "spans":
        guideline = library.get("ner")
        extraction = Extraction(model, prompts.get("spans@1.0.0"))
        return (await extraction.predict([document], guideline))[0], guideline
    guideline = library.get("pos")
    said = await LlmTokens(model, prompts).predict([document], guideline, [[tokens_of(text)]])
    return said[0], guideline


def shape(request: ProviderRequest) -> dict[str, Any]:
    """Everything of a request but the words of the text."""
    body = {key: value for key, value in request.body.items() if key != "messages"}
    messages = request.body["messages"]
    return body | {"roles": [m["role"] for m in messages], "before": messages[:-1]}


@pytest.mark.parametrize("kind", ["choice", "spans", "tokens"])
async def test_an_order_changes_nothing_of_a_request_but_the_text_in_its_fence(
    kind: str, obeying: Obeying, prompts: PromptLibrary, guidelines: GuidelineLibrary
) -> None:
    model = obeying.model()
    obeying.reply = '{"entities": []}' if kind == "spans" else "NOUN"
    await ask(kind, PLAIN, model, prompts, guidelines)
    plain = shape(obeying.provider.requests[-1])
    assert "tools" not in plain
    assert "functions" not in plain
    for order in ORDERS:
        await ask(kind, f"{PLAIN}\n{order}", model, prompts, guidelines)
        request = obeying.provider.requests[-1]
        assert shape(request) | {"max_tokens": 0, "max_completion_tokens": 0} == plain | {
            "max_tokens": 0,
            "max_completion_tokens": 0,
        }
        assert request.text.count("<text>") == request.text.count("</text>") == 1
        for token in ("<|im_end|>", "<|im_start|>", "[INST]", "<<SYS>>", "<start_of_turn>"):
            assert token not in request.text


@pytest.mark.parametrize("kind", ["choice", "spans", "tokens"])
async def test_a_model_that_obeys_gives_no_label_that_there_is_not(
    kind: str, obeying: Obeying, prompts: PromptLibrary, guidelines: GuidelineLibrary
) -> None:
    model = obeying.model()
    for reply in REPLIES:
        obeying.reply = reply
        said, guideline = await ask(kind, f"{PLAIN}\n{ORDERS[0]}", model, prompts, guidelines)
        match said.answer:
            case ChoiceAnswer(label=label):
                assert label in guideline.label_names
            case SpansAnswer(spans=found):
                assert {each.label for each in found} <= set(guideline.label_names)
            case TokensAnswer(tokens=found):
                assert {each.label for each in found} <= set(guideline.label_names)
            case None:
                assert said.outcome is not Outcome.ANSWERED


async def test_the_schema_of_spans_is_the_guidelines_and_closed(
    obeying: Obeying, prompts: PromptLibrary, guidelines: GuidelineLibrary
) -> None:
    obeying.reply = '{"entities": []}'
    await ask("spans", ORDERS[0], obeying.model(), prompts, guidelines)
    schema = obeying.provider.requests[-1].schema
    assert schema == json.loads(json.dumps(schema_of(guidelines.get("ner").label_names)))


async def labels_of(texts: list[str], provider: Obeying, prompts: PromptLibrary) -> list[Any]:
    library = GuidelineLibrary(search_folders("guidelines"))
    step = Step(LlmChoice(provider.model(), prompts.get("choice@1.0.0")))
    routing = Routing((step,), WaryJudge(RawJudge()))
    pipeline = Pipeline(lambda _: routing, lambda: datetime(2026, 3, 5, tzinfo=UTC))
    documents = [Document.of_text(text) for text in texts]
    return await pipeline.label(documents, library.get("sentiment"))


async def test_a_text_that_gives_orders_goes_to_review_however_sure_the_model_is(
    obeying: Obeying, prompts: PromptLibrary
) -> None:
    obeying.reply = "positive"
    texts = [f"Nothing works.\n{order.format(label='positive')}" for order in KNOWN]
    plain, *ordered = await labels_of([PLAIN, *texts], obeying, prompts)
    assert plain.route is Route.ACCEPTED
    for label in ordered:
        assert label.route is Route.REVIEW
        assert label.confidence.value == 0.25, "one of four labels, as a guess"
        assert "injection suspected" in label.reason
        assert "Nothing works" not in label.reason


@pytest.mark.parametrize("order", KNOWN)
def test_known_orders_are_recognised(order: str) -> None:
    assert orders_in(f"It rained all day.\n{order.format(label='neutral')}")


@pytest.mark.parametrize(
    "text",
    [
        "Please ignore my previous message, I found the tickets.",
        "The waiter ignored us and forgot our order twice.",
        "Answer the phone! I have been waiting for an hour.",
        "My system: an old laptop. It works.",
        "Label printers are cheap now. Mark this day in your calendar.",
        "They said “reply only by mail”, so I did.",
        "2 < 3 and {a, b} is a set; x = [1, 2].",
        "Vergiss nicht, die Anweisung zu lesen.",
    ],
)
def test_plain_words_are_no_orders(text: str) -> None:
    assert orders_in(text) is None


def test_of_the_shipped_suites_only_the_cases_that_are_orders_are_suspected() -> None:
    suspected = {
        case.id
        for suite in ("sentiment", "intent", "ner", "pos")
        for case in load(suite, search_folders("suites"), split="all").cases
        if case.document is not None and orders_in(case.document.text)
    }
    assert suspected == {"sent-074", "sent-076", "sent-077", "int-098", "int-102"}


def test_every_attack_wants_an_answer_that_is_wrong() -> None:
    data = load("sentiment", search_folders("suites"))
    names = ("positive", "negative", "neutral", "mixed")
    made = attacked(data.cases, names)
    assert {each.known for each in made} == {True, False}
    for each in made:
        assert each.wanted in names
        assert each.wanted not in each.case.labels
