"""A project stops before its own budget, and before the whole service's."""

from __future__ import annotations

import asyncio
from typing import Any

import mood_service as mood
import pytest
from visitors import Visitors

from llmlabel.bootstrap import Application
from llmlabel.domain.document import Document
from llmlabel.domain.project import ProjectBudget
from llmlabel.errors import BudgetExhausted
from llmlabel.llm.budget import EVERYTHING, Budget
from llmlabel.llm.prices import NANO
from llmlabel.money import Money
from llmlabel.settings import Settings
from llmlabel.store import Store


def _money(store: Store, whole: float | None, own: ProjectBudget, project: str = "east") -> Money:
    settings = Settings(budget_usd=whole)
    return Money(settings, project, lambda: own, lambda: store.spending)


async def test_neither_budget_is_passed_and_both_are_counted(store: Store) -> None:
    money = _money(store, 3.0, ProjectBudget(total_usd=1.0))
    budget = money.budget()
    held = await budget.reserve(NANO // 2)
    await budget.settle(held, NANO // 2)
    with pytest.raises(BudgetExhausted, match=r"project `east`.*llmlabel projects budget east"):
        await budget.reserve(NANO)
    # What did not fit one is not held in the other.
    assert store.spending.spent(EVERYTHING)["total"] == NANO // 2
    assert store.spending.spent("project:east")["total"] == NANO // 2
    assert [each.left_usd for each in money.spent()] == [0.5, None, None]
    assert not money.has_room()


async def test_a_project_is_told_nothing_of_what_others_spent(store: Store) -> None:
    whole = Budget(lambda: store.spending, {"total": 3 * NANO})
    held = await whole.reserve(3 * NANO)
    await whole.settle(held, 3 * NANO)
    money = _money(store, 3.0, ProjectBudget())
    with pytest.raises(BudgetExhausted) as refused:
        await money.budget().reserve(NANO)
    assert "$" not in refused.value.detail
    assert money.spent()[0].spent_usd == 0
    assert money.spent()[0].budget_usd is None
    assert not money.has_room()


async def test_many_calls_of_several_projects_do_not_pass_either_budget(store: Store) -> None:
    budgets = [
        _money(store, 1.0, ProjectBudget(total_usd=0.4), name).budget() for name in ("a", "b", "c")
    ]

    async def call(budget: Budget) -> int:
        try:
            held = await budget.reserve(NANO // 20)
        except BudgetExhausted:
            return 0
        await budget.settle(held, NANO // 20)
        return 1

    made = await asyncio.gather(*(call(budget) for budget in budgets for _ in range(20)))
    by_project = [sum(made[i * 20 : (i + 1) * 20]) for i in range(3)]
    assert all(n <= 8 for n in by_project)
    assert sum(by_project) <= 20
    assert store.spending.spent(EVERYTHING)["total"] == sum(by_project) * NANO // 20


async def test_without_a_budget_of_its_own_a_project_is_counted_only(store: Store) -> None:
    budget = _money(store, None, ProjectBudget()).budget()
    assert not budget.is_hard
    assert await budget.reserve(NANO) is None
    await budget.settle(None, 7)
    assert store.spending.spent("project:east")["total"] == 7
    assert store.spending.spent(EVERYTHING)["total"] == 7


async def test_work_of_a_project_waits_for_its_money_and_goes_on(
    visitors: Visitors, service: Application
) -> None:
    visitors("east")
    service.projects.create("poor", ProjectBudget(total_usd=1e-9))
    poor, west = service.of("poor"), service.of("west")
    documents = [Document.of_text(text, id=text) for text in mood.texts(3, 0)]
    ids = [document.id for document in documents]
    for application in (poor, west):
        application.jobs.submit(documents, [mood.REF])
        assert await asyncio.to_thread(application.jobs.wait, ids, 60.0)
    assert _codes(poor, ids) == {"budget-exhausted"}
    assert _codes(west, ids) == {None}
    service.projects.limit("poor", ProjectBudget(total_usd=1.0))
    while _codes(poor, ids) != {None}:
        await asyncio.to_thread(poor.jobs.wait, ids, 60.0)
        await asyncio.sleep(0.2)


def _codes(application: Application, ids: list[str]) -> set[Any]:
    return {
        request.failure.code if request.failure else None
        for id in ids
        for request in application.store.documents.get(id).requests
    }
