from __future__ import annotations

import builtins
from collections.abc import Sequence
from pathlib import Path

from llmlabel.domain.guideline import Guideline
from llmlabel.errors import UnknownGuideline
from llmlabel.guidelines.file import check_guideline, read_guideline
from llmlabel.released import Problem, Ref, did_you_mean, find_released, in_order, parse_ref

SUFFIX = ".md"

Checked = tuple[Guideline | None, list[Problem]]
"""A guideline, or everything that keeps its file from being read."""


class GuidelineLibrary:
    """The guidelines of some folders, found by `name` or `name@version`.

    The first folder that has a name decides what its bare name means (its latest version
    there), so a new release of llmlabel does not change a guideline of your own. Files are
    read when asked for: one that is broken does not keep the others from being used. A file
    that has not changed is parsed once.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folders)
        self._parsed: dict[Path, tuple[tuple[int, int, int], Checked]] = {}

    def get(self, ref: str) -> Guideline:
        """The guideline of that ref.

        Raises:
            UnknownGuideline: There is none; says what there is.
            InvalidGuideline: Its file cannot be read; says where and why.
        """
        path = self.path(ref)
        guideline, _ = self._checked(path)
        return guideline or read_guideline(path)  # which says what is wrong

    def path(self, ref: str) -> Path:
        """The file of that ref.

        Raises:
            UnknownGuideline: There is none; says what there is.
        """
        try:
            name, version = parse_ref(ref)
        except ValueError as exc:
            _, versions = find_released(self.folders, SUFFIX)
            raise UnknownGuideline(f"{exc}. {_known(versions)}", field="guideline") from exc
        if version is not None:
            # Listing every folder takes longer than all else that most requests ask for.
            places = (folder / name / f"{version}{SUFFIX}" for folder in self.folders)
            file = next((place for place in places if place.is_file()), None)
            if file is not None:
                return file
        paths, versions = find_released(self.folders, SUFFIX)
        if name not in versions:
            raise UnknownGuideline(
                f"There is no guideline `{name}`.{did_you_mean(name, list(versions))} "
                f"{_known(versions)}",
                field="guideline",
            )
        found = paths.get(Ref(name, version or versions[name][-1]))
        if found is None:
            there = ", ".join(each.version for each in paths if each.name == name)
            raise UnknownGuideline(
                f"The guideline `{name}` has no version {version}; it has {there}.",
                field="guideline",
            )
        return found

    def list(self) -> list[Guideline]:
        """Every guideline that can be read, by name, then version; see `broken` for the rest."""
        return self._read()[0]

    def broken(self) -> builtins.list[Problem]:
        """Everything that keeps a file from being read."""
        return self._read()[1]

    def _read(self) -> tuple[builtins.list[Guideline], builtins.list[Problem]]:
        paths, _ = find_released(self.folders, SUFFIX)
        checked = [self._checked(paths[ref]) for ref in in_order(paths)]
        return (
            [guideline for guideline, _ in checked if guideline is not None],
            [problem for _, problems in checked for problem in problems],
        )

    def _checked(self, path: Path) -> Checked:
        # Asked for many times a second by reviewers, and all of them by upkeep every few seconds;
        # parsing takes milliseconds.
        try:
            stat = path.stat()
        except OSError:
            return check_guideline(path)
        state = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        known = self._parsed.get(path)
        if known is None or known[0] != state:
            known = self._parsed[path] = (state, check_guideline(path))
        return known[1]


def _known(versions: dict[str, tuple[str, ...]]) -> str:
    if not versions:
        return "No guidelines were found; make one with `llmlabel guidelines new NAME`."
    return f"There are: {', '.join(sorted(versions))} (`llmlabel guidelines list`)."
