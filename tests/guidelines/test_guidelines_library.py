from __future__ import annotations

from pathlib import Path

import pytest

from llmlabel.errors import InvalidGuideline, UnknownGuideline
from llmlabel.guidelines import GuidelineLibrary
from tests.guidelines.files import CHOICE, write


def _version(version: str, title: str = "Mood") -> str:
    return CHOICE.replace("version: 1.0.0", f"version: {version}").replace(
        "title: Mood", f"title: {title}"
    )


def test_a_bare_name_means_the_latest_version_by_number(tmp_path: Path) -> None:
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        write(tmp_path, _version(version), version=version)
    library = GuidelineLibrary([tmp_path])
    assert library.get("mood").version == "1.10.0"
    assert library.get("mood@1.2.0").version == "1.2.0"
    assert [each.version for each in library.list()] == ["1.2.0", "1.9.0", "1.10.0"]


def test_the_first_folder_wins(tmp_path: Path) -> None:
    write(tmp_path / "own", _version("1.0.0", "Mine"))
    write(tmp_path / "shipped", _version("1.0.0", "Theirs"))
    write(tmp_path / "shipped", _version("2.0.0", "Theirs"), version="2.0.0")
    library = GuidelineLibrary([tmp_path / "own", tmp_path / "shipped"])
    assert library.get("mood@1.0.0").title == "Mine"
    assert library.get("mood").title == "Mine"
    assert library.get("mood@2.0.0").title == "Theirs"


def test_a_broken_file_hides_no_other(tmp_path: Path) -> None:
    write(tmp_path, CHOICE)
    write(tmp_path, "nothing", "broken")
    library = GuidelineLibrary([tmp_path])
    assert library.get("mood").ref == "mood@1.0.0"
    assert [each.ref for each in library.list()] == ["mood@1.0.0"]
    assert [problem.path.parent.name for problem in library.broken()] == ["broken"]
    with pytest.raises(InvalidGuideline, match="broken"):
        library.get("broken")


def test_a_broken_latest_version_is_an_error_and_not_the_one_before(tmp_path: Path) -> None:
    write(tmp_path, CHOICE)
    write(tmp_path, "nothing", version="1.1.0")
    with pytest.raises(InvalidGuideline):
        GuidelineLibrary([tmp_path]).get("mood")


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("mod", "Did you mean `mood`"),
        ("zzz", "There are: mood"),
        ("mood@7.0.0", "no version 7.0.0; it has 1.0.0"),
        ("mood@latest", "`name@1.0.0`"),
        ("../mood", "`name@1.0.0`"),
    ],
)
def test_an_unknown_guideline_says_what_there_is(tmp_path: Path, ref: str, words: str) -> None:
    write(tmp_path, CHOICE)
    with pytest.raises(UnknownGuideline) as caught:
        GuidelineLibrary([tmp_path]).get(ref)
    assert words in caught.value.detail


def test_without_any_guideline_the_error_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UnknownGuideline, match="llmlabel guidelines new"):
        GuidelineLibrary([tmp_path / "none"]).get("mood")
