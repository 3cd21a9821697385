"""Where the files that come with llmlabel lie: in a checkout, or inside an installed wheel."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

Shipped = Literal["guidelines", "prompts", "suites", "baselines"]

_IN_CHECKOUT: dict[Shipped, str] = {
    "guidelines": "guidelines",
    "prompts": "prompts",
    "suites": "eval/suites",
    "baselines": "eval/baselines",
}


def shipped_folder(name: Shipped) -> Path:
    """The folder of the guidelines, prompts, suites or baselines that llmlabel brings along."""
    package = Path(__file__).parent
    installed = package / "_shipped" / name
    return installed if installed.is_dir() else package.parent / _IN_CHECKOUT[name]


def search_folders(
    name: Literal["guidelines", "prompts"], first: Iterable[Path] = ()
) -> list[Path]:
    """Where guidelines or prompts are looked for: `first`, `./<name>`, then the shipped ones."""
    places = (*first, Path.cwd() / name, shipped_folder(name))
    return list(dict.fromkeys(place.resolve() for place in places if place.is_dir()))
