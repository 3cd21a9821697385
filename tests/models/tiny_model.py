"""A small model, and a loopback server that is both a hub and a package index."""

from __future__ import annotations

import hashlib
import http.server
import io
import re
import threading
import zipfile
from pathlib import Path

PARTS = (b"first part " * 300, b"second part " * 300, b"third part " * 300)
WEIGHTS = b"".join(PARTS)
CONFIG = b'{"layers": 2}'


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_wheel(package: str, members: dict[str, bytes]) -> tuple[str, bytes]:
    name, version = package.split("==")
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as wheel:
        for member, data in members.items():
            wheel.writestr(member, data)
        wheel.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            "Requires-Dist: a-package-nobody-can-have\n",
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return f"{stem}-py3-none-any.whl", buffer.getvalue()


class Places:
    """One loopback server that is both a hub and a package index, and remembers what it was asked.

    `hub` holds `owner/name/file`; `wheels` holds wheel file names. `cut` names a hub file that is
    sent only up to so many bytes before the connection breaks, once.
    """

    def __init__(self) -> None:
        self.hub: dict[str, bytes] = {}
        self.wheels: dict[str, bytes] = {}
        self.cut: dict[str, int] = {}
        self.asked: list[str] = []
        self.ranges: list[str] = []
        places = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                pass

            def do_HEAD(self) -> None:
                self.answer(body=False)

            def do_GET(self) -> None:
                self.answer(body=True)

            def answer(self, body: bool) -> None:
                places.asked.append(f"{self.command} {self.path}")
                if match := re.fullmatch(r"/hub/(.+?)/resolve/[^/]+/(.+)", self.path):
                    self.hub_file(f"{match[1]}/{match[2]}", body)
                elif match := re.fullmatch(r"/simple/([^/]+)/", self.path):
                    stem = match[1].replace("-", "_") + "-"
                    links = "".join(
                        f'<a href="/wheels/{wheel}">{wheel}</a>'
                        for wheel in places.wheels
                        if wheel.startswith(stem)
                    )
                    status = 200 if links else 404
                    self.reply(status, f"<!DOCTYPE html>{links}".encode(), body)
                elif self.path.startswith("/wheels/"):
                    data = places.wheels.get(self.path.removeprefix("/wheels/"))
                    self.reply(200 if data else 404, data or b"", body, "application/zip")
                else:
                    self.reply(404, b"no such page", body)

            def hub_file(self, name: str, body: bool) -> None:
                data = places.hub.get(name)
                if data is None:
                    self.reply(404, b"", body, extra={"X-Error-Code": "EntryNotFound"})
                    return
                extra = {"ETag": f'"{sha256(data)}"', "X-Repo-Commit": "c" * 40}
                begin = 0
                if header := self.headers.get("Range"):
                    places.ranges.append(header)
                    begin = int(header.removeprefix("bytes=").split("-")[0])
                    extra["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
                stop = places.cut.pop(name, None) if body else None
                self.reply(206 if begin else 200, data[begin:], body, extra=extra, stop=stop)

            def reply(
                self,
                status: int,
                data: bytes,
                body: bool,
                kind: str = "text/html",
                *,
                extra: dict[str, str] | None = None,
                stop: int | None = None,
            ) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                for key, value in (extra or {}).items():
                    self.send_header(key, value)
                self.end_headers()
                if body:
                    self.wfile.write(data[:stop])
                if stop is not None:
                    self.close_connection = True

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def offer_wheel(self, package: str, members: dict[str, bytes]) -> None:
        name, data = make_wheel(package, members)
        self.wheels[name] = data


def fill_by_hand(folder: Path) -> None:
    (folder / "sub").mkdir(parents=True)
    (folder / "model.bin").write_bytes(WEIGHTS)
    (folder / "sub/config.json").write_bytes(CONFIG)
