"""Consensus finds what most good reviewers say, whatever the order and the names."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmlabel.errors import InvalidInput
from llmlabel.review.consensus import METHODS, Consensus, Method, Said, consensus


def crowd(seed: int = 3) -> tuple[list[Said], dict[str, str]]:
    """Three careful people, two who confuse a label on purpose, and three who toss coins."""
    draw = random.Random(seed)
    truth = {f"t{i:03}": draw.choice("abc") for i in range(120)}
    said = []
    for task, right in truth.items():
        for name in ("ann", "bea", "cy"):
            label = right if draw.random() < 0.85 else draw.choice("abc")
            said.append(Said(task, name, label))
        for name in ("dan", "eve"):
            said.append(Said(task, name, {"a": "b", "b": "a", "c": "c"}[right]))
        for name in ("fay", "gus", "hal"):
            said.append(Said(task, name, draw.choice("abc")))
    return said, truth


def right(found: Consensus, truth: dict[str, str]) -> float:
    return sum(truth[each.task] == each.label for each in found.agreed) / len(truth)


def test_dawid_skene_learns_what_people_confuse() -> None:
    said, truth = crowd()
    majority, learned = consensus(said, "majority"), consensus(said, "dawid_skene")
    assert right(majority, truth) < 0.8
    assert right(learned, truth) > 0.95, "who always swaps two labels tells as much as who does not"


def test_mace_finds_who_answers_without_looking() -> None:
    said, truth = crowd()
    said = [each for each in said if each.worker not in {"dan", "eve"}]
    found = consensus(said, "mace")
    assert right(found, truth) > right(consensus(said, "majority"), truth)
    best = sorted(found.workers, key=lambda name: -found.workers[name])[:3]
    assert sorted(best) == ["ann", "bea", "cy"]


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_the_answers_makes_no_difference(method: Method) -> None:
    said, _ = crowd()
    mixed = random.Random(1).sample(said, len(said))
    assert consensus(mixed, method) == consensus(said, method)


@pytest.mark.parametrize("method", METHODS)
def test_other_names_for_the_labels_change_nothing(method: Method) -> None:
    said, _ = crowd()
    names = {"a": "z", "b": "y", "c": "x"}
    renamed = consensus([each._replace(label=names[each.label]) for each in said], method)
    found = consensus(said, method)
    for one, other in zip(found.agreed, renamed.agreed, strict=True):
        if not one.tied:
            assert names[one.label] == other.label
        assert other.probability == pytest.approx(one.probability)
    assert renamed.workers == pytest.approx(found.workers)


@pytest.mark.parametrize("method", METHODS)
def test_what_all_say_is_the_consensus_and_everybody_is_right(method: Method) -> None:
    said = [Said(f"t{i}", name, "ab"[i % 2]) for i in range(6) for name in ("ann", "bea")]
    found = consensus(said, method)
    assert [each.label for each in found.agreed] == list("ababab")
    assert found.workers == pytest.approx({"ann": 1.0, "bea": 1.0}, abs=0.1)
    assert not any(each.tied for each in found.agreed)


@pytest.mark.parametrize("method", METHODS)
def test_one_label_alone_and_nothing_at_all_are_no_trouble(method: Method) -> None:
    [only] = consensus([Said("t", "ann", "a"), Said("t", "bea", "a")], method).agreed
    assert (only.label, only.probability, only.answers) == ("a", 1.0, 2)
    assert consensus([], method) == Consensus(method, (), {})


def test_a_tie_is_told_and_goes_to_the_rarer_label() -> None:
    said = [Said("t1", "ann", "a"), Said("t1", "bea", "b"), Said("t2", "ann", "a")]
    tied, clear = consensus(said, "majority").agreed
    assert (tied.label, tied.probability, tied.tied) == ("b", 0.5, ("b", "a"))
    assert (clear.label, clear.tied) == ("a", ())


def test_an_answer_that_is_repeated_counts_once() -> None:
    once = [Said("t", "ann", "a"), Said("t", "bea", "b"), Said("t", "cy", "b")]
    assert consensus([*once, once[0], once[0]], "majority") == consensus(once, "majority")


def test_who_contradicts_themselves_is_named() -> None:
    with pytest.raises(InvalidInput, match="`ann` labeled `t` twice: `a` and `b`"):
        consensus([Said("t", "ann", "a"), Said("t", "ann", "b")], "majority")


@settings(deadline=None, max_examples=9)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 8), st.integers(0, 4)), st.sampled_from("abc"), min_size=1
    ),
    st.sampled_from(METHODS),
)
def test_every_task_gets_a_label_that_somebody_gave(
    given_: dict[tuple[int, int], str], method: Method
) -> None:
    said = [Said(f"t{task}", f"w{worker}", label) for (task, worker), label in given_.items()]
    found = consensus(said, method)
    assert {each.task for each in found.agreed} == {each.task for each in said}
    assert {each.label for each in found.agreed} <= {each.label for each in said}
    assert all(0 < each.probability <= 1 for each in found.agreed)
    assert all(0 <= share <= 1 + 1e-9 for share in found.workers.values())


def test_no_deep_learning_library_is_loaded_and_nothing_before_it_is_asked_for() -> None:
    script = (
        "import sys\n"
        "from llmlabel.review.consensus import Said, consensus\n"
        "said = [Said('t', 'ann', 'a'), Said('t', 'bea', 'b')]\n"
        "consensus(said, 'majority')\n"
        "assert not {'crowdkit', 'pandas', 'nltk'} & set(sys.modules)\n"
        "consensus(said, 'dawid_skene')\n"
        "assert not {'transformers', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
