"""The build of the review page: when it is done, when it is spared, what stands in its way."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def hatch_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hatch_build"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """The page's sources, without what npm or a build left there."""
    web = tmp_path / "llmlabel" / "web"
    left = shutil.ignore_patterns("node_modules", "dist", "build")
    shutil.copytree(ROOT / "llmlabel" / "web", web, ignore=left)
    return web


def pretend_built(hatch_build: Any, web: Path) -> None:
    (web / "dist").mkdir()
    (web / "dist" / hatch_build.STAMP).write_text(hatch_build.sources_hash(web), "utf-8")


def hook(hatch_build: Any, root: Path) -> tuple[Any, list[str]]:
    warnings: list[str] = []

    class App:
        def display_info(self, *_: object) -> None: ...

        def display_warning(self, words: str) -> None:
            warnings.append(words)

    made = hatch_build.CustomBuildHook(str(root), {}, None, None, str(root), "wheel", App())
    return made, warnings


def without_node(hatch_build: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)


def test_an_unchanged_page_is_not_built_again(hatch_build: Any, web: Path) -> None:
    pretend_built(hatch_build, web)
    assert hatch_build.is_built(web)
    (web / "src" / "keys.test.tsx").write_text("// tests are no part of the page", "utf-8")
    assert hatch_build.is_built(web)
    (web / "src" / "main.tsx").write_text("changed", "utf-8")
    assert not hatch_build.is_built(web)


def test_a_renamed_source_changes_the_page(hatch_build: Any, web: Path) -> None:
    pretend_built(hatch_build, web)
    (web / "src" / "keys.ts").rename(web / "src" / "other.ts")
    assert not hatch_build.is_built(web)


def test_without_node_the_package_is_installed_and_says_what_is_missing(
    hatch_build: Any, web: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_node(hatch_build, monkeypatch, tmp_path)
    made, warnings = hook(hatch_build, tmp_path)
    assert made.dependencies() == [hatch_build.NODE_PACKAGE]
    made.initialize("standard", {})
    assert len(warnings) == 1
    assert "installed without it" in warnings[0]
    assert "make page" in warnings[0]
    assert not (web / "dist").exists()


def test_a_page_that_is_required_stops_the_build(
    hatch_build: Any, web: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_node(hatch_build, monkeypatch, tmp_path)
    monkeypatch.setenv("LLMLABEL_PAGE", "required")
    made, _ = hook(hatch_build, tmp_path)
    with pytest.raises(hatch_build.PageNotBuilt, match=r"Node\.js 20\.19"):
        made.initialize("standard", {})


def test_a_page_that_is_built_needs_no_node(
    hatch_build: Any, web: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend_built(hatch_build, web)
    without_node(hatch_build, monkeypatch, tmp_path)
    made, warnings = hook(hatch_build, tmp_path)
    assert made.dependencies() == []
    made.initialize("editable", {})
    assert warnings == []


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("v18.19.0", False),
        ("v20.18.3", False),
        ("v20.19.0", True),
        ("v21.7.0", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.1.0", True),
        ("what?", False),
    ],
)
def test_only_a_node_that_the_tools_accept_is_used(
    hatch_build: Any, tmp_path: Path, version: str, enough: bool
) -> None:
    program = tmp_path / "node"
    program.write_text(f"#!/bin/sh\necho '{version}'\n", "utf-8")
    program.chmod(0o755)
    assert hatch_build._new_enough([str(program)]) is enough


def test_packages_that_are_there_are_not_fetched_again(hatch_build: Any, web: Path) -> None:
    lock = json.loads((web / "package-lock.json").read_bytes())
    place = web / "node_modules" / ".package-lock.json"
    place.parent.mkdir()
    place.write_text(json.dumps(lock), "utf-8")
    assert hatch_build._installed(web, everything=True)
    lock["packages"]["node_modules/vite"]["version"] = "0.0.1"
    place.write_text(json.dumps(lock), "utf-8")
    assert not hatch_build._installed(web, everything=False)


def test_what_only_tests_need_is_not_needed_to_build(hatch_build: Any, web: Path) -> None:
    lock = json.loads((web / "package-lock.json").read_bytes())
    lock["packages"] = {k: v for k, v in lock["packages"].items() if not v.get("dev")}
    place = web / "node_modules" / ".package-lock.json"
    place.parent.mkdir()
    place.write_text(json.dumps(lock), "utf-8")
    assert hatch_build._installed(web, everything=False)
    assert not hatch_build._installed(web, everything=True)


def test_the_lock_file_names_no_host_and_pins_every_package(web: Path) -> None:
    lock = json.loads((web / "package-lock.json").read_bytes())
    for place, package in lock["packages"].items():
        assert "resolved" not in package, place
        assert not place or package["integrity"].startswith("sha512-")
    wanted = json.loads((web / "package.json").read_bytes())
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert all(version[0].isdigit() for version in versions.values())
