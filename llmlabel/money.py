"""What a project may spend on remote models, and what it spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llmlabel.domain.project import DEFAULT_PROJECT, ProjectBudget
from llmlabel.llm.budget import EVERYTHING, Budget, Full, Ledger, Spent, dollars, spent
from llmlabel.llm.prices import nano
from llmlabel.providers import ceilings
from llmlabel.settings import Settings
from llmlabel.store.spending import Spending


class Money:
    """The budget of a project, which is a part of the whole service's.

    The default project has no other budget than the service's. Everything is counted in the
    default project's database, so that all projects together cannot pass what the service may.

    Args:
        settings: Of the whole service's budget.
        project: Whose money.
        budget: What the project may spend, as it is stored with it now.
        spending: Gives the counters; None where there is no database.
    """

    def __init__(
        self,
        settings: Settings,
        project: str,
        budget: Callable[[], ProjectBudget],
        spending: Callable[[], Spending | None],
    ) -> None:
        self._settings = settings
        self._project = project
        self._budget = budget
        self._spending = spending
        self._scope = scope_of(project)

    def budget(self) -> Budget:
        """What is asked before a call for the project, and told what it cost."""

        def ledger() -> Ledger | None:
            return self._spending()

        whole = ceilings(self._settings)
        if self._project == DEFAULT_PROJECT:
            return Budget(ledger, whole)
        return Budget(
            ledger,
            self._ceilings,
            self._scope,
            above=Budget(ledger, whole, explain=_whole_exhausted),
            explain=self._exhausted,
        )

    def has_room(self) -> bool:
        """Whether the budget would let the call pass that it refused last."""
        spending = self._spending()
        if spending is None:
            return True
        if not spending.has_room(EVERYTHING, ceilings(self._settings)):
            return False
        return self._project == DEFAULT_PROJECT or spending.has_room(self._scope, self._ceilings())

    def spent(self) -> list[Spent]:
        """What was spent in all, this month and today, and what may be.

        Of the default project: by the whole service.
        """
        spending = self._spending()
        whole = self._project == DEFAULT_PROJECT
        may = ceilings(self._settings) if whole else self._ceilings()
        return spent(spending.spent(self._scope) if spending is not None else {}, may)

    def _ceilings(self) -> Mapping[str, int]:
        budget = self._budget()
        given = {"total": budget.total_usd, "month": budget.month_usd, "day": budget.day_usd}
        return {kind: nano(usd) for kind, usd in given.items() if usd is not None}

    def _exhausted(self, full: Full, nano: int) -> str:
        when = {"total": "in total", "month": "this month", "day": "today"}[full.kind]
        return (
            f"The budget of the project `{self._project}` is exhausted: {dollars(full.spent)} of "
            f"{dollars(full.ceiling)} are spent or set aside {when}, and the next call may cost up "
            f"to {dollars(nano)}. Raise it with `llmlabel projects budget {self._project}`"
            f"{'' if full.kind == 'total' else ', or wait for the next ' + full.kind}; what waits "
            "goes on by itself."
        )


def scope_of(project: str) -> str:
    """Under which name a project's money is counted."""
    return EVERYTHING if project == DEFAULT_PROJECT else f"project:{project}"


def _whole_exhausted(full: Full, nano: int) -> str:
    # How much others spent is not for one project to know.
    return (
        "The budget of the whole service is exhausted; ask who runs it to raise "
        "LLMLABEL_BUDGET_USD or its like, or wait for the next period. What waits goes on by "
        "itself."
    )
