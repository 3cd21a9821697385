"""The files of `deploy/` name commands, options, settings, ports and files that there are."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from llmlabel.cli.main import app
from llmlabel.settings import SECRETS_DIR, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
KNOWN = {f"LLMLABEL_{name.upper()}" for name in Settings.model_fields} | {
    SECRETS_DIR,
    "LLMLABEL_PAGE",  # of the build, see hatch_build.py
}


def parse(words: list[str]) -> dict[str, Any]:
    """The options of a command line of llmlabel; fails where it has no such command or option."""
    command: Any = get_command(app)
    context: Any = command.context_class(command, info_name="llmlabel")
    while hasattr(command, "list_commands"):
        name, *words = words
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {name}"
        command, context = found, found.context_class(found, info_name=name, parent=context)
    return dict(command.make_context(command.name, words, parent=context).params)


def dockerfile() -> Iterator[tuple[str, str]]:
    """Its instructions, continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, rest = line.partition(" ")
        yield name, " ".join(rest.split())


def compose() -> dict[str, Any]:
    loaded = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def unit(file: Path) -> dict[str, list[str]]:
    """Every assignment of a unit, by its name."""
    found: dict[str, list[str]] = {}
    for line in file.read_text("utf-8").splitlines():
        name, is_assignment, value = line.partition("=")
        if is_assignment and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_every_setting_that_is_named_exists() -> None:
    files = [file for file in DEPLOY.rglob("*") if file.is_file() and file.suffix != ".json"]
    assert len(files) >= 7
    for file in files:
        named = set(re.findall(r"\bLLMLABEL_[A-Z_]+\b", file.read_text("utf-8")))
        assert named <= KNOWN, (file.name, named - KNOWN)


def test_the_example_of_settings_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (DEPLOY / "llmlabel.env.example").read_text("utf-8")
    # Also what it only suggests.
    lines = re.findall(r"^#?(LLMLABEL_[A-Z_]+=\S+)$", text, re.M)
    assert len(lines) > 8
    for line in lines:
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value)
    assert Settings().threads == 2


def test_the_image_copies_what_there_is_and_runs_what_there_is() -> None:
    instructions = list(dockerfile())
    for name, rest in instructions:
        if name == "COPY" and not rest.startswith("--from"):
            *sources, _ = rest.split()
            for source in sources:
                assert (ROOT / source).exists(), source
        for file in re.findall(r"-r (requirements/\S+)", rest):
            assert (ROOT / file).is_file(), file
    by_name = dict(instructions)  # of several, the last one counts
    assert json.loads(by_name["ENTRYPOINT"]) == ["llmlabel"]
    assert "no_worker" in parse(json.loads(by_name["CMD"]))
    assert int(by_name["USER"]) > 0, "not root"
    port = re.search(r"LLMLABEL_PORT=(\d+)", by_name["ENV"])
    assert port is not None and by_name["EXPOSE"] == port[1]
    assert f"127.0.0.1:{port[1]}/healthz" in by_name["HEALTHCHECK"]
    assert "pull" in str([rest for name, rest in instructions if "llmlabel models" in rest])


def test_nothing_but_sources_reaches_the_builder() -> None:
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule[1:].rstrip("/") for rule in rules if rule.startswith("!")}
    copied = {
        source.rstrip("/")
        for name, rest in dockerfile()
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert allowed == copied


def test_compose_runs_commands_that_there_are_in_an_order_that_works() -> None:
    services = compose()["services"]
    ours = {name: each for name, each in services.items() if each.get("image") == "llmlabel"}
    parsed = {name: parse(each["command"]) for name, each in ours.items()}
    assert parsed["api"]["no_worker"] is True
    assert parsed["worker"]["metrics_port"] == 9100
    assert services["worker"]["deploy"]["replicas"] == 2
    assert services["worker"]["expose"] == ["9100"]
    assert "127.0.0.1:9100/metrics" in services["worker"]["healthcheck"]["test"][-1]
    ports = dict(dockerfile())["EXPOSE"]
    assert services["api"]["ports"] == [f"127.0.0.1:{ports}:{ports}"], "a proxy stands before it"
    for name, each in services.items():
        for other, rule in each.get("depends_on", {}).items():
            ends = services[other].get("restart") == "no"
            wanted = "service_completed_successfully" if ends else "service_healthy"
            assert rule == {"condition": wanted}, (name, other)
            if not ends:
                assert services[other]["healthcheck"]["test"]
    for name in ("api", "worker", "database"):
        assert services[name]["restart"] == "unless-stopped"
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > 30


def test_compose_takes_secrets_from_files_only_and_mounts_what_is_declared() -> None:
    loaded = compose()
    for name, each in loaded["services"].items():
        assert set(each["secrets"]) <= set(loaded["secrets"])
        for mount in each["volumes"]:
            assert mount.partition(":")[0] in loaded["volumes"]
        for key, value in each.get("environment", {}).items():
            assert not re.search("PASSWORD$|KEY$|URL$", key), f"{key} of {name} is a secret"
            if key == SECRETS_DIR:
                assert value == "/run/secrets"
    fields = {f"llmlabel_{field}" for field in Settings.model_fields}
    assert {name for name in loaded["secrets"] if name.startswith("llmlabel_")} <= fields
    home = dict(dockerfile())["ENV"]
    assert "LLMLABEL_HOME=/var/lib/llmlabel" in home
    assert loaded["services"]["worker"]["volumes"] == ["home:/var/lib/llmlabel"]


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_units_run_commands_that_there_are(file: Path) -> None:
    found = unit(file)
    for line in [*found["ExecStart"], *found.get("ExecStartPre", [])]:
        program, *words = shlex.split(line)
        assert program == "/opt/llmlabel/bin/llmlabel"
        parse(words)
    assert found["User"] == ["llmlabel"] and found["NoNewPrivileges"] == ["yes"]
    assert found["StateDirectory"] == ["llmlabel"]
    assert "LLMLABEL_HOME=/var/lib/llmlabel" in found["Environment"]
    assert int(found["TimeoutStopSec"][0]) > 30, "longer than a worker may take to stop"
    if "@" in file.name:
        [port] = [each for each in found["Environment"] if "METRICS_PORT" in each]
        assert 1 <= int(port.partition("=")[2].replace("%i", "1")) <= 65535


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    files = []
    for file in UNITS:
        text = file.read_text("utf-8").replace("/opt/llmlabel/bin/llmlabel", sys.executable)
        files.append(tmp_path / file.name.replace("@", "@1"))
        files[-1].write_text(text, "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, files)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = [line for line in done.stderr.splitlines() if "llmlabel" in line]
    assert (done.returncode, told) == (0, [])


def test_the_commands_of_the_page_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", page, re.M | re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    # With variables before it, or by what runs it as the service does.
    form = re.compile(r"((?:[A-Z_]+=\S+ )*)(?:llmlabel|run|docker compose run --rm \w+) ([a-z].*)")
    found = list(filter(None, map(form.match, lines)))
    assert len(found) > 25
    for each in found:
        for variable in each[1].split():
            monkeypatch.setenv(*variable.split("=", 1))
        parse(shlex.split(each[2], comments=True))
