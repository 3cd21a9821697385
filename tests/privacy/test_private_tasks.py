"""What a provider receives of a task, with a real server in its place."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from llmlabel.bootstrap import Application, build
from llmlabel.domain.answer import ChoiceAnswer, SpansAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Example, Guideline, LabelerStep
from llmlabel.domain.privacy import Privacy
from llmlabel.errors import RemoteRefused
from llmlabel.guidelines import from_labels
from llmlabel.labelers.example_pool import ExamplePool
from llmlabel.llm.protocol import Message, Prompt
from llmlabel.llm.remote import RemoteModel
from llmlabel.settings import Settings
from llmlabel.testing import FakeProvider
from llmlabel.testing.faults import Fault

TEXT = (
    "Angela Merkel wrote from angela@kanzlerin.example: my card 4111 1111 1111 1111 is lost 👩‍👩‍👧."
)
SECRETS = ("Angela", "Merkel", "angela@", "4111")
DOCUMENT = Document.of_text(TEXT, id="d")
Made = Callable[..., Any]


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    def answer(request: Any) -> Any:
        if "[[" in request.text:
            return {"who": 0.9, "x": 0.1}
        if request.schema is None:
            return {"good": 0.9, "bad": 0.1}
        return json.dumps(
            {"entities": [{"quote": "[PERSON_1]", "label": "who"}, {"quote": "card", "label": "x"}]}
        )

    with FakeProvider(answer) as server:
        yield server


@pytest.fixture
def application(home: Path, provider: FakeProvider) -> Made:
    @asynccontextmanager
    async def made(**more: Any) -> AsyncIterator[Application]:
        given = {"llm": "hosted_vllm/any", "llm_api_key": "none", "llm_api_base": provider.url}
        app = build(Settings(**given | more))
        try:
            yield app
        finally:
            await app.close()

    return made


def task(privacy: Privacy, kind: Any = "choice", **changes: Any) -> Guideline:
    labels = {"choice": ["good", "bad"], "spans": ["who", "x"]}[kind]
    made = from_labels("private", kind, labels)
    policy = made.policy.model_copy(update={"privacy": privacy})
    return made.model_copy(update={"policy": policy, **changes})


def sent(provider: FakeProvider) -> str:
    return json.dumps([request.body for request in provider.requests], ensure_ascii=False)


@pytest.mark.parametrize(
    ("of_task", "of_service"), [("local_only", "open"), ("open", "local_only")]
)
async def test_a_local_task_sends_nothing_and_says_what_to_do(
    application: Made, provider: FakeProvider, of_task: Privacy, of_service: Privacy
) -> None:
    async with application(privacy=of_service) as app:
        with pytest.raises(RemoteRefused, match=r"private@0\.0\.0 is `local_only`") as refused:
            await app.label([DOCUMENT], task(of_task))
    assert "hosted_vllm/any" in refused.value.detail
    assert "llmlabel models list" in refused.value.detail
    assert provider.requests == []


async def test_a_local_task_is_refused_also_after_an_open_one_used_the_labeler(
    application: Made, provider: FakeProvider
) -> None:
    async with application() as app:
        await app.label([DOCUMENT], task("open"))
        before = len(provider.requests)
        step = LabelerStep(name="llm")
        borrowed = app.parts.labeler_for(step, task("open"))
        for level in ("local_only", "redact"):
            private = task(level)
            # A labeler built for an open task, given a private one: the call itself refuses.
            with pytest.raises(RemoteRefused):
                await borrowed.predict([Document.of_text(f"{TEXT} {level}")], private, [()])
        with pytest.raises(RemoteRefused):
            await app.label([DOCUMENT], task("local_only"))
    assert before > 0
    assert len(provider.requests) == before


async def test_a_model_named_by_the_task_is_refused_as_well(
    application: Made, provider: FakeProvider
) -> None:
    step = LabelerStep(name="llm", model="openai/some-model")
    async with application(llm="smollm2-135m-instruct") as app:
        with pytest.raises(RemoteRefused, match="openai/some-model"):
            await app.label([DOCUMENT], task("local_only", labelers=(step,)))
    assert provider.requests == []


@pytest.mark.parametrize("level", ["local_only", "redact"])
async def test_the_model_itself_refuses_a_prompt_that_must_not_leave(
    provider: FakeProvider, level: Privacy
) -> None:
    plain = Prompt(messages=(Message(role="user", content=TEXT),))
    private = plain.model_copy(update={"privacy": level})
    model = RemoteModel("hosted_vllm/any", api_key="none", api_base=provider.url)
    strict = RemoteModel("hosted_vllm/any", api_key="none", api_base=provider.url, privacy=level)
    for asked, prompt in ((model, private), (strict, plain)):
        with pytest.raises(RemoteRefused):
            # The whole batch is held back for one prompt of it.
            await asked.score([plain, prompt], ["good", "bad"])
        with pytest.raises(RemoteRefused):
            await asked.generate([plain, prompt], {"type": "object"}, 10)
    assert provider.requests == []


async def test_an_open_task_is_sent_as_it_is(application: Made, provider: FakeProvider) -> None:
    async with application() as app:
        [label] = await app.label([DOCUMENT], task("open"))
    assert TEXT in sent(provider)
    assert label.opinions[0].source.redacted is None


@pytest.mark.models
@pytest.mark.parametrize(("of_task", "of_service"), [("redact", "open"), ("open", "redact")])
async def test_a_redacted_task_sends_placeholders_and_says_how_many(
    application: Made, provider: FakeProvider, of_task: Privacy, of_service: Privacy
) -> None:
    example = Example(id="E1", text="Barack Obama called +1 202 555 0173, glad.", label="good")
    async with application(privacy=of_service) as app:
        [label] = await app.label([DOCUMENT], task(of_task, examples=(example,)))
    asked = sent(provider)
    for secret in (*SECRETS, "Barack", "Obama", "555"):
        assert secret not in asked
    assert "[PERSON_1] wrote from [EMAIL_1]: my card [CARD_1] is lost 👩‍👩‍👧." in asked
    assert "[PERSON_1] called [PHONE_1], glad." in asked
    assert label.answer == ChoiceAnswer(label="good")
    source = label.opinions[0].source
    assert source.redacted == {"CARD": 1, "EMAIL": 1, "PERSON": 1}
    assert not any(secret in source.model_dump_json() for secret in SECRETS)


@pytest.mark.models
async def test_verified_examples_are_masked_as_well(
    application: Made, provider: FakeProvider
) -> None:
    guideline = task("redact")
    policy = guideline.policy.model_copy(update={"verified_examples": 2})
    guideline = guideline.model_copy(update={"policy": policy})
    async with application() as app:
        texts = ("Barack Obama lost his card.", "Mail me at bo@house.example, thanks.")
        pool = ExamplePool(
            texts=texts,
            labels=("good", "bad"),
            hashes=tuple(Document.of_text(text).text_sha256 for text in texts),
            vectors=app.embedder.embed(texts).astype("float16"),
        )
        steps = app.in_force.base_steps(guideline, pool)
        [[said]] = await app.pipeline.predict([DOCUMENT], guideline, steps)
    asked = sent(provider)
    assert "[PERSON_1] lost his card." in asked
    assert "Mail me at [EMAIL_1], thanks." in asked
    assert not any(secret in asked for secret in (*SECRETS, "Obama", "bo@house"))
    assert len(said.source.examples) == 2


@pytest.mark.models
async def test_quotes_of_masked_words_become_spans_of_the_original(
    application: Made, provider: FakeProvider
) -> None:
    guideline = task("redact", "spans", prompt="spans@1.0.0")
    async with application() as app:
        [label] = await app.label([DOCUMENT], guideline)
    assert isinstance(label.answer, SpansAnswer)
    found = {(TEXT[span.start : span.end], span.label) for span in label.answer.spans}
    assert found == {("Angela Merkel", "who"), ("card", "x")}
    assert not any(secret in sent(provider) for secret in SECRETS)


@pytest.mark.models
async def test_a_second_opinion_on_spans_and_tokens_sees_no_names(
    application: Made, provider: FakeProvider
) -> None:
    from llmlabel.domain.answer import Span, TokensAnswer
    from llmlabel.domain.prediction import Prediction, Source, Unit

    def earlier(answer: Any, unit: Unit) -> Prediction:
        source = Source(labeler="spacy", model="m")
        return Prediction(answer=answer, probability=0.4, units=(unit,), source=source)

    span = Span(start=0, end=13, label="who")
    first = Span(start=0, end=6, label="who")
    evidence = {"label:who": 0.4, "label:x": 0.3}
    said = [
        earlier(
            SpansAnswer(spans=(span,)),
            Unit(start=0, end=13, label="who", probability=0.4, evidence=evidence),
        ),
        earlier(
            TokensAnswer(tokens=(first,)),
            Unit(start=0, end=6, label="who", probability=0.4, evidence=evidence),
        ),
    ]
    async with application() as app:
        for kind, before in zip(("spans", "tokens"), said, strict=True):
            guideline = from_labels("private", kind, ["who", "x"])  # type: ignore[arg-type]
            policy = guideline.policy.model_copy(update={"privacy": "redact"})
            prompt = {"spans": "verify@1.0.0", "tokens": "tokens@1.0.0"}[kind]
            guideline = guideline.model_copy(update={"policy": policy, "prompt": prompt})
            labeler = app.parts.labeler_for(LabelerStep(name="llm"), guideline)
            [prediction] = await labeler.predict([DOCUMENT], guideline, [(before,)])
            # Where it stands is as exact as before, although the model saw a placeholder.
            assert [(u.start, u.end) for u in prediction.units] == [
                (u.start, u.end) for u in before.units
            ]
            assert prediction.source.redacted == {"CARD": 1, "EMAIL": 1, "PERSON": 1}
    asked = sent(provider)
    assert "[[[PERSON_1]]]" in asked
    assert not any(secret in asked for secret in SECRETS)


@pytest.mark.models
async def test_the_cache_of_a_redacted_task_holds_nothing_unmasked(
    application: Made, home: Path, provider: FakeProvider
) -> None:
    guideline = task("redact", "spans", prompt="spans@1.0.0")
    async with application() as app:
        await app.label([DOCUMENT], guideline)
        [again] = await app.label([DOCUMENT], guideline)
    assert again.opinions[0].source.cached
    with sqlite3.connect(home / "replies.db") as db:
        kept = [value for (value,) in db.execute("SELECT value FROM reply")]
    assert any("[PERSON_1]" in value for value in kept)
    assert not any(secret in value for value in kept for secret in SECRETS)
    for file in list(home.glob("replies.db*")):  # noqa: ASYNC240
        assert not any(secret.encode() in file.read_bytes() for secret in SECRETS)


@pytest.mark.models
async def test_what_runs_on_this_machine_sees_everything(
    application: Made, provider: FakeProvider
) -> None:
    async with application(llm="smollm2-135m-instruct") as app:
        [label] = await app.label([DOCUMENT], task("local_only"))
    assert label.opinions[0].source.redacted is None
    assert provider.requests == []


async def test_a_certificate_tells_a_redacted_task_from_an_open_one(application: Made) -> None:
    async with application() as app:
        identities = [app.identity(task(level)) for level in ("open", "redact")]
    assert identities[0] != identities[1]


@pytest.mark.models
async def test_models_that_stand_in_see_no_more_than_the_first(
    application: Made, provider: FakeProvider
) -> None:
    def down(request: Any) -> Fault | None:
        return Fault.server_error(503) if request.body["model"] == "any" else None

    provider.fail(down)
    fallbacks = {"llm_fallbacks": ("hosted_vllm/other",), "llm_attempts": 1}
    async with application(**fallbacks) as app:
        with pytest.raises(RemoteRefused):
            await app.label([DOCUMENT], task("local_only"))
        assert provider.requests == []
        [label] = await app.label([DOCUMENT], task("redact"))
    assert {request.body["model"] for request in provider.requests} == {"any", "other"}
    assert not any(secret in sent(provider) for secret in SECRETS)
    assert label.answer == ChoiceAnswer(label="good")
