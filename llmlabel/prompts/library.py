from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from llmlabel.errors import InvalidPrompt
from llmlabel.prompts.template import PromptTemplate
from llmlabel.released import (
    Problem,
    Ref,
    did_you_mean,
    find_released,
    in_order,
    misplaced_files,
    parse_ref,
)

SUFFIX = ".jinja"


class PromptLibrary:
    """The prompts of some folders, found by `name` or `name@version`; the first folder wins."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folders)

    def get(self, ref: str) -> PromptTemplate:
        """The template of that ref; a bare name means the latest version.

        Raises:
            InvalidPrompt: There is none, or it is broken; says what there is, or where.
        """
        paths, versions = find_released(self.folders, SUFFIX)
        try:
            name, version = parse_ref(ref)
        except ValueError as exc:
            raise InvalidPrompt(f"prompt {exc}") from exc
        wanted = Ref(name, version or versions.get(name, ("",))[-1])
        if wanted not in paths:
            known = [str(each) for each in in_order(paths)]
            raise InvalidPrompt(
                f"There is no prompt `{ref}`.{did_you_mean(ref, known)} There are: "
                f"{', '.join(known) or 'none'}; a prompt is a file prompts/<name>/<version>.jinja."
            )
        return PromptTemplate(wanted, paths[wanted], paths[wanted].read_bytes())

    def refs(self) -> list[str]:
        """Every prompt by name, then version."""
        return [str(ref) for ref in in_order(find_released(self.folders, SUFFIX)[0])]

    def problems(self) -> list[Problem]:
        """Everything wrong with any template."""
        found = [each for folder in self.folders for each in misplaced_files(folder, SUFFIX)]
        for ref, path in find_released(self.folders, SUFFIX)[0].items():
            try:
                found += PromptTemplate(ref, path, path.read_bytes()).problems()
            except InvalidPrompt as exc:
                found.append(Problem(path, None, exc.detail.removeprefix(f"{path}: ")))
        return found
