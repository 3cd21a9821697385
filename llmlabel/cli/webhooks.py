"""`llmlabel webhooks`: endpoints that are told what happens."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, get_args

import typer
from rich.table import Table
from rich.text import Text

from llmlabel.bootstrap import build
from llmlabel.cli.console import console
from llmlabel.cli.words import counted, say
from llmlabel.domain.webhook import EVENT_KINDS, DeliveryStatus, EventKind, Webhook
from llmlabel.errors import InvalidInput
from llmlabel.settings import Settings

app = typer.Typer(
    add_completion=False,
    help="Endpoints that are told what happens: labels, reviews, gates.",
    no_args_is_help=True,
)

Id = Annotated[str, typer.Argument(help="Of the webhook, as `list` shows it.")]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", "-e", help=f"One of {', '.join(EVENT_KINDS)}; give it repeatedly."),
]
Guidelines = Annotated[
    list[str] | None,
    typer.Option("--guideline", "-g", help="A name or name@version; give it repeatedly."),
]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="Where messages are sent to, with https.")],
    event: Events = None,
    guideline: Guidelines = None,
    note: Annotated[str, typer.Option(help="For people.")] = "",
    json: Json = False,
) -> None:
    """Have an endpoint told what happens from now on; without -e and -g, everything.

    The secret is printed now and never again.
    """
    webhook, secret = build(Settings()).webhooks.add(
        url, events=_kinds(event) or EVENT_KINDS, guidelines=guideline or None, note=note
    )
    if json:
        added = {"webhook": webhook.model_dump(mode="json"), "secret": secret}
        console.print_json(data=added)
        return
    say(f"{webhook.id} is told of {_told(webhook)}.")
    say(f"Its secret, shown this once: {secret}")
    say(f"To try it: llmlabel webhooks test {webhook.id}")


@app.command("list")
def list_(json: Json = False) -> None:
    """Every endpoint, oldest first."""
    found = build(Settings()).store.webhooks.list()
    if json:
        typer.echo("[" + ",".join(each.model_dump_json() for each in found) + "]")
        return
    if not found:
        say("No webhook is told anything. To add one: llmlabel webhooks add https://…")
        return
    table = Table("id", "url", "told of", "state", box=None, pad_edge=False)
    for each in found:
        table.add_row(each.id, Text(each.url), Text(_told(each)), Text(_state(each)))
    console.print(table)


@app.command()
def show(id: Id) -> None:
    """One endpoint, how it does, and what waits for it."""
    store = build(Settings()).store
    webhook = store.webhooks.get(id)
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    rows = {
        "id": webhook.id,
        "url": webhook.url,
        "told of": _told(webhook),
        "state": _state(webhook),
        "note": webhook.note,
        "added": f"{webhook.created_at:%Y-%m-%d %H:%M} UTC",
    }
    if webhook.old_secret_until is not None:
        rows["former secret"] = f"counts until {webhook.old_secret_until:%Y-%m-%d %H:%M} UTC"
    for name, value in rows.items():
        if value:
            table.add_row(name, Text(value))
    console.print(table)


@app.command()
def change(
    id: Id,
    url: Annotated[str | None, typer.Option(help="Where messages are sent to.")] = None,
    event: Events = None,
    guideline: Guidelines = None,
    all_guidelines: Annotated[
        bool, typer.Option("--all-guidelines", help="It is told of every guideline.")
    ] = False,
    enable: Annotated[
        bool | None,
        typer.Option("--enable/--disable", help="Whether it is told anything at all."),
    ] = None,
    note: Annotated[str | None, typer.Option(help="For people.")] = None,
) -> None:
    """Change what is given; what is not stays as it is."""
    if guideline and all_guidelines:
        raise InvalidInput("Give -g or --all-guidelines, not both.", field="guidelines")
    webhook = build(Settings()).webhooks.change(
        id,
        url=url,
        events=_kinds(event) or None,
        guidelines=guideline or None,
        all_guidelines=all_guidelines,
        note=note,
        enabled=enable,
    )
    say(f"{webhook.id} at {webhook.url}: {_state(webhook)}, told of {_told(webhook)}.")


@app.command()
def rotate(
    id: Id,
    keep_hours: Annotated[
        float, typer.Option(min=0, max=720, help="The former secret counts for so long.")
    ] = 24.0,
) -> None:
    """Give an endpoint a new secret; for a while messages are signed with both."""
    webhook, secret = build(Settings()).webhooks.rotate(id, timedelta(hours=keep_hours))
    say(f"The new secret of {webhook.id}, shown this once: {secret}")


@app.command()
def remove(id: Id) -> None:
    """Forget an endpoint with all its messages, those that wait included."""
    build(Settings()).store.webhooks.remove(id)
    say(f"{id} is told nothing more.")


@app.command()
def test(id: Id) -> None:
    """Send one message now and say what the endpoint answered; fails if it did not take it."""
    import asyncio  # noqa: PLC0415

    outcome = asyncio.run(build(Settings()).webhooks.test(id))
    took = f"in {outcome.seconds:.2f} s"
    if outcome.delivered:
        say(f"The endpoint answered {outcome.status} {took}.")
        return
    say(f"The message was not delivered ({took}). {outcome.error}")
    raise typer.Exit(1)


@app.command()
def deliveries(
    id: Id,
    status: Annotated[
        str | None, typer.Option(help=f"Only these: {', '.join(get_args(DeliveryStatus))}.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many at most.")] = 50,
    json: Json = False,
) -> None:
    """What an endpoint was told, or is still to be told, newest first."""
    if status is not None and status not in get_args(DeliveryStatus):
        raise InvalidInput(
            f"`{status}` is no status; one of: {', '.join(get_args(DeliveryStatus))}.",
            field="status",
        )
    store = build(Settings()).store
    store.webhooks.get(id)
    found, more = store.deliveries.page(id, status=status, limit=limit)  # type: ignore[arg-type]
    if json:
        typer.echo("[" + ",".join(each.model_dump_json() for each in found) + "]")
        return
    if not found:
        say("There are no such messages.")
        return
    columns = ("message", "event", "guideline", "document", "status", "tries", "last answer")
    table = Table(*columns, box=None, pad_edge=False)
    for each in found:
        table.add_row(
            each.id,
            each.kind,
            each.guideline or "–",
            Text(each.document_id or "–"),
            each.status,
            str(each.attempts),
            Text(each.last_error or (f"{each.last_status}" if each.last_status else "–")),
        )
    console.print(table)
    if more is not None:
        say(f"… and older ones; --limit shows more than {limit}.")


@app.command()
def replay(
    id: Id,
    message: Annotated[
        list[str] | None,
        typer.Option("--message", "-m", help="Only this message; give it repeatedly."),
    ] = None,
    delivered: Annotated[
        bool, typer.Option("--delivered", help="Those it received, instead of those given up.")
    ] = False,
    hours: Annotated[
        float | None,
        typer.Option(min=0, max=9000, help="Only what happened in the last so many hours."),
    ] = None,
) -> None:
    """Send messages again under the ids they had; without options, all that were given up."""
    store = build(Settings()).store
    store.webhooks.get(id)
    since = None if hours is None else store.database.clock() - timedelta(hours=hours)
    status: DeliveryStatus = "delivered" if delivered else "dead"
    n = store.deliveries.replay(id, ids=message or None, status=status, since=since)
    say(f"{counted(n, 'message')} will be sent again by the running service.")


def _kinds(events: list[str] | None) -> list[EventKind]:
    known: list[EventKind] = [kind for kind in EVENT_KINDS if kind in (events or ())]
    for event in events or ():
        if event not in EVENT_KINDS:
            raise InvalidInput(
                f"`{event[:80]}` is no event; one of: {', '.join(EVENT_KINDS)}.", field="events"
            )
    return known


def _told(webhook: Webhook) -> str:
    kinds = "everything" if set(webhook.events) == set(EVENT_KINDS) else ", ".join(webhook.events)
    return kinds if webhook.guidelines is None else f"{kinds} of {', '.join(webhook.guidelines)}"


def _state(webhook: Webhook) -> str:
    if not webhook.enabled:
        return f"disabled: {webhook.disabled_reason}" if webhook.disabled_reason else "disabled"
    return f"{counted(webhook.failures, 'failure')} in a row" if webhook.failures else "enabled"
