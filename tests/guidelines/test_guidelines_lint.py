from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llmlabel.cli.guidelines import app
from llmlabel.guidelines import GuidelineLibrary, from_labels
from llmlabel.guidelines.lint import lint_folder
from llmlabel.released import check_lock, lock_path, released_files, update_lock
from tests.guidelines.files import CHOICE, write

runner = CliRunner()


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _lint(folder: Path) -> str:
    return "\n".join(str(problem) for problem in lint_folder(folder, {"choice@1.0.0"}))


def test_a_complete_guideline_lints_clean(tmp_path: Path) -> None:
    write(tmp_path, CHOICE)
    assert _lint(tmp_path) == ""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("### `good`", "### `great`", "label `good` has no section"),
        ("label: bad", "label: good", "label `bad` has no example"),
        ("choice@1.0.0", "choice@9.0.0", "no prompt `choice@9.0.0`"),
        ("## Clauses", "## Rules", "no clauses"),
    ],
)
def test_what_an_annotator_would_miss_is_named(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    text = CHOICE.replace("    clause: MOOD-2\n", "").replace(old, new, 1)
    write(tmp_path, text)
    assert words in _lint(tmp_path)


def test_a_file_that_no_library_reads_is_named(tmp_path: Path) -> None:
    write(tmp_path, CHOICE)
    (tmp_path / "mood" / "draft.md").write_text("x")
    (tmp_path / "README.md").write_text("x")
    assert "draft.md: not read" in _lint(tmp_path)
    assert "README" not in _lint(tmp_path)


def test_a_released_file_may_not_change_or_go(tmp_path: Path) -> None:
    path = write(tmp_path, CHOICE)
    lock = lock_path(tmp_path, "guidelines")
    assert update_lock(lock, dict(released_files(tmp_path, ".md"))) == ["mood@1.0.0"]
    assert _lint(tmp_path) == ""
    path.write_text(CHOICE + "\n")
    assert "was released and has changed" in _lint(tmp_path)
    path.unlink()
    assert "its file is gone" in _lint(tmp_path)


def test_updating_the_lock_changes_no_entry(tmp_path: Path) -> None:
    path = write(tmp_path, CHOICE)
    lock = lock_path(tmp_path, "guidelines")
    update_lock(lock, dict(released_files(tmp_path, ".md")))
    before = json.loads(lock.read_text())
    path.write_text(CHOICE + "\n")
    write(tmp_path, CHOICE.replace("version: 1.0.0", "version: 1.1.0"), version="1.1.0")
    assert update_lock(lock, dict(released_files(tmp_path, ".md"))) == ["mood@1.1.0"]
    after = json.loads(lock.read_text())
    assert after["mood@1.0.0"] == before["mood@1.0.0"]
    assert check_lock(lock, dict(released_files(tmp_path, ".md")))


def test_a_lock_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path, CHOICE)
    lock_path(tmp_path, "guidelines").write_text("{oops")
    assert "not JSON" in _lint(tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        ["--label", "high", "--label", "low", "--label", "no: idea"],
        ["--kind", "spans", "-l", "PART"],
        ["--kind", "tokens", "-l", "A", "-l", "B"],
        ["--kind", "transcript"],
    ],
)
def test_a_new_guideline_lints_clean_and_names_the_next_command(
    workplace: Path, options: list[str]
) -> None:
    made = runner.invoke(app, ["new", "my-task", *options])
    assert made.exit_code == 0, made.output
    path = Path("guidelines/my-task/1.0.0.md")
    assert f"llmlabel guidelines lint {path}" in made.output
    checked = runner.invoke(app, ["lint", str(path)])
    assert checked.exit_code == 0, checked.output
    assert runner.invoke(app, ["lint"]).exit_code == 0


LABELED = [
    {"id": "1", "text": "My card is gone.", "label": "lost card"},
    {"id": "2", "text": "What does it cost?", "label": "yes"},
    {"id": "3", "text": "And abroad?", "label": "yes"},
]


