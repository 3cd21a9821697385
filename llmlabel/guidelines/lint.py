"""What a guideline should have beyond being readable, so that a new annotator can work from it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from llmlabel.domain.guideline import Guideline
from llmlabel.guidelines.body import headings
from llmlabel.guidelines.file import check_guideline
from llmlabel.guidelines.library import SUFFIX
from llmlabel.released import Problem, check_lock, lock_path, misplaced_files, released_files


def lint_folder(folder: Path, prompts: Collection[str] | None = None) -> list[Problem]:
    """All problems of all guidelines of a folder and of its lock.

    Args:
        folder: Holds `<name>/<version>.md` and `guidelines.lock`.
        prompts: The refs of the prompts that exist; without it they are not compared.
    """
    present = dict(released_files(folder, SUFFIX))
    found = misplaced_files(folder, SUFFIX)
    for path in present.values():
        found += lint_file(path, prompts)
    return found + check_lock(lock_path(folder, "guidelines"), present)


def lint_file(path: Path, prompts: Collection[str] | None = None) -> list[Problem]:
    """All problems of one guideline file."""
    guideline, problems = check_guideline(path)
    if guideline is None:
        return problems
    found = _missing_words(guideline)
    if prompts is not None and guideline.prompt is not None and guideline.prompt not in prompts:
        known = ", ".join(sorted(prompts))
        found.append(f"there is no prompt `{guideline.prompt}`; there are: {known}")
    return [Problem(path, None, message) for message in found]


def _missing_words(guideline: Guideline) -> list[str]:
    found = []
    written = set(headings(guideline.body))
    for name in guideline.label_names:
        if name not in written:
            found.append(f"label `{name}` has no section; add a heading `### {name}` that tells it")
    if not guideline.clauses:
        found.append("no clauses; add `## Clauses` with items `- **NAME-1**: what to do`")
    if guideline.kind == "choice":
        shown = {example.label for example in guideline.examples}
        found += [
            f"label `{name}` has no example; add one to `examples`"
            for name in guideline.label_names
            if name not in shown
        ]
    return found
