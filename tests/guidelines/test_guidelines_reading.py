from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.errors import InvalidGuideline
from llmlabel.guidelines.file import parse_guideline, read_guideline
from tests.guidelines.files import CHOICE, SPANS, write


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = write(tmp_path, CHOICE)
    mood = read_guideline(path)
    assert mood.ref == "mood@1.0.0"
    assert mood.label_names == ("good", "bad")
    assert mood.policy.threshold == 0.75
    assert [step.name for step in mood.labelers] == ["llm"]
    assert [(each.id, each.label, each.clause) for each in mood.examples] == [
        ("a", "good", "MOOD-2"),
        ("b", "bad", None),
    ]
    assert mood.body.startswith("# Mood")
    assert mood.sha256 == sha256(path.read_bytes()).hexdigest()


def test_clauses_are_those_of_their_section_and_go_on_over_lines(tmp_path: Path) -> None:
    clauses = read_guideline(write(tmp_path, CHOICE)).clauses
    assert [clause.id for clause in clauses] == ["MOOD-1", "MOOD-2"]
    assert clauses[0].text == "Irony counts as what is meant."


def test_quotes_become_offsets_in_code_points_in_order(tmp_path: Path) -> None:
    birds = read_guideline(write(tmp_path, SPANS, "birds"))
    example = birds.examples[0]
    assert example.spans is not None
    assert [(span.start, example.text[span.start : span.end]) for span in example.spans] == [
        (2, "wren"),
        (21, "wren"),
        (37, "finch"),
    ]
    assert birds.examples[1].spans == ()
    assert birds.labels[0].spacy == ("ANIMAL",)


def test_a_word_is_found_before_a_part_of_a_word(tmp_path: Path) -> None:
    start, end = SPANS.index("    text: A wren"), SPANS.index("  - id: b")
    text = (
        f"{SPANS[:start]}    text: Wrens and wrens saw a wren, unwrenlike.\n"
        f"    spans: [{{quote: wren, label: BIRD}}]\n{SPANS[end:]}"
    )
    example = read_guideline(write(tmp_path, text, "birds")).examples[0]
    assert example.spans is not None
    assert [example.text[span.start - 2 : span.end + 1] for span in example.spans] == ["a wren,"]


def test_windows_line_ends_are_read_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, CHOICE)
    plain = read_guideline(path)
    path.write_bytes(CHOICE.replace("\n", "\r\n").encode())
    assert read_guideline(path).model_copy(update={"sha256": plain.sha256}) == plain


