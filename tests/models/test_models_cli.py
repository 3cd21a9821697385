"""`llmlabel models` as a user types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

NARROW = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}


def llmlabel(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    code = "from llmlabel.cli.main import run; run()"
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**NARROW, "LLMLABEL_HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_list_shows_every_model_and_its_state(tmp_path: Path) -> None:
    done = llmlabel(tmp_path, "models", "list")
    assert done.returncode == 0, done.stderr
    for name in ("qwen2.5-coder-1.5b-instruct", "whisper-base", "minilm-l6-int8"):
        line = next(line for line in done.stdout.splitlines() if line.startswith(name))
        assert line.endswith("missing")


def test_an_error_is_one_line_with_the_remedy_and_exit_code_1(tmp_path: Path) -> None:
    done = llmlabel(tmp_path, "models", "path", "whisper-base")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "Model missing: The model whisper-base is not on this machine; "
        "run: llmlabel models pull whisper-base"
    ]


@pytest.mark.parametrize(
    "words",
    [("models", "nonsense"), ("models", "pull", "--for", "nobody"), ("nonsense",)],
)
def test_a_command_that_does_not_exist_ends_with_exit_code_2(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert llmlabel(tmp_path, *words).returncode == 2


def test_names_and_a_set_together_are_refused(tmp_path: Path) -> None:
    done = llmlabel(tmp_path, "models", "pull", "whisper-base", "--for", "tests")
    assert done.returncode == 2
    assert "not both" in done.stderr


def test_verify_says_when_there_is_nothing_to_verify(tmp_path: Path) -> None:
    done = llmlabel(tmp_path, "models", "verify")
    assert done.returncode == 0
    assert "llmlabel models pull" in done.stdout


@pytest.mark.models
def test_the_path_of_a_model_is_printed_alone(models_folder: Path) -> None:
    done = llmlabel(models_folder.parent, "models", "path", "minilm")
    assert done.stdout == f"{models_folder / 'minilm-l6-int8'}\n"


def test_help_loads_no_heavy_library(tmp_path: Path) -> None:
    code = (
        "import sys; from llmlabel.cli.main import app; app(['models', '--help'], "
        "standalone_mode=False); "
        "print(sorted({'litellm', 'spacy', 'openvino', 'torch', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=NARROW, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
