"""The benchmark runs what is there and says whether its goals are met."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.evaluation.label_map import LabelMap

EVAL = Path(__file__).parents[2] / "eval"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_under_test", EVAL / "bench.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Application:
    """Answers positive to everything that is not bad."""

    def __init__(self, settings: Any, scripted: Any, guideline: Any) -> None:
        assert settings.llm_cache is False
        self.settings = settings
        self.guidelines = self
        self.label = scripted(lambda text: (ChoiceAnswer(label=self._said(text)), 0.9, ()))
        self._guideline = guideline

    def _said(self, text: str) -> str:
        return "negative" if "bad" in text else "positive"

    def get(self, ref: str) -> Any:
        return self._guideline()

    async def close(self) -> None: ...


def write(folder: Path, texts: dict[str, str]) -> None:
    file = folder / "text" / "sst2" / "test.jsonl"
    file.parent.mkdir(parents=True)
    rows = [{"text": text, "label": label} for text, label in texts.items()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize(("wrong", "code"), [(0, 0), (1, 1)])
def test_a_goal_that_is_missed_ends_with_1(
    bench: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    scripted: Any,
    guideline: Any,
    wrong: int,
    code: int,
) -> None:
    texts = {f"good {i}": "positive" for i in range(5)} | {
        f"bad {i}": "positive" if i < wrong else "negative" for i in range(5)
    }
    write(tmp_path, texts)
    monkeypatch.setenv("LLMLABEL_DATA", str(tmp_path))
    monkeypatch.setattr(bench, "build", lambda s: Application(s, scripted, guideline))
    out = tmp_path / "bench.json"
    assert bench.main(["sst2", "--out", str(out)]) == code
    row = json.loads(out.read_text())["rows"][0]
    assert row["reached"] is (code == 0)
    assert row["report"]["metrics"]["accuracy"] == pytest.approx(1 - wrong / 10)
    printed = capsys.readouterr().out
    assert "| sst2 | 10 | accuracy |" in printed
    assert ("0.92 missed" in printed) is bool(code)


def test_a_set_that_is_not_there_is_named_and_the_others_run(
    bench: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    scripted: Any,
    guideline: Any,
) -> None:
    write(tmp_path, {"good": "positive", "bad": "negative"})
    monkeypatch.setenv("LLMLABEL_DATA", str(tmp_path))
    monkeypatch.setattr(bench, "build", lambda s: Application(s, scripted, guideline))
    assert bench.main(["sst2", "banking77", "--out", str(tmp_path / "bench.json")]) == 1
    printed = capsys.readouterr().out
    assert "banking77 could not be run: Not found" in printed
    assert "| sst2 | 2 |" in printed


def test_every_map_fits_the_guideline_it_is_for() -> None:
    from llmlabel.guidelines import GuidelineLibrary
    from llmlabel.shipped import search_folders

    library = GuidelineLibrary(search_folders("guidelines"))
    data = {
        "uner_ewt": ("ner", ["PER", "LOC", "ORG"]),
        "wikigold": ("ner", ["PER", "LOC", "ORG", "MISC"]),
        "sentiment3": ("sentiment", ["positive", "negative", "neutral"]),
    }
    files = {path.stem: path for path in (EVAL / "maps").glob("*.yaml")}
    assert set(files) == set(data)
    for name, (guideline, labels) in data.items():
        LabelMap.read(files[name]).check(library.get(guideline).label_names, labels)