def _labeled(workplace: Path, rows: list[dict[str, object]]) -> str:
    path = workplace / "labeled.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_a_guideline_of_a_labeled_file_asks_a_model_what_one_made_on_the_spot_asks(
    workplace: Path,
) -> None:
    file = _labeled(workplace, LABELED)
    made = runner.invoke(app, ["new", "calls", "--labels-from", file])
    assert made.exit_code == 0, made.output
    found = GuidelineLibrary([Path("guidelines")]).get("calls")
    on_the_spot = from_labels("calls", "choice", ["lost card", "yes"])
    assert found.labels == on_the_spot.labels
    assert found.question == on_the_spot.question
    assert found.examples == ()


def test_the_kind_of_a_new_guideline_is_that_of_the_labeled_file(workplace: Path) -> None:
    entities = [{"start": 0, "end": 4, "label": "BIRD"}]
    file = _labeled(workplace, [{"id": "1", "text": "Wren", "entities": entities}])
    assert runner.invoke(app, ["new", "birds", "--labels-from", file, "-l", "TREE"]).exit_code == 0
    found = GuidelineLibrary([Path("guidelines")]).get("birds")
    assert (found.kind, found.label_names) == ("spans", ("TREE", "BIRD"))
    other = runner.invoke(app, ["new", "b", "--labels-from", file, "--kind", "choice"])
    assert "holds spans" in str(other.exception)


def test_new_names_a_labeled_file_that_is_not_there(workplace: Path) -> None:
    made = runner.invoke(app, ["new", "t", "--labels-from", "nowhere.jsonl"])
    assert "There is no file nowhere.jsonl" in str(made.exception)


def test_new_never_overwrites(workplace: Path) -> None:
    runner.invoke(app, ["new", "t", "-l", "a", "-l", "b"])
    again = runner.invoke(app, ["new", "t", "-l", "c", "-l", "d"])
    assert again.exit_code != 0
    assert "guidelines new t@1.1.0" in str(again.exception)
    assert "`c`" not in Path("guidelines/t/1.0.0.md").read_text()


@pytest.mark.parametrize(
    "arguments", [["T!", "-l", "a", "-l", "b"], ["t", "-l", "a"], ["t", "--kind", "poem"]]
)
def test_new_refuses_what_could_not_be_read(workplace: Path, arguments: list[str]) -> None:
    assert runner.invoke(app, ["new", *arguments]).exit_code != 0
    assert not Path("guidelines").exists()


def test_lint_ends_with_one_when_something_is_to_mend(workplace: Path) -> None:
    write(workplace / "guidelines", CHOICE.replace("label: bad", "label: badd"))
    write(workplace / "guidelines", CHOICE.replace("name: mood", "name: other"), "other")
    result = runner.invoke(app, ["lint"])
    assert result.exit_code == 1
    assert "Did you mean `bad`?" in result.output
    assert "2 files checked, 1 to mend" in result.output


def test_update_releases_drafts(workplace: Path) -> None:
    write(workplace / "guidelines", CHOICE)
    assert "draft: mood@1.0.0" in runner.invoke(app, ["lint"]).output
    assert "released: mood@1.0.0" in runner.invoke(app, ["lint", "--update"]).output
    assert "draft" not in runner.invoke(app, ["lint"]).output


def test_the_list_shows_what_is_broken_beside_the_rest(workplace: Path) -> None:
    write(workplace / "guidelines", CHOICE)
    write(workplace / "guidelines", "nothing", "broken")
    result = runner.invoke(app, ["list"])
    assert "mood@1.0.0" in result.output
    assert "starts with a line `---`" in result.output


def test_show_gives_the_words_or_json(workplace: Path) -> None:
    write(workplace / "guidelines", CHOICE)
    assert "Which mood is the writer in?" in runner.invoke(app, ["show", "mood"]).output
    shown = json.loads(runner.invoke(app, ["show", "mood@1.0.0", "--json"]).output)
    assert shown["labels"][0]["name"] == "good"
