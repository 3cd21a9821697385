"""The commands under `webhooks` on a real store and a real endpoint."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "webhooks"))

from receiver import Receiver

from llmlabel.cli.main import app
from llmlabel.errors import InvalidInput, LlmlabelError, NotFound, UnknownGuideline
from llmlabel.store import Store


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LLMLABEL_WEBHOOKS_PRIVATE", "true")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    home = tmp_path / "home"
    store = Store.open(f"sqlite:///{home / 'llmlabel.db'}", recordings=home / "recordings")
    yield store
    store.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def webhooks(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "300"}).invoke(app, ["webhooks", *words])


def said(*words: str) -> str:
    result = webhooks(*words)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def refused(*words: str) -> LlmlabelError:
    error = webhooks(*words).exception
    assert isinstance(error, LlmlabelError)
    return error


def test_an_endpoint_from_its_first_day_to_its_last(store: Store, receiver: Receiver) -> None:
    assert "llmlabel webhooks add" in said("list")
    told = said("add", receiver.url, "-e", "gate.closed", "-g", "sentiment", "--note", "desk")
    (webhook,) = store.webhooks.list()
    (secret,) = store.webhooks.secrets(webhook.id)
    assert secret in told
    assert f"{webhook.id} is told of gate.closed of sentiment." in told
    for words in (("list",), ("show", webhook.id), ("list", "--json")):
        shown = said(*words)
        assert webhook.id in shown
        assert receiver.url in shown
        assert secret not in shown

    assert "answered 204" in said("test", webhook.id)
    store.gates.close("sentiment@1.0.0", "Too many errors.")
    (message,) = store.deliveries.take_up({webhook.id: 5}, 60)
    store.deliveries.failed(message, "It answered 500.", status=500, wait=None)
    listed = said("deliveries", webhook.id, "--status", "dead")
    assert message.id in listed
    assert "It answered 500." in listed
    assert json.loads(said("deliveries", webhook.id, "--json"))[0]["id"] == message.id
    assert "no such messages" in said("deliveries", webhook.id, "--status", "delivered")
    assert "0 messages" in said("replay", webhook.id, "--delivered")
    assert "1 message will" in said("replay", webhook.id, "--hours", "1")

    assert "shown this once: whsec_" in said("rotate", webhook.id, "--keep-hours", "2")
    assert "former secret counts until" in said("show", webhook.id)
    assert "disabled, told of gate.closed." in said(
        "change", webhook.id, "--disable", "--all-guidelines"
    )
    assert said("remove", webhook.id) == f"{webhook.id} is told nothing more."
    assert isinstance(refused("show", webhook.id), NotFound)


def test_a_test_that_fails_says_why_and_ends_so(store: Store, receiver: Receiver) -> None:
    receiver.answer = lambda _: 410
    said("add", receiver.url)
    (webhook,) = store.webhooks.list()
    result = webhooks("test", webhook.id)
    assert result.exit_code == 1
    assert "It answered 410." in " ".join(result.output.split())


def test_adding_as_json_gives_programs_the_secret(store: Store) -> None:
    added = json.loads(said("add", "https://a.example/hook", "--json"))
    (webhook,) = store.webhooks.list()
    assert added["webhook"]["id"] == webhook.id
    assert store.webhooks.secrets(webhook.id) == (added["secret"],)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("add", "ftp://a.example"), InvalidInput),
        (("add", "https://a.example", "-e", "gate.open"), InvalidInput),
        (("add", "https://a.example", "-g", "sentimnet"), UnknownGuideline),
        (("change", "wh_none", "-g", "ner", "--all-guidelines"), InvalidInput),
        (("deliveries", "wh_none", "--status", "lost"), InvalidInput),
        (("deliveries", "wh_none"), NotFound),
        (("replay", "wh_none"), NotFound),
        (("test", "wh_none"), NotFound),
        (("remove", "wh_none"), NotFound),
    ],
)
def test_what_cannot_be_done_is_refused(words: tuple[str, ...], kind: type[LlmlabelError]) -> None:
    assert isinstance(refused(*words), kind)


def test_a_private_address_is_refused_unless_the_setting_allows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LLMLABEL_WEBHOOKS_PRIVATE")
    assert "LLMLABEL_WEBHOOKS_PRIVATE" in refused("add", "https://10.0.0.1/").detail
    assert "LLMLABEL_WEBHOOKS_PRIVATE" in refused("add", "http://a.example/").detail
