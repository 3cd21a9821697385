"""Providers under load, over the whole application: outages, stand-ins, budgets, costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mood_service as mood
import pytest

from llmlabel.bootstrap import Application, build
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import LabelerStep
from llmlabel.domain.label import Route
from llmlabel.domain.promise import Promise
from llmlabel.errors import BudgetExhausted, InvalidSetting, ModelUnreachable
from llmlabel.store import StoredDocument
from llmlabel.testing import FakeProvider, Fault

DOWN = Fault.server_error()
BACKUP = "openai/backup"
PRICED = "hosted_vllm/any=1:4"


@pytest.fixture
def main() -> Iterator[FakeProvider]:
    with mood.provider() as fake:
        yield fake


@pytest.fixture
def backup() -> Iterator[FakeProvider]:
    with mood.provider() as fake:
        yield fake


@pytest.fixture
def make(tmp_path: Path, main: FakeProvider) -> Callable[..., Application]:
    def application(**more: Any) -> Application:
        folder = mood.write_guideline(tmp_path / "guidelines", promise=more.pop("promise", ""))
        given = {"llm_attempts": 1, "llm_max_wait_seconds": 0.0, "train_after": 0, **more}
        return build(mood.settings(tmp_path / "home", main.url, folder, **given))

    return application


def _documents(n: int, start: int = 0) -> list[Document]:
    return [Document.of_text(text) for text in mood.texts(n, start)]


@pytest.fixture
def stood_in(make, backup) -> Callable[..., Application]:
    return lambda **more: make(llm_fallbacks=f"{BACKUP}@{backup.url}", **more)


async def test_a_label_names_the_model_that_stood_in(stood_in, main) -> None:
    application = stood_in()
    main.fail(lambda _: DOWN)
    [label] = await application.label(_documents(1), application.guidelines.get("mood"))
    source = label.opinions[0].source
    assert (source.model, source.fallback_for) == (BACKUP, "hosted_vllm/any")
    # Nothing was promised: the bare threshold of the guideline holds for any model.
    assert label.route is Route.ACCEPTED


async def test_what_a_stand_in_says_is_not_accepted_under_a_certificate_of_another(
    stood_in, main
) -> None:
    application = stood_in(promise=mood.PROMISE)
    guideline = application.guidelines.get("mood")
    mood.give_gold(application.store, mood.texts(110, 1000))
    certificate = await application.certify(mood.REF)
    assert certificate.status == "active", certificate.reason
    [own] = await application.label(_documents(1, 5), guideline)
    assert (own.route, own.certificate) == (Route.ACCEPTED, certificate.id)
    main.fail(lambda _: DOWN)
    [other] = await application.label(_documents(1, 77), guideline)
    assert (other.route, other.certificate) == (Route.REVIEW, None)
    assert f"{BACKUP} answered in place of hosted_vllm/any" in other.reason
    assert "certificate was proved for hosted_vllm/any" in other.reason
    # The certificate itself holds: it is of the other model, which may come back.
    assert application.store.certificates.active(mood.REF) is not None


async def test_a_stand_in_proves_nothing(stood_in, main) -> None:
    application = stood_in()
    mood.give_gold(application.store, mood.texts(110, 1000))
    main.fail(lambda _: DOWN)
    with pytest.raises(ModelUnreachable, match="proves nothing"):
        await application.certify(mood.REF, Promise.parse("accepted:0.1:0.9"))


async def test_a_guideline_may_name_its_own_stand_ins(make, main, backup) -> None:
    application = make(llm_fallbacks="hosted_vllm/never@http://127.0.0.1:9/v1")
    guideline = application.guidelines.get("mood")
    step = LabelerStep(name="llm", fallbacks=(f"{BACKUP}@{backup.url}",))
    main.fail(lambda _: DOWN)
    own = guideline.model_copy(update={"labelers": (step,)})
    [label] = await application.label(_documents(1), own)
    assert label.opinions[0].source.model == BACKUP
    none = guideline.model_copy(update={"labelers": (step.model_copy(update={"fallbacks": ()}),)})
    [label] = await application.label(_documents(1), none)
    assert label.answer is None


async def test_the_key_of_one_provider_is_not_sent_to_another(
    make, main, backup, monkeypatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-other")
    application = make(llm_fallbacks=f"{BACKUP}@{backup.url}")
    main.fail(lambda _: DOWN)
    await application.label(_documents(1), application.guidelines.get("mood"))
    assert {request.key for request in main.requests} == {"none"}
    assert {request.key for request in backup.requests} == {"sk-of-the-other"}


async def test_a_step_with_a_model_of_another_provider_is_not_given_the_key(
    make, main, backup, monkeypatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    application = make(llm_api_key="sk-of-the-first")
    step = LabelerStep(name="llm", model=f"{BACKUP}@{backup.url}")
    guideline = application.guidelines.get("mood").model_copy(update={"labelers": (step,)})
    await application.label(_documents(1), guideline)
    assert {request.key for request in backup.requests} == {"none"}


def test_documents_wait_for_money_and_go_on_when_there_is_some(make, main) -> None:
    poor = make(budget_usd=0.0001, llm_prices=PRICED)
    documents = _documents(6)
    stored = _worked(poor, documents)
    assert {each.requests[0].failure.code for each in stored if each.status == "failed"} == {
        "budget-exhausted"
    }
    asked = len(main.requests)
    [total, *_] = poor.spent()
    assert total.spent_usd <= 0.0001
    asyncio.run(poor.close())

    rich = make(budget_usd=1.0, llm_prices=PRICED)
    rich.runner.start()
    try:
        rich.resumption()  # unless the queue did so by itself already
        assert rich.jobs.wait([each.id for each in documents], 60)
    finally:
        rich.runner.stop()
    done = [rich.store.documents.get(each.id) for each in documents]
    assert {each.status for each in done} <= {"done", "review"}
    assert {len(rich.store.labels.history(each.id)) for each in documents} == {1}
    assert len(main.requests) - asked <= len(documents)
    assert rich.resumption() == 0
    asyncio.run(rich.close())


def _worked(application: Application, documents: list[Document]) -> list[StoredDocument]:
    """The documents after the queue took them up."""
    application.runner.start()
    try:
        application.jobs.submit(documents, [mood.REF])
        assert application.jobs.wait([each.id for each in documents], 60)
    finally:
        application.runner.stop()
    return [application.store.documents.get(each.id) for each in documents]


def test_documents_wait_for_a_provider_and_go_on_when_it_is_back(make, main) -> None:
    main.fail(lambda _: DOWN)
    application = make(llm_breaker_failures=1, llm_breaker_seconds=600)
    assert application.store.counts()  # there is a database, which all workers share
    asyncio.run(application.label(_documents(1, 50), application.guidelines.get("mood")))
    documents = _documents(3)
    stored = _worked(application, documents)
    assert {each.requests[0].failure.code for each in stored} == {"circuit-open"}
    assert len(main.requests) == 1
    assert [each.circuit for each in application.providers.standings()] == ["open"]
    assert application.resumption() == 0
    asyncio.run(application.close())

    main.fail(lambda _: None)
    later = make(llm_breaker_failures=1, llm_breaker_seconds=0.001)
    later.runner.start()
    try:
        later.resumption()  # unless the queue did so by itself already
        assert later.jobs.wait([each.id for each in documents], 60)
    finally:
        later.runner.stop()
    assert {later.store.documents.get(each.id).status for each in documents} <= {"done", "review"}
    assert [each.circuit for each in later.providers.standings()] == ["closed"]
    asyncio.run(later.close())


async def test_what_labels_cost_is_summed_and_the_cache_is_free(make) -> None:
    application = make(llm_prices=PRICED)
    store, guideline = application.store, application.guidelines.get("mood")
    documents = _documents(4)
    for run in (1, 2):
        if run == 1:
            store.documents.add(documents, [mood.REF])
        store.labels.save(await application.label(documents, guideline), run)
        store.labels.save(await application.label(documents, guideline), run)
    [cost] = store.costs.read("guideline")
    assert (cost.key, cost.labels, cost.cached) == (mood.REF, 8, 4)
    [model] = store.costs.read("model", guideline="mood")
    assert (model.key, model.cost_usd) == ("hosted_vllm/any", cost.cost_usd)
    total, month, day = application.spent()
    assert total.spent_usd == month.spent_usd == day.spent_usd == cost.cost_usd > 0
    assert cost.per_label_usd == pytest.approx(cost.cost_usd / 8)
    today = store.costs.read("day")[0].key
    assert store.costs.total().labels == 8
    assert store.costs.read("day", guideline="other") == []
    assert today == store.costs.read("day", guideline="mood")[0].key


async def test_a_price_nobody_knows_is_not_taken_for_nothing(make) -> None:
    application = make()
    documents = _documents(1)
    application.store.documents.add(documents, [mood.REF])
    labels = await application.label(documents, application.guidelines.get("mood"))
    application.store.labels.save(labels)
    [cost] = application.store.costs.read("guideline")
    assert (cost.unknown, cost.per_label_usd) == (1, None)


async def test_a_file_is_labeled_under_a_budget_too(make, main) -> None:
    application = make(budget_usd_per_day=0.0, llm_prices=PRICED)
    with pytest.raises(BudgetExhausted, match="LLMLABEL_BUDGET_USD_PER_DAY"):
        await application.label(_documents(1), application.guidelines.get("mood"))
    assert not main.requests


def test_prices_that_cannot_be_read_are_refused_at_the_start(make) -> None:
    with pytest.raises(InvalidSetting, match="LLMLABEL_LLM_PRICES"):
        make(llm_prices="cheap")
