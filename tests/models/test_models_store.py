"""Finding and verifying models, and the catalogue itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError
from tiny_model import WEIGHTS, fill_by_hand

from llmlabel.errors import InvalidSetting, MissingModel, ModelCorrupt
from llmlabel.models import ModelState, ModelStore, load_catalogue
from llmlabel.models import store as store_module
from llmlabel.models.catalogue import ModelEntry

MakeStore = Callable[..., ModelStore]


def test_a_missing_model_names_the_command_that_gets_it(make_store: MakeStore) -> None:
    with pytest.raises(MissingModel, match=r"run: llmlabel models pull tiny$"):
        make_store().path("tiny")


def test_an_incomplete_model_says_which_file_is_missing(make_store: MakeStore) -> None:
    store = make_store()
    fill_by_hand(store.folder / "tiny")
    (store.folder / "tiny/sub/config.json").unlink()
    assert store.state("tiny") is ModelState.INCOMPLETE
    with pytest.raises(MissingModel, match=r"lacks sub/config\.json; run: llmlabel models pull"):
        store.path("tiny")


def test_a_folder_filled_by_hand_is_verified_once(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store()
    fill_by_hand(store.folder / "tiny")
    assert store.state("tiny") is ModelState.UNVERIFIED
    assert store.path("tiny") == store.folder / "tiny"
    assert store.state("tiny") is ModelState.READY

    def refuse(*args: object) -> list[str]:
        raise AssertionError("read every byte again")

    monkeypatch.setattr(store_module, "wrong_files", refuse)
    assert store.path("tiny") == store.folder / "tiny"


def test_a_file_that_changed_after_it_was_verified_is_noticed(make_store: MakeStore) -> None:
    store = make_store()
    fill_by_hand(store.folder / "tiny")
    store.path("tiny")
    weights = store.folder / "tiny/model.bin"
    before = weights.stat().st_mtime_ns
    weights.write_bytes(WEIGHTS[::-1])
    os.utime(weights, ns=(before + 1, before + 1))
    with pytest.raises(ModelCorrupt, match=r"model\.bin of tiny .* llmlabel models pull tiny"):
        store.path("tiny")


def test_verify_reads_every_byte_even_when_size_and_time_are_right(make_store: MakeStore) -> None:
    store = make_store()
    fill_by_hand(store.folder / "tiny")
    store.path("tiny")
    weights = store.folder / "tiny/model.bin"
    before = weights.stat().st_mtime_ns
    weights.write_bytes(WEIGHTS[::-1])
    os.utime(weights, ns=(before, before))
    with pytest.raises(ModelCorrupt):
        store.verify("tiny")


@pytest.mark.parametrize("stamp", ["", "not json", "[]", "null", '{"model.bin": 3}'])
def test_a_broken_stamp_counts_as_none(make_store: MakeStore, stamp: str) -> None:
    store = make_store()
    fill_by_hand(store.folder / "tiny")
    (store.folder / "tiny/.verified.json").write_text(stamp)
    assert store.state("tiny") is ModelState.UNVERIFIED
    assert store.path("tiny")


def test_an_alias_means_the_same_model(make_store: MakeStore) -> None:
    store = make_store()
    fill_by_hand(store.folder / "tiny")
    assert store.path("t") == store.resolve("t") == store.folder / "tiny"


def test_a_path_that_exists_is_taken_as_it_is(make_store: MakeStore, tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF")
    assert make_store().resolve(str(own)) == own


def test_a_name_that_is_neither_lists_the_models(make_store: MakeStore) -> None:
    with pytest.raises(MissingModel, match=r"'nope' is neither a path .*\(tiny\)"):
        make_store().resolve("nope")
    with pytest.raises(MissingModel, match="knows tiny"):
        make_store().path("nope")


def test_the_shipped_catalogue_holds_the_defaults() -> None:
    catalogue = load_catalogue()
    qwen = catalogue.get("qwen2.5-coder-1.5b-instruct")
    assert qwen.bytes == 1_117_320_768
    assert {entry.task for entry in catalogue.models} == {
        "llm",
        "transcription",
        "spacy",
        "embedding",
    }
    names = [name for entry in catalogue.models for name in (entry.name, *entry.aliases)]
    assert len(names) == len(set(names))
    assert all(entry.licence in {"MIT", "Apache-2.0"} for entry in catalogue.models)


def test_a_catalogue_that_breaks_a_rule_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "catalogue.yaml"
    bad.write_text("models: [{name: x}]")
    with pytest.raises(InvalidSetting, match=r"catalogue\.yaml"):
        load_catalogue(bad)


@pytest.mark.parametrize("path", ["/etc/passwd", "../escape", "a/../../b", ""])
def test_a_file_of_a_model_stays_in_its_folder(entry: ModelEntry, path: str) -> None:
    data = entry.model_dump()
    data["files"][0]["path"] = path
    with pytest.raises(ValidationError):
        ModelEntry.model_validate(data)


def test_parts_must_add_up_to_the_file(entry: ModelEntry) -> None:
    data = entry.model_dump()
    data["sources"][1]["registry"]["model.bin"][0]["bytes"] += 1
    with pytest.raises(ValidationError, match="add up"):
        ModelEntry.model_validate(data)


@pytest.mark.models
def test_the_pulled_models_have_the_right_bytes(model_store: ModelStore) -> None:
    assert model_store.verify("minilm-l6-int8").is_dir()
