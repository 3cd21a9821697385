"""A choice of three moods, and a command that is run with an application made up for it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from llmlabel.domain.guideline import Guideline, LabelDefinition, LabelerStep, Policy

LABELS = ("glad", "sad", "calm")

MOODS = Guideline(
    name="moods",
    version="1.0.0",
    kind="choice",
    title="Moods",
    question="Which?",
    labels=tuple(LabelDefinition(name=name, definition=name) for name in LABELS),
    labelers=(LabelerStep(name="llm"),),
    policy=Policy(threshold=0.5),
    sha256="b" * 64,
)

Run = Callable[..., tuple[int, str, str]]


def applications(make: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Has commands build this application; gives those that they built."""
    made: list[Any] = []

    def build(settings: object) -> object:
        made.append(make(settings))
        return made[-1]

    module = ModuleType("llmlabel.bootstrap")
    module.build = build  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "llmlabel.bootstrap", module)
    return made


def runner(function: Callable[..., None], made: list[Any]) -> Run:
    """Runs a command; gives its exit code and both outputs. It closes what it had built."""
    command = typer.Typer()
    command.command()(function)

    def call(*words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(command, list(words), env={"COLUMNS": "160"})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert all(each.closed for each in made)
        return result.exit_code, result.stdout, result.stderr

    return call
