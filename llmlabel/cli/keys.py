"""`llmlabel keys`: who may use the service, and what they did."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from llmlabel.bootstrap import build
from llmlabel.cli.console import console
from llmlabel.cli.noted import me, note
from llmlabel.cli.purge import age_of
from llmlabel.cli.words import counted, say
from llmlabel.domain.access import ROLES
from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.errors import InvalidInput
from llmlabel.settings import Settings

app = typer.Typer(
    add_completion=False,
    help="API keys: who may use the service, for what, and what they did.",
    no_args_is_help=True,
)

_IN = re.compile(r"(\d{1,5})([dhw])")
_HOURS = {"h": 1, "d": 24, "w": 168}

Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Whose it is; reviewers decide under this name.")],
    role: Annotated[
        list[str], typer.Option("--role", "-r", help=f"{', '.join(ROLES)}; give it repeatedly.")
    ],
    project: Annotated[
        str, typer.Option(envvar="LLMLABEL_PROJECT", help="Where it counts, and nowhere else.")
    ] = DEFAULT_PROJECT,
    expires: Annotated[
        str | None, typer.Option(help="`90d`, `12h`, `8w` from now, or 2027-01-31 (UTC).")
    ] = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(min=0, help="Its own limit instead of the settings'; 0: none.")
    ] = None,
    documents_per_minute: Annotated[
        int | None, typer.Option(min=0, help="As above, for submitted documents.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a key; it is printed now and never again.

    The first one closes the service to everybody without a key, also on this machine.
    """
    access = build(Settings()).access
    key, text = access.keys.create(
        name,
        role,
        project,
        by=me(),
        expires_at=None if expires is None else _moment(expires, access.clock()),
        requests_per_minute=requests_per_minute,
        documents_per_minute=documents_per_minute,
    )
    note(access, "keys create", key.id, key.project)
    if json:
        console.print_json(data={"key": key.model_dump(mode="json"), "secret": text})
        return
    ends = "" if key.expires_at is None else f" until {key.expires_at:%Y-%m-%d %H:%M} UTC"
    say(f"{key.id} lets {key.name} in as {', '.join(key.roles)} of `{key.project}`{ends}.")
    say(f"The key, shown this once: {text}")


@app.command("list")
def list_(
    project: Annotated[str | None, typer.Option(help="Only those of this one.")] = None,
    json: Json = False,
) -> None:
    """Every key, oldest first, those that ended included."""
    access = build(Settings()).access
    found, when = access.keys.list(project), access.clock()
    if json:
        console.print_json(
            data=[{**key.model_dump(mode="json"), "state": key.state(when)} for key in found]
        )
        return
    if not found:
        say(
            "There are no keys: the service answers whoever is on its machine. To make one: "
            "llmlabel keys create --name NAME --role admin"
        )
        return
    table = Table("id", "name", "roles", "project", "state", "made", box=None, pad_edge=False)
    for key in found:
        state: str = key.state(when)
        if state == "active" and key.expires_at is not None:
            state = f"until {key.expires_at:%Y-%m-%d %H:%M}"
        made = f"{key.created_at:%Y-%m-%d} by {key.created_by}"
        table.add_row(key.id, Text(key.name), ", ".join(key.roles), key.project, state, Text(made))
    console.print(table)


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="Of the key, as `list` shows it; no secret.")],
) -> None:
    """End a key with the browser sessions that it began; running services know it in a second."""
    access = build(Settings()).access
    key = access.keys.revoke(id)
    note(access, "keys revoke", key.id, key.project)
    say(f"{key.id} of {key.name} counts no more.")
    if not access.keys.usable:
        say(
            "No key is left that counts, and the service stays closed; to make another: "
            "llmlabel keys create --name NAME --role admin"
        )


@app.command()
def log(
    project: Annotated[str | None, typer.Option(help="Only in this one.")] = None,
    key: Annotated[str | None, typer.Option(help="Only with the key of this id.")] = None,
    name: Annotated[str | None, typer.Option(help="Only under this name.")] = None,
    target: Annotated[str | None, typer.Option(help="Only what was done to this id.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only the last `90d`, `12h`, or since 2026-01-31 (UTC).")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many at most.")] = 50,
    json: Json = False,
) -> None:
    """Who did what, newest first: every request that changes something, refused ones too.

    What a request contained is not kept.
    """
    access = build(Settings()).access
    entries, more = access.log.page(
        project=project,
        key_id=key,
        name=name,
        target=target,
        since=None if since is None else _moment(since, access.clock(), past=True),
        limit=limit,
    )
    if json:
        typer.echo("[" + ",".join(each.model_dump_json() for each in entries) + "]")
        return
    if not entries:
        say("Nothing of the kind was done.")
        return
    table = Table("when", "who", "key", "project", "what", "on", "status", box=None, pad_edge=False)
    for each in entries:
        table.add_row(
            f"{each.at:%Y-%m-%d %H:%M:%S}",
            Text(each.name),
            each.key_id or "–",
            each.project,
            Text(f"{each.method} {each.route}"),
            Text(each.target or "–"),
            str(each.status) if each.status else "–",
        )
    console.print(table)
    if more is not None:
        say(f"… and what is older; --limit shows more than {limit}.")


@app.command("purge-log")
def purge_log(
    older_than: Annotated[str, typer.Option("--older-than", help="Such as 400d, 52w or 48h.")],
    project: Annotated[str | None, typer.Option(help="Only lines of this one.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete old lines of the audit log, for good; that it was done is a line of its own."""
    access = build(Settings()).access
    before = access.clock() - age_of(older_than)
    if dry_run or not yes:
        n = access.log.older(before, project)
        say(f"{counted(n, 'line')} from before {before:%Y-%m-%d %H:%M} UTC.")
        if dry_run:
            return
        typer.confirm(f"Delete {counted(n, 'line')} for good?", abort=True)
    done = access.log.forget(before, project)
    note(access, "keys purge-log", f"before {before:%Y-%m-%dT%H:%MZ}", project or DEFAULT_PROJECT)
    say(f"Deleted {counted(done, 'line')} of the audit log.")


def _moment(text: str, now: datetime, *, past: bool = False) -> datetime:
    match = _IN.fullmatch(text.strip())
    try:
        if match:
            span = timedelta(hours=int(match[1]) * _HOURS[match[2]])
            return now - span if past else now + span
        parsed = datetime.fromisoformat(text.strip())
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        field = "since" if past else "expires"
        raise InvalidInput(
            f"`{text[:40]}` is no moment; write 90d, 12h or 8w, or a date as 2027-01-31.",
            field=field,
        ) from error
