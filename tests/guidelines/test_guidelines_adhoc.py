from __future__ import annotations

from pathlib import Path

import pytest

from llmlabel.domain.guideline import Example
from llmlabel.errors import InvalidInput
from llmlabel.guidelines import from_labels
from llmlabel.guidelines.adhoc import humanised
from llmlabel.guidelines.file import read_guideline
from tests.guidelines.files import CHOICE, SPANS, write


def test_labels_alone_make_a_guideline() -> None:
    made = from_labels("cards", "choice", ["card_arrival", "lostCard", "card_arrival"])
    assert made.label_names == ("card_arrival", "lostCard")
    assert [label.definition for label in made.labels] == ["card arrival", "lost card"]
    assert made.prompt == "choice@1.0.0"
    assert made.ref == "cards@0.0.0"


def test_a_base_is_restricted_to_the_labels_offered(tmp_path: Path) -> None:
    mood = read_guideline(write(tmp_path, CHOICE))
    made = from_labels("mood", "choice", ["Good", "other"], base=mood)
    assert made.label_names == ("Good", "other")
    assert made.labels[0].definition == "glad or content"
    assert made.labels[1].definition == "other"
    assert [(each.id, each.label) for each in made.examples] == [("a", "Good")]
    assert made.question == mood.question
    assert made.policy == mood.policy


def test_spans_of_labels_not_offered_leave_the_examples(tmp_path: Path) -> None:
    birds = read_guideline(write(tmp_path, SPANS, "birds"))
    made = from_labels("eggs", "spans", ["EGG"], base=birds)
    assert [each.spans for each in made.examples] == [(), ()]


def test_examples_given_replace_those_of_the_base(tmp_path: Path) -> None:
    mood = read_guideline(write(tmp_path, CHOICE))
    own = Example(id="x", text="Hooray", label="good")
    assert from_labels("m", "choice", ["good", "bad"], mood, [own]).examples == (own,)


def test_the_hash_tells_two_guidelines_apart_and_is_the_same_for_the_same() -> None:
    one = from_labels("t", "choice", ["a", "b"])
    assert one.sha256 == from_labels("t", "choice", ["a", "b"]).sha256
    assert one.sha256 != from_labels("t", "choice", ["b", "a"]).sha256
    assert len(one.sha256) == 64


@pytest.mark.parametrize("labels", [[], ["one"], ["same", "same"], ["a", " "]])
def test_what_is_no_choice_is_refused(labels: list[str]) -> None:
    with pytest.raises(InvalidInput):
        from_labels("t", "choice", labels)


def test_a_base_of_another_kind_is_refused(tmp_path: Path) -> None:
    mood = read_guideline(write(tmp_path, CHOICE))
    with pytest.raises(InvalidInput, match="of kind choice, not spans"):
        from_labels("t", "spans", ["a"], base=mood)


@pytest.mark.parametrize(
    ("label", "words"),
    [("card_arrival", "card arrival"), ("BookFlight", "book flight"), ("PERSON", "PERSON")],
)
def test_a_label_is_put_in_words(label: str, words: str) -> None:
    assert humanised(label) == words