def test_labels_may_be_words_that_yaml_takes_for_flags(tmp_path: Path) -> None:
    text = CHOICE.replace("good", "yes").replace("bad", "no")
    assert read_guideline(write(tmp_path, text)).label_names == ("yes", "no")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("title: Mood", "title: [Mood", 6, "not YAML"),
        ("title: Mood", "title: a: b", 5, "in quotes"),
        ("title: Mood\n", "title: Mood\ntitle: Mud\n", 6, "given twice"),
        ("title: Mood", "titel: Mood", 5, "Did you mean `title`?"),
        ("threshold: 0.75", "treshold: 0.75", 16, "Did you mean `threshold`?"),
        ("threshold: 0.75", "threshold: 1.75", 16, "less than or equal to 1"),
        ("threshold: 0.75", "threshold: high", 16, "`policy.threshold`"),
        ("question: Which mood is the writer in?\n", "", None, "`question` is missing"),
        ("kind: choice", "kind: choose", 4, "`choice`"),
        ("version: 1.0.0", "version: 1.0", 3, "three numbers such as 1.0.0"),
        ("version: 1.0.0", "version: 1.0.1", 3, "the file 1.0.0.md"),
        ("name: mood", "name: mud", 2, "the folder `mood`"),
        ("prompt: choice@1.0.0", "prompt: choice", 14, "name@version"),
        ("prompt: choice@1.0.0\n", "", 13, "prompt: choice@1.0.0"),
        ("  - name: llm", "  - name: spacy", 13, "cannot label kind choice"),
        ("  - name: llm", "  - name: llama", 13, "`llm`"),
        ("  - name: llm\n", "  - {name: llm, when: doubtful}\n", 13, "when: always"),
        ("  - name: bad", "  - name: good", 10, "given twice"),
        ("    definition: sad or cross\n", "", 10, "`labels[2].definition` is missing"),
        ("    definition: sad or cross", "    definition: ' '", 10, "no definition"),
        ("    label: good\n", "    label: god\n", 20, "Did you mean `good`?"),
        ("  - id: b", "  - id: a", 18, "used more than once"),
        ("    clause: MOOD-2", "    clause: MOOD-9", 21, "does not define"),
        ("    label: bad", "    spans: []", 22, "has `label` and no `spans`"),
        ("- **MOOD-2**: An", "- **MOOD-1**: An", 43, "MOOD-1 is defined twice"),
        ("- **MOOD-2**: An", "- MOOD-2: An", 43, "`- **NAME-1**: what to do`"),
        ("---\nname", "--\nname", 1, "starts with a line `---`"),
        ("---\n\n# Mood", "\n# Mood", 1, "has no end"),
        ("text: Rain again.", 'text: "\\0"', 23, "NUL"),
        ("label: bad\n---", "label: &x bad\n    clause: *x\n---", 24, "anchors and aliases"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_remedy(
    tmp_path: Path, old: str, new: str, line: int | None, words: str
) -> None:
    assert old in CHOICE
    path = write(tmp_path, CHOICE.replace(old, new, 1))
    with pytest.raises(InvalidGuideline) as caught:
        read_guideline(path)
    first = caught.value.detail.split("\n")
    where = f"{path}:{line}: " if line else str(path)
    assert any(part.startswith(where) and words in part for part in first), caught.value.detail


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("quote: finch", "quote: robin", "is not in its text"),
        (", occurrence: 2}", "}", "occurs 2 times"),
        ("occurrence: 2", "occurrence: 3", "occurs only 2 times"),
        ("occurrence: 2", "occurrence: 1", "overlaps 'wren'"),
        ("{quote: finch, label: BIRD}", "{quote: finch, label: BRID}", "Did you mean `BIRD`?"),
        ("{quote: finch, label: BIRD}", "{qoute: finch, label: BIRD}", "Did you mean `quote`?"),
        ("    spans: []", "    label: BIRD", "`[]` for none"),
    ],
)
def test_a_quote_that_cannot_be_placed_is_never_guessed(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert old in SPANS
    path = write(tmp_path, SPANS.replace(old, new, 1), "birds")
    with pytest.raises(InvalidGuideline, match=r"1\.0\.0\.md:\d+: ") as caught:
        read_guideline(path)
    assert words in caught.value.detail


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = CHOICE.replace("label: good", "label: god").replace("  - id: b", "  - id: a")
    with pytest.raises(InvalidGuideline) as caught:
        read_guideline(write(tmp_path, text))
    assert "`god`" in caught.value.detail
    assert "more than once" in caught.value.detail


def test_one_spacy_label_has_one_meaning(tmp_path: Path) -> None:
    more = "    spacy: [ANIMAL]\n  - {name: EGG, definition: an egg, spacy: [ANIMAL]}"
    text = SPANS.replace("    spacy: [ANIMAL]", more)
    with pytest.raises(InvalidGuideline, match="ANIMAL maps to `BIRD` and `EGG`"):
        read_guideline(write(tmp_path, text, "birds"))


def test_a_file_that_is_not_utf8_says_where(tmp_path: Path) -> None:
    path = write(tmp_path, CHOICE)
    path.write_bytes(CHOICE.replace("Glad.", "Gl\xe4d.").encode("latin-1"))
    with pytest.raises(InvalidGuideline, match=r"1\.0\.0\.md:33: not UTF-8"):
        read_guideline(path)


@given(
    st.integers(0, len(CHOICE)),
    st.integers(0, 40),
    st.text(max_size=8)
    | st.sampled_from(["&a", "*a", "[", "{", "- ", ": ", "!!set", "---\n", "? "]),
)
def test_any_damage_gives_a_guideline_or_says_what_is_wrong(at: int, cut: int, put: str) -> None:
    damaged = CHOICE[:at] + put + CHOICE[at + cut :]
    guideline, findings = parse_guideline(damaged, "0" * 64, "mood", "1.0.0")
    assert (guideline is None) == bool(findings)


def test_a_file_nested_without_end_is_refused() -> None:
    text = CHOICE.replace("title: Mood", f"title: {'[' * 5000}")
    guideline, findings = parse_guideline(text, "0" * 64, "mood", "1.0.0")
    assert guideline is None
    assert "nested too deep" in findings[0][1]
