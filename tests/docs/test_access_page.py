from __future__ import annotations

import re
from pathlib import Path

from typer.main import get_command

from llmlabel.access.limits import Attempts
from llmlabel.api.permissions import ROLES_OF
from llmlabel.cli.keys import app
from llmlabel.domain.access import ROLES
from llmlabel.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs/access.md").read_text("utf-8")


def test_every_role_is_in_the_table_and_no_other() -> None:
    table = PAGE.partition("| role |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| (\w+) \|", table, re.M) == list(ROLES)


def test_what_the_page_keeps_to_admins_is_theirs_alone() -> None:
    alone = ("/v1/keys", "/v1/webhooks", "/v1/audit-log", "DELETE /v1/documents/{id}")
    told = {name for name in ROLES_OF if any(each in name for each in alone)}
    assert all(ROLES_OF[name] == ("admin",) for name in told)
    assert len(told) >= 12


def test_every_command_of_the_page_exists() -> None:
    used = set(re.findall(r"llmlabel keys ([a-z-]+)", PAGE))
    assert used == set(get_command(app).commands)  # type: ignore[attr-defined]


def test_the_limits_are_those_of_the_settings() -> None:
    fields = Settings.model_fields
    for name in ("key_requests_per_minute", "key_documents_per_minute"):
        assert f"`LLMLABEL_{name.upper()}`, {fields[name].default:,} |" in PAGE
    assert f"| {Attempts().per_minute} in a minute |" in PAGE
    assert f"`LLMLABEL_SESSION_HOURS` ({fields['session_hours'].default:.0f})" in PAGE
