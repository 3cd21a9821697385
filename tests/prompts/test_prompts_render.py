from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.domain.guideline import Example
from llmlabel.errors import InvalidPrompt
from llmlabel.prompts import PromptLibrary, PromptTemplate, shown_examples
from llmlabel.prompts.worked import NOTHING, turns
from llmlabel.released import Ref
from llmlabel.shipped import shipped_folder
from tests.prompts.test_prompts_fence import hostile
from tests.prompts.test_prompts_golden import BIRDS, MANY, MOOD, PROMPTS, TAGS

SOUND = """\
{% block system %}{{ guideline.question }}{% endblock %}
{% block document %}{{ document }}{% endblock %}
{% block answer %}{{ answer }}{% endblock %}
"""


def _template(text: str, name: str = "choice") -> PromptTemplate:
    return PromptTemplate(Ref(name, "1.0.0"), Path("prompts/p/1.0.0.jinja"), text.encode())


@given(hostile, st.sampled_from(["choice", "spans", "tokens", "verify"]))
def test_no_text_adds_a_turn_or_ends_its_fence(text: str, name: str) -> None:
    guideline = {"choice": MOOD, "tokens": TAGS}.get(name, BIRDS)
    template = PROMPTS.get(name)
    mark = (0, len(text)) if name in ("tokens", "verify") else None
    plain = template.render(guideline, "plain", mark=mark and (0, 5)).messages
    prompt = template.render(guideline, text, mark=mark).messages
    assert prompt[:-1] == plain[:-1]
    assert len(prompt) == len(plain)
    assert prompt[-1].role == "user"
    assert prompt[-1].content.lower().count("<text>") == 1
    assert prompt[-1].content.lower().count("</text>") == 1


def test_examples_are_turns_between_the_instructions_and_the_document() -> None:
    messages = PROMPTS.get("choice@1.0.0").render(MOOD, "Now?").messages
    assert [message.role for message in messages] == [
        *("system", "user", "assistant", "user", "assistant", "user")
    ]
    assert messages[2].content == "good"
    assert messages[-1].content == "<text>Now?</text>"


def test_labels_not_offered_are_neither_listed_nor_shown() -> None:
    messages = PROMPTS.get("choice").render(MOOD, "Now?", labels=["good"]).messages
    assert len(messages) == 4
    assert not any("not_so_good" in message.content for message in messages)


def test_a_template_may_use_names_of_its_own_when_they_are_given() -> None:
    template = _template(SOUND.replace("{{ document }}", "{{ hint }}: {{ document }}"))
    assert template.render(MOOD, "x", hint="Look").messages[-1].content == "Look: <text>x</text>"
    with pytest.raises(InvalidPrompt, match=r"1\.0\.0\.jinja:2: `hint` is not defined"):
        template.render(MOOD, "x")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{{ document }}", "{{ documnet }}", ":2: `documnet` is not defined. Did you mean"),
        ("{{ answer }}", "{% if false %}{{ nobody }}{% endif %}", ":3: `nobody`"),
        ("guideline.question", "guideline.questoin", ":1: in block `system`"),
        ("{{ answer }}", "{% if %}", ":3: "),
        ("{% block answer %}{{ answer }}{% endblock %}", "", "block `answer` is missing"),
        ("{{ answer }}", "{{ ''.__class__.__mro__ }}", ":3: in block `answer`"),
        ("{{ answer }}", "{% include 'x' %}", ":3: in block `answer`"),
        ("{{ answer }}", "{{ 1 / 0 }}", "ZeroDivisionError"),
    ],
)
def test_a_broken_template_names_file_line_and_remedy(old: str, new: str, words: str) -> None:
    assert old in SOUND
    with pytest.raises(InvalidPrompt) as caught:
        _template(SOUND.replace(old, new)).render(MOOD, "x")
    assert caught.value.detail.startswith("prompts/p/1.0.0.jinja")
    assert words in caught.value.detail


def test_an_unknown_prompt_says_what_there_is() -> None:
    with pytest.raises(InvalidPrompt, match=r"Did you mean `choice@1\.0\.0`"):
        PROMPTS.get("choise@1.0.0")
    with pytest.raises(InvalidPrompt, match=r"`name@1\.0\.0`"):
        PROMPTS.get("../choice")


def test_a_bare_name_means_the_latest_of_the_first_folder(tmp_path: Path) -> None:
    for version in ("1.9.0", "1.10.0"):
        path = tmp_path / "choice" / f"{version}.jinja"
        path.parent.mkdir(exist_ok=True)
        path.write_text(SOUND)
    library = PromptLibrary([tmp_path, shipped_folder("prompts")])
    assert library.get("choice").ref == "choice@1.10.0"
    assert library.get("choice@1.0.0").path.is_relative_to(shipped_folder("prompts"))


def test_a_limit_keeps_the_labels_in_balance() -> None:
    examples = [Example(id=f"g{n}", text="x", label="good") for n in range(5)]
    examples += [Example(id=f"n{n}", text="x", label="not_so_good") for n in range(2)]
    many = MOOD.model_copy(update={"examples": tuple(examples)})
    assert [each.id for each in shown_examples(many, limit=4)] == ["g0", "g1", "n0", "n1"]
    assert [each.id for each in shown_examples(many, limit=5)] == ["g0", "g1", "g2", "n0", "n1"]
    assert shown_examples(many, limit=0) == ()
    assert {each.label for each in shown_examples(many, ["good"])} == {"good"}


def test_verify_shows_every_span_and_one_word_that_is_none() -> None:
    shown = [
        (t.text[t.mark[0] : t.mark[1]], t.answer) for t in turns("verify", BIRDS.examples) if t.mark
    ]
    assert shown == [("wren", "BIRD"), ("Łódź", "PLACE"), ("Ann", NOTHING), ("Nothing", NOTHING)]


def test_many_labels_are_listed_without_definitions() -> None:
    system = PROMPTS.get("choice").render(MANY, "x").messages[0].content
    assert "label_0, label_1," in system
    assert "definition" not in system
