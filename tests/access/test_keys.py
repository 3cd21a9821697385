"""API keys and browser sessions on both databases."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmlabel.access import Access
from llmlabel.access.keys import FRESH_SECONDS, Keys
from llmlabel.access.secret import hashed, id_in, matches, new_secret
from llmlabel.access.sessions import token_hash
from llmlabel.errors import InvalidInput, NotFound, StoreUnavailable, Unauthorized
from llmlabel.store import Store
from llmlabel.store.projects import Projects


@pytest.fixture(autouse=True)
def _what_is_known_does_not_age(monkeypatch: pytest.MonkeyPatch) -> None:
    # A machine that pauses for a second between two lines changes nothing.
    for module in ("keys", "sessions"):
        monkeypatch.setattr(f"llmlabel.access.{module}.FRESH_SECONDS", 3600.0)


@pytest.fixture
def access(store: Store) -> Access:
    return Access(store)


def test_only_the_whole_key_opens(access: Access) -> None:
    key, text = access.keys.create("ann", ["reviewer"], "default", by="cli:root")
    assert access.keys.verify(text) == key
    for wrong in (text[:-1], text + "x", text[:-1] + ("a" if text[-1] != "a" else "b"), "", "ann"):
        with pytest.raises(Unauthorized):
            access.keys.verify(wrong)
        assert access.keys.remembered(wrong) is None


def test_a_secret_is_kept_as_a_salted_scrypt_hash_only(
    access: Access, store: Store, database_url: str, tmp_path: Path
) -> None:
    _, text = access.keys.create("ann", ["reviewer"], "default", by="cli:root")
    session = access.sessions.begin(access.keys.verify(text))
    [(_, kept)] = store.keys.hashes().values()
    assert re.fullmatch(r"scrypt:14:8:1:[\w+/]{22}==:[\w+/]{43}=", kept)
    assert hashed(text) != hashed(text)
    assert matches(text, kept)
    secret = text.rpartition("_")[2]
    if database_url.startswith("sqlite"):
        store.close()
        held = b"".join(file.read_bytes() for file in tmp_path.glob("store.db*"))
        assert text[:15].encode() not in held  # llml_ and the id, as the key has them
        assert secret.encode() not in held
        assert session.token.encode() not in held
        assert token_hash(session.token).encode() in held


def test_a_verified_key_is_remembered_until_it_is_revoked(access: Access) -> None:
    key, text = access.keys.create("ann", ["reviewer"], "default", by="cli:root")
    assert access.keys.remembered(text) is None
    access.keys.verify(text)
    assert access.keys.remembered(text) == key
    revoked = access.keys.revoke(key.id)
    assert revoked.revoked_at is not None
    assert access.keys.remembered(text) is None
    with pytest.raises(Unauthorized, match="revoked"):
        access.keys.verify(text)


def test_revocation_elsewhere_counts_as_soon_as_the_keys_are_read_anew(
    access: Access, store: Store
) -> None:
    key, text = access.keys.create("ann", ["reviewer"], "default", by="cli:root")
    access.keys.verify(text)
    other = Access(store)
    other.keys.revoke(key.id)
    access.keys.refresh()  # which every request asks for when the last one is a second old
    assert access.keys.remembered(text) is None
    assert FRESH_SECONDS <= 1


def test_a_key_ends_by_itself(store: Store) -> None:
    now = [datetime(2026, 5, 1, tzinfo=UTC)]
    store.database.clock = lambda: now[0]
    access = Access(store)
    access.keys = Keys(store.keys, lambda: now[0], Projects(store.database))
    ends = now[0] + timedelta(days=1)
    key, text = access.keys.create("ann", ["admin"], "default", by="", expires_at=ends)
    assert access.keys.verify(text) == key
    assert access.keys.usable
    now[0] = ends
    assert access.keys.remembered(text) is None
    with pytest.raises(Unauthorized, match="expired"):
        access.keys.verify(text)
    assert access.keys.exist
    assert not access.keys.usable
    with pytest.raises(InvalidInput, match="already"):
        access.keys.create("ann", ["admin"], "default", by="", expires_at=ends)


def test_a_key_has_a_name_roles_and_a_project_that_exist(access: Access) -> None:
    for name in ("", "  ", "a\nb", "x" * 201, "a\x00b", "a\ud800"):
        with pytest.raises(InvalidInput, match="name"):
            access.keys.create(name, ["admin"], "default", by="")
    for roles in ([], ["owner"], ["admin", ""]):
        with pytest.raises(InvalidInput, match="role"):
            access.keys.create("ann", roles, "default", by="")
    with pytest.raises(NotFound, match="project"):
        access.keys.create("ann", ["admin"], "elsewhere", by="")
    assert not access.keys.list()
    key, _ = access.keys.create(" ann ", ["admin", "reviewer", "admin"], "default", by="")
    assert (key.name, key.roles) == ("ann", ("reviewer", "admin"))


def test_a_project_sees_its_own_keys_alone(access: Access, store: Store) -> None:
    Projects(store.database).create("east")
    ours, _ = access.keys.create("ann", ["admin"], "default", by="")
    theirs, _ = access.keys.create("eve", ["admin"], "east", by="")
    assert access.keys.list("default") == [ours]
    assert access.keys.list("east") == [theirs]
    assert access.keys.list() == [ours, theirs]
    for act in (access.keys.get, access.keys.revoke):
        with pytest.raises(NotFound, match="llmlabel keys list"):
            act(theirs.id, "default")
    assert access.keys.active(theirs.id) == theirs


def test_a_key_of_a_deleted_project_counts_no_more(access: Access, store: Store) -> None:
    projects = Projects(store.database)
    projects.create("east")
    key, text = access.keys.create("eve", ["admin"], "east", by="")
    assert access.keys.verify(text) == key
    projects.close("east")
    access.keys.refresh()
    assert access.keys.remembered(text) is None
    assert access.keys.exist
    assert not access.keys.usable
    with pytest.raises(Unauthorized, match="deleted"):
        access.keys.verify(text)


def test_a_session_ends_with_its_time_its_key_and_by_hand(store: Store) -> None:
    now = [datetime(2026, 5, 1, tzinfo=UTC)]
    store.database.clock = lambda: now[0]
    access = Access(store, session_hours=2)
    soon = now[0] + timedelta(hours=1)
    key, _ = access.keys.create("ann", ["reviewer"], "default", by="")
    short, _ = access.keys.create("bob", ["reviewer"], "default", by="", expires_at=soon)
    first, second, third = (access.sessions.begin(each) for each in (key, key, short))
    assert first.expires_at == now[0] + timedelta(hours=2)
    assert third.expires_at == soon
    hashes = [token_hash(each.token) for each in (first, second, third)]
    assert [found and found.key_id for found in map(access.sessions.find, hashes)] == [
        key.id,
        key.id,
        short.id,
    ]
    access.sessions.end(hashes[0])
    assert access.sessions.find(hashes[0]) is None
    assert access.sessions.find(hashes[1]) is not None
    access.keys.revoke(key.id)
    assert access.sessions.find(hashes[1]) is None
    assert access.sessions.remembered(hashes[2])[1]
    now[0] = soon
    assert access.sessions.find(hashes[2]) is None
    assert access.sessions.remembered(hashes[2])[0] is None


def test_while_the_database_is_away_the_keys_known_last_go_on_to_count(
    access: Access, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, text = access.keys.create("ann", ["reviewer"], "default", by="")
    access.keys.verify(text)

    def gone() -> None:
        raise StoreUnavailable("The database cannot be reached.")

    monkeypatch.setattr(store.keys, "hashes", gone)
    access.keys.refresh()
    assert access.keys.remembered(text) == key
    with pytest.raises(StoreUnavailable):
        Access(store).keys.refresh()  # which knows nothing: it must not be open


def test_nothing_but_a_key_has_an_id() -> None:
    made = new_secret()
    assert id_in(made.text) == made.id

    @settings(deadline=None)
    @given(st.text(min_size=1, max_size=80))
    def holds(text: str) -> None:
        assert id_in(text) is None
        assert id_in(made.text + text) is None
        assert id_in(text + made.text) is None

    holds()
