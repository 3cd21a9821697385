from __future__ import annotations

import sqlite3
from pathlib import Path

import alembic.command
import pytest
from alembic.config import Config
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.domain.answer import Answer, ChoiceAnswer
from llmlabel.domain.document import Document, sha256_of
from llmlabel.domain.gold import CERTIFY_SHARE, NewGold, blind_draw, draw, part_of
from llmlabel.errors import Conflict, NotFound
from llmlabel.store import GoldImport, Store, migrate
from llmlabel.store.database import Database

REF = "sentiment@1.0.0"
POSITIVE, NEGATIVE = ChoiceAnswer(label="positive"), ChoiceAnswer(label="negative")


def _new(text: str, answer: Answer | None = POSITIVE, place: str = "") -> NewGold:
    return NewGold(document=Document.of_text(text), answer=answer, place=place)


def test_imported_gold_reads_back_in_order_with_its_part(store: Store) -> None:
    texts = [f"text {n}" for n in range(30)]
    assert store.gold.add([_new(text) for text in texts], REF, origin="g.jsonl").added == 30
    items = store.gold.items(REF)
    assert [item.document.text for item in items] == texts
    assert {(item.origin, item.source, item.sampled) for item in items} == {
        ("g.jsonl", "import", 1.0)
    }
    fit, certify = (store.gold.items(REF, part) for part in ("fit", "certify"))
    assert len(fit) + len(certify) == 30
    assert all(part_of(item.document.text_sha256) == "certify" for item in certify)
    assert store.gold.items("sentiment@2.0.0") == []
    assert store.gold.get(items[3].id) == items[3]
    with pytest.raises(NotFound):
        store.gold.get("g-none")


def test_the_same_gold_again_is_harmless(store: Store) -> None:
    assert store.gold.add([_new("a"), _new("a")], REF) == GoldImport(added=1, known=1)
    assert store.gold.add([_new("a"), _new("b", None)], REF) == GoldImport(added=1, known=1)
    assert [item.answer for item in store.gold.items(REF)] == [POSITIVE, None]


def test_gold_that_contradicts_what_is_stored_is_refused_whole(store: Store) -> None:
    store.gold.add([_new("a")], REF, origin="first.jsonl")
    with pytest.raises(Conflict, match=r"f:2.*first\.jsonl"):
        store.gold.add([_new("b"), _new("a", NEGATIVE, "f:2")], REF)
    with pytest.raises(Conflict, match=r"f:2.*f:1"):
        store.gold.add([_new("c", place="f:1"), _new("c", None, "f:2")], REF)
    assert [item.document.text for item in store.gold.items(REF)] == ["a"]
    store.gold.add([_new("a", NEGATIVE)], "sentiment@2.0.0")


def test_a_replaced_answer_counts_and_the_old_one_does_not(store: Store) -> None:
    store.gold.add([_new("a"), _new("b")], REF)
    done = store.gold.add([_new("a", NEGATIVE)], REF, replace=True)
    assert done == GoldImport(added=1, replaced=1)
    assert {item.document.text: item.answer for item in store.gold.items(REF)} == {
        "a": NEGATIVE,
        "b": POSITIVE,
    }
    assert sum(each.n for each in store.gold.counts(REF)) == 2


def test_counts_tell_labels_and_documents_without_a_right_answer(store: Store) -> None:
    store.gold.add([_new(f"t{n}") for n in range(9)] + [_new("none", None)], REF)
    counts = store.gold.counts()
    assert sum(each.n for each in counts) == 10
    labels: dict[str, int] = {}
    for each in counts:
        for name, n in each.labels.items():
            labels[name] = labels.get(name, 0) + n
    assert labels == {"positive": 9, "": 1}


def test_the_hashes_share_out_texts_as_they_say_and_independently() -> None:
    hashes = [sha256_of(str(n)) for n in range(4000)]
    certify = [part_of(each) == "certify" for each in hashes]
    drawn = [draw("s", REF, each) < 0.3 for each in hashes]
    blind = [blind_draw("s", REF, each) < 0.2 for each in hashes]
    assert sum(certify) / 4000 == pytest.approx(CERTIFY_SHARE, abs=0.03)
    assert sum(drawn) / 4000 == pytest.approx(0.3, abs=0.03)
    for one, other, both in ((certify, drawn, 0.12), (drawn, blind, 0.06), (certify, blind, 0.08)):
        together = sum(a and b for a, b in zip(one, other, strict=True)) / 4000
        assert together == pytest.approx(both, abs=0.02)


@given(st.text(), st.text(max_size=20), st.text(max_size=20))
def test_a_draw_is_a_share_and_repeats(text: str, seed: str, ref: str) -> None:
    sha256 = sha256_of(text.encode("utf-8", "replace").decode())
    seed, ref = (each.encode("utf-8", "replace").decode() for each in (seed, ref))
    value = draw(seed, ref, sha256)
    assert 0 <= value < 1
    assert value == draw(seed, ref, sha256)
    assert draw(seed + "x", ref, sha256) != value


def test_a_database_of_the_first_schema_keeps_its_reviews_as_doubts(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    database = Database(f"sqlite:///{path}")
    with database.write() as connection:
        config = Config()
        folder = Path(migrate.__file__).parent / "migrations"
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "0001")
    database.close()
    with sqlite3.connect(path) as raw:
        raw.execute(
            "insert into documents (id, text, text_sha256, metadata, created_at) "
            "values ('a', 'x', ?, '{}', '2026-01-01 00:00:00.000000')",
            (sha256_of("x"),),
        )
        label = (
            '{"document_id":"a","text_sha256":"x","guideline":"sentiment@1.0.0",'
            '"guideline_sha256":"0","answer":null,"confidence":null,"route":"review",'
            '"reason":"r","threshold":0.8,"created_at":"2026-01-01T00:00:00Z"}'
        )
        raw.execute(
            "insert into labels (id, document_id, guideline, run, route, verified, opinions_of, "
            "payload, created_at) values ('l', 'a', 'sentiment@1.0.0', 1, 'review', 0, 'l', ?, "
            "'2026-01-01 00:00:00.000000')",
            (label,),
        )
        raw.execute(
            "insert into reviews (id, label_id, document_id, guideline, reason, status, priority, "
            "token, created_at) values ('r', 'l', 'a', 'sentiment@1.0.0', 'r', 'open', 0, 0, "
            "'2026-01-01 00:00:00.000000')"
        )
    store = Store.open(f"sqlite:///{path}", recordings=tmp_path)
    item = store.reviews.get("r")
    assert (item.kind, item.blind, item.sampled) == ("doubt", False, None)
    assert migrate.drift(store.database) == []
    store.close()
