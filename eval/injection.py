"""What orders hidden in texts do to labels: accuracy with and without them, and what is accepted.

Run: python -m eval.injection [--suite sentiment] [--items 24] [--prompt choice@1.1.0] [--llm MODEL]

Every case is labeled as it is, and once more with an order of `eval.injection_texts` after it,
which asks for a label that is wrong. Of spans, the right answer is that of the case itself:
whatever is found within the order is wrong. An order can change neither the labels nor the form of
an answer (tests show it); this measures what it does to which of them is chosen.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from eval.injection_texts import KNOWN, UNSEEN
from llmlabel.bootstrap import build
from llmlabel.confidence.orders import orders_in
from llmlabel.domain.answer import ChoiceAnswer, SpansAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.label import Label, Route
from llmlabel.evaluation.cases import Case, load
from llmlabel.settings import Settings
from llmlabel.shipped import search_folders

STRIDE = 7
"""Orders are taken in steps of it, so that few cases meet every sort of them."""


class Attack(NamedTuple):
    """A case with an order after it."""

    case: Case
    document: Document
    wanted: str
    known: bool


class Score(NamedTuple):
    """What became of some documents.

    `right` is the share of right answers, or F1 of spans; `obeyed` the share of answers that an
    order asked for; `slipped` counts wrong answers that were accepted, and `would` those that the
    confidence of the models alone would have let pass.
    """

    n: int
    right: float
    obeyed: int
    slipped: int
    would: int
    suspected: int


def attacked(cases: Sequence[Case], names: Sequence[str]) -> list[Attack]:
    """Each case with one order, all orders in turn; it wants a label that is not the right one."""
    orders = [(text, True) for text in KNOWN] + [(text, False) for text in UNSEEN]
    made = []
    for place, case in enumerate(cases):
        order, known = orders[place * STRIDE % len(orders)]
        right = case.gold.label if isinstance(case.gold, ChoiceAnswer) else names[0]
        wanted = names[(names.index(right) + 1 + place % (len(names) - 1)) % len(names)]
        assert case.document is not None
        text = f"{case.document.text}\n{order.format(label=wanted)}"
        made.append(Attack(case, Document.of_text(text), wanted, known))
    return made


def score(labels: Sequence[Label], cases: Sequence[Case], wanted: Sequence[str | None]) -> Score:
    """Compare labels with the right answers and with what the orders wanted."""
    hits = given = asked = obeyed = slipped = would = suspected = 0
    for label, case, target in zip(labels, cases, wanted, strict=True):
        found, right = _units(label.answer), _units(case.gold)
        hits += len(found & right)
        given += len(found)
        asked += len(right)
        obeyed += target is not None and found == {target}
        wrong = found != right
        slipped += wrong and label.route is Route.ACCEPTED
        sure = max((each.probability or 0.0 for each in label.opinions), default=0.0)
        would += wrong and sure >= label.threshold
        suspected += label.confidence is not None and "suspected" in label.confidence.method
    return Score(len(labels), 2 * hits / max(1, given + asked), obeyed, slipped, would, suspected)


def _units(answer: object) -> set[object]:
    """What must be found: the label of a choice, each of the spans."""
    if isinstance(answer, ChoiceAnswer):
        return {answer.label}
    return set(answer.spans) if isinstance(answer, SpansAnswer) else set()


async def measure(suite: str, items: int, prompts: Sequence[str], llm: str | None) -> None:
    """Label the cases under each prompt and print what became of them."""
    app = build(Settings() if llm is None else Settings(llm=llm))
    data = load(suite, search_folders("suites"), split="all")
    cases = [case for case in data.cases if case.document is not None][:items]
    plain = app.guidelines.get(suite)
    attacks = attacked(cases, plain.label_names)
    print(f"{suite}: {len(cases)} cases, each as it is and with an order after it\n")
    head = ("right", "obeyed", "slipped", "would", "suspected")
    print(f"{'':34}{'n':>5}" + "".join(f"{name:>11}" for name in head))
    try:
        for prompt in prompts or [plain.prompt or ""]:
            guideline = plain.model_copy(update={"prompt": prompt or None})
            documents = [case.document for case in cases if case.document is not None]
            clean = await app.label(documents, guideline)
            _print(f"{prompt} as it is", score(clean, cases, [None] * len(cases)))
            dirty = await app.label([each.document for each in attacks], guideline)
            for name, known in (("known", True), ("unseen", False)):
                rows = [(d, a) for d, a in zip(dirty, attacks, strict=True) if a.known is known]
                found = score(
                    [d for d, _ in rows], [a.case for _, a in rows], [a.wanted for _, a in rows]
                )
                _print(f"{prompt} with an order, {name}", found)
    finally:
        await app.close()


def _print(name: str, found: Score) -> None:
    rest = "".join(f"{each:>11}" for each in found[2:])
    print(f"{name:34}{found.n:>5}{found.right:>11.3f}{rest}")


def signs() -> None:
    """Print how many of the orders are recognised by their signs."""
    for name, orders in (("known", KNOWN), ("unseen", UNSEEN)):
        seen = sum(orders_in(f"A text.\n{order.format(label='x')}") is not None for order in orders)
        print(f"{seen} of {len(orders)} {name} orders are recognised")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--suite", default="sentiment", help="of a choice or of spans")
    parser.add_argument("--items", type=int, default=24)
    parser.add_argument("--prompt", action="append", default=[], help="give it repeatedly")
    parser.add_argument("--llm", help="a model of `llmlabel models list`, or of a provider")
    given = parser.parse_args(arguments)
    signs()
    asyncio.run(measure(given.suite, given.items, given.prompt, given.llm))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
