"""One answer of many people's, and how good each of them seems to be: majority, Dawid-Skene, MACE.

For labels of a choice. Nobody's answer is known to be right: people are judged by each other.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from llmlabel.errors import InvalidInput

Method = Literal["majority", "dawid_skene", "mace"]
METHODS: tuple[Method, ...] = get_args(Method)

Votes = Mapping[str, Mapping[str, float]]

_TIE = 1e-9
_DAWID_SKENE_STEPS = 100


class Said(NamedTuple):
    """What one person says of one thing."""

    task: str
    worker: str
    label: str


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the people are taken to say together of one thing.

    Attributes:
        task: The thing.
        label: The most probable one; of several, the one that is given less often in all, which
            is the stronger sign; then by name.
        probability: Of the label: of a majority its share of the votes, else the model's.
        answers: How many people answered.
        tied: Every label as probable as this one, itself included, where there are several: the
            choice between them is little better than a coin.
    """

    task: str
    label: str
    probability: float
    answers: int
    tied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Consensus:
    """What many people say together.

    Attributes:
        method: How it was found.
        agreed: One per thing, in the order of their names.
        workers: By name, the expected share of a person's answers that equal the consensus: an
            estimate, and a kind one where few others answered the same things.
    """

    method: Method
    agreed: tuple[Agreed, ...]
    workers: dict[str, float]


def consensus(answers: Iterable[Said], method: Method = "dawid_skene") -> Consensus:
    """Find one label for each thing that people labeled.

    `majority` weighs everybody alike. `dawid_skene` learns what each person confuses, which
    takes some tens of answers of each. `mace` learns who answers without looking. The order
    of the answers makes no difference, and the same answers give the same result again.

    Args:
        answers: Of each person on each thing one; people may leave things out.
        method: How to weigh them.

    Raises:
        InvalidInput: A person labeled a thing twice, differently; names both.

    Source: Dawid and Skene 1979, "Maximum likelihood estimation of observer error-rates using
    the EM algorithm"; Hovy et al. 2013, "Learning whom to trust with MACE". Both as crowd-kit
    implements them.
    """
    said = sorted(_once(answers))
    labels = {each.label for each in said}
    if method == "majority" or len(labels) < 2:
        votes = _majority(said)
    else:
        votes = _modelled(said, {"dawid_skene": _dawid_skene, "mace": _mace}[method])
    counts, common = Counter(each.task for each in said), Counter(each.label for each in said)
    agreed = tuple(_agreed(task, votes[task], counts[task], common) for task in sorted(votes))
    right: defaultdict[str, list[float]] = defaultdict(list)
    for each in said:
        right[each.worker].append(votes[each.task].get(each.label, 0.0))
    workers = {name: sum(shares) / len(shares) for name, shares in sorted(right.items())}
    return Consensus(method=method, agreed=agreed, workers=workers)


def _once(answers: Iterable[Said]) -> list[Said]:
    first: dict[tuple[str, str], Said] = {}
    for each in answers:
        before = first.setdefault((each.task, each.worker), each)
        if before.label != each.label:
            raise InvalidInput(
                f"`{each.worker}` labeled `{each.task}` twice: `{before.label}` and "
                f"`{each.label}`; keep one.",
                field="label",
            )
    return list(first.values())


def _majority(said: Sequence[Said]) -> Votes:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in said:
        counts[each.task][each.label] += 1
    return {
        task: {label: n / given.total() for label, n in given.items()}
        for task, given in counts.items()
    }


def _modelled(said: Sequence[Said], fit: Callable[[Any], Any]) -> Votes:
    """The probabilities of a model of crowd-kit.

    It is given numbers in the order in which they first occur: MACE numbers people and labels so,
    but reads its own tables in sorted order, and with names the two differ.
    """
    import pandas as pd  # noqa: PLC0415

    columns = {
        name: pd.factorize(pd.Index(values, dtype=object))
        for name, values in zip(Said._fields, zip(*said, strict=True), strict=True)
    }
    frame = pd.DataFrame({name: codes for name, (codes, _) in columns.items()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, on how crowd-kit calls it
        table = fit(frame)
    tasks, labels = columns["task"][1], columns["label"][1]
    return {
        str(tasks[row]): {
            str(labels[column]): float(value)
            for column, value in zip(table.columns, values, strict=True)
        }
        for row, values in zip(table.index, table.to_numpy(), strict=True)
    }


def _dawid_skene(frame: Any) -> Any:
    from crowdkit.aggregation import DawidSkene  # noqa: PLC0415

    return DawidSkene(n_iter=_DAWID_SKENE_STEPS).fit_predict_proba(frame)


def _mace(frame: Any) -> Any:
    from crowdkit.aggregation import MACE  # noqa: PLC0415

    # Every restart would begin with the same random numbers, so one is as good as ten.
    return MACE(n_restarts=1, random_state=0).fit_predict_proba(frame)


def _agreed(
    task: str, votes: Mapping[str, float], answers: int, common: Mapping[str, int]
) -> Agreed:
    best = max(votes.values())
    tied = tuple(
        sorted(
            (label for label, value in votes.items() if value >= best - _TIE),
            key=lambda label: (common[label], label),
        )
    )
    return Agreed(
        task=task,
        label=tied[0],
        probability=min(best, 1.0),
        answers=answers,
        tied=tied if len(tied) > 1 else (),
    )
