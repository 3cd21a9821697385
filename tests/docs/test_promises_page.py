from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from llmlabel.cli.main import COMMANDS, app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/promises.md").read_text("utf-8")


def _said(command: str) -> str:
    result = CliRunner().invoke(app, command.split()[1:])
    assert result.exit_code == 0, result.output
    return result.output.strip()


def test_the_tables_of_gold_are_what_the_commands_beside_them_print() -> None:
    shown = re.findall(
        r"^(llmlabel gold needed .*--format markdown)\n```\n\n(\|(?:.+\n)+)", PAGE, re.M
    )
    assert shown
    for command, table in shown:
        assert table.strip() == _said(command), f"docs/promises.md is behind `{command}`"


def test_every_command_of_the_page_exists() -> None:
    used = set(re.findall(r"\bllmlabel ([a-z]+)", "\n".join(_code())))
    assert used and used <= set(COMMANDS)


def test_every_link_of_the_page_leads_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", PAGE):
        if "://" not in link:
            assert (ROOT / "docs" / link).exists(), link


def _code() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", PAGE, re.S)
