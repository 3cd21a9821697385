from __future__ import annotations

from pathlib import Path

from llmlabel.prompts.library import SUFFIX, PromptLibrary
from llmlabel.released import Problem, check_lock, lock_path, released_files


def lint_prompts(folder: Path) -> list[Problem]:
    """All problems of all templates of a folder and of its lock."""
    present = dict(released_files(folder, SUFFIX))
    return PromptLibrary([folder]).problems() + check_lock(lock_path(folder, "prompts"), present)
