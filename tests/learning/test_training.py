from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from training_parts import LABELS, World, rows, topic

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold, part_of
from llmlabel.domain.label import Route
from llmlabel.errors import Conflict, InvalidInput, ModelUnauthorized, NotFound, TrainingUnderWay
from llmlabel.labelers.llm_choice import LlmChoice
from llmlabel.learned import Learned, LearnedJudge
from llmlabel.learning.certify import FIT_CONFIDENCES, FIT_TEXTS
from llmlabel.learning.gathering import CERTIFIES, SHOWN, gather
from llmlabel.learning.rollback import roll_back
from llmlabel.learning.training import due
from llmlabel.learning.training_report import TrainingReport
from llmlabel.store import Asker, Store

MARIA = Asker("maria", None, timedelta(hours=1))
SCRIPT = Path(__file__).parent / "training_parts.py"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'learn.db'}"


@pytest.fixture
def world(url: str, tmp_path: Path) -> Iterator[World]:
    store = Store.open(url, recordings=tmp_path / "recordings")
    yield World(store)
    store.close()


async def train(world: World, **given: object) -> TrainingReport:
    return await world.train(**given)


def active(world: World) -> str | None:
    row = world.store.trainings.active(world.guideline.ref, world.guideline.sha256)
    return row.id if row else None


async def test_a_training_is_in_use_at_once_and_says_what_came_of_it(world: World) -> None:
    made = world.gold(300)
    told: list[tuple[int, int]] = []
    report = await train(world, progress=lambda done, total: told.append((done, total)))
    row = world.store.trainings.active(world.guideline.ref, world.guideline.sha256)
    assert row is not None
    assert row.id == report.id
    assert TrainingReport.model_validate(row.report) == report
    fit = {d.text_sha256 for d, _ in made if part_of(d.text_sha256) == "fit"}
    assert set(report.fit_texts) == fit
    assert set(row.report[FIT_TEXTS]) == fit  # type: ignore[arg-type]
    assert len(row.report[FIT_CONFIDENCES]) == len(fit)  # type: ignore[arg-type]
    assert report.n == report.from_gold == len(fit)
    assert report.left_out == {CERTIFIES: 300 - len(fit)}
    assert told[0] == (0, len(fit))
    assert told[-1] == (len(fit), len(fit))


async def test_a_student_that_helps_joins_and_makes_the_answers_better(world: World) -> None:
    world.gold(300)
    report = await train(world)
    assert report.student
    assert report.paired_test is not None
    assert report.paired_test["helps"] is True
    assert report.before is not None
    assert report.after is not None
    assert report.after.accuracy > report.before.accuracy
    assert report.after.brier < report.before.brier
    learned = Learned.from_bytes(world.store.trainings.payload(report.id))
    assert learned.student is not None
    assert learned.n == report.n


async def test_what_was_learned_judges_new_documents_with_a_calibrated_confidence(
    world: World,
) -> None:
    world.gold(300)
    report = await train(world, student=False)
    assert not report.student
    learned = Learned.from_bytes(world.store.trainings.payload(report.id))
    documents = [document for document, _ in rows(20, 5000)]
    opinions = await world.pipeline.predict(documents, world.guideline, world.steps)
    judged = LearnedJudge(learned, report.id).judge(documents, world.guideline, opinions)
    sure = [each.confidence for each in judged if each.confidence]
    assert len(sure) == 20
    assert all(each.calibrated and each.calibrator == report.id for each in sure)


async def test_texts_that_certify_are_never_asked_about(world: World) -> None:
    made = world.gold(100)
    await train(world)
    asked = [prompt.messages[-1].content for prompt in world.model.prompts]
    kept = [d.text for d, _ in made if part_of(d.text_sha256) == "certify"]
    assert kept
    assert not [text for text in kept if any(text in each for each in asked)]


async def test_too_few_labels_are_refused_with_how_many_are_needed(world: World) -> None:
    world.gold(5)
    with pytest.raises(InvalidInput, match=r"has 5 verified labels.*At least 10 are needed"):
        await train(world)
    assert active(world) is None
    [row] = world.store.trainings.list(world.guideline.ref)
    assert row.status == "failed"
    assert "At least 10" in (row.error or "")


async def test_labels_of_one_class_calibrate_and_break_nothing(world: World) -> None:
    made = [(d, "food") for d, label in rows(240) if label == "food"]
    world.store.gold.add(
        [NewGold(document=d, answer=ChoiceAnswer(label=label)) for d, label in made],
        world.guideline.ref,
    )
    report = await train(world)
    assert report.after is not None
    assert 0.0 <= report.after.accuracy <= 1.0
    assert active(world) == report.id


async def test_a_document_without_a_right_answer_makes_answers_there_wrong(world: World) -> None:
    made = rows(100)
    answers = [
        NewGold(document=d, answer=None if i % 2 else ChoiceAnswer(label=label))
        for i, (d, label) in enumerate(made)
    ]
    world.store.gold.add(answers, world.guideline.ref)
    report = await train(world)
    assert report.after is not None
    assert report.after.accuracy < 0.7
    assert report.n == sum(part_of(d.text_sha256) == "fit" for d, _ in made)


async def test_two_trainings_at_once_are_one(world: World) -> None:
    world.gold(100)
    done = await asyncio.gather(train(world), train(world), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["TrainingReport", "TrainingUnderWay"]
    [row] = world.store.trainings.list(world.guideline.ref)
    assert row.active


async def test_a_training_can_wait_for_another(world: World) -> None:
    world.gold(100)
    first, second = await asyncio.gather(
        train(world, student=False, wait=30.0), train(world, student=False, wait=30.0)
    )
    assert {first.id, second.id} == {row.id for row in world.store.trainings.list()}


async def test_a_failing_labeler_leaves_the_earlier_training_in_use(world: World) -> None:
    world.gold(100)
    first = await train(world)

    class Rejected(LlmChoice):
        async def predict(self, *given: object) -> object:  # type: ignore[override]
            raise ModelUnauthorized("The key is not accepted.")

    world.steps[0].labeler.__class__ = Rejected
    with pytest.raises(ModelUnauthorized):
        await train(world)
    assert active(world) == first.id
    newest = world.store.trainings.list(world.guideline.ref)[0]
    assert (newest.status, newest.error) == ("failed", "The key is not accepted.")


async def test_an_interrupted_training_makes_way_for_the_next(world: World) -> None:
    world.gold(100)
    task = asyncio.create_task(train(world))
    while not world.store.trainings.list(world.guideline.ref):  # noqa: ASYNC110
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    report = await train(world)
    assert active(world) == report.id


async def test_one_interrupted_as_it_begins_makes_way_as_well(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.gold(100)
    begin = world.store.trainings.begin
    entered, go_on = threading.Event(), threading.Event()

    def slow(*given: str) -> str:
        entered.set()
        go_on.wait(60)
        return begin(*given)

    with monkeypatch.context() as patch:
        patch.setattr(world.store.trainings, "begin", slow)
        task = asyncio.create_task(train(world))
        await asyncio.to_thread(entered.wait)
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [row.status for row in world.store.trainings.list()] == ["failed"]
    report = await train(world)
    assert active(world) == report.id


def _kill_in_the_middle(url: str, folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), url, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "begun" in process.stdout.readline()
        process.kill()


async def test_what_a_killed_training_began_changes_nothing(
    world: World, url: str, tmp_path: Path
) -> None:
    world.gold(100)
    first = await train(world)
    await asyncio.to_thread(_kill_in_the_middle, url, tmp_path)
    assert active(world) == first.id
    with pytest.raises(TrainingUnderWay, match="a process that dies"):
        await train(world)
    world.store.database.clock = lambda: datetime.now(UTC) + timedelta(seconds=90)
    second = await train(world)
    assert active(world) == second.id
    killed = [row for row in world.store.trainings.list() if row.status == "failed"]
    assert [row.started_by for row in killed] == ["a process that dies"]


async def test_one_that_was_taken_for_dead_is_not_used(world: World) -> None:
    world.gold(100)
    score = world.model.score

    async def taken_over(prompts: object, candidates: object) -> object:
        later = datetime.now(UTC) + timedelta(hours=1)
        world.store.database.clock = lambda: later
        world.store.trainings.begin(world.guideline.ref, world.guideline.sha256, "another")
        world.model.score = score  # type: ignore[method-assign]
        return await score(prompts, candidates)  # type: ignore[arg-type]

    world.model.score = taken_over  # type: ignore[method-assign, assignment]
    with pytest.raises(Conflict):
        await train(world)
    assert active(world) is None


async def test_a_verdict_taken_back_is_not_learned_from(world: World) -> None:
    decided = await world.verdicts(60, 1000)
    world.store.reviews.verdicts.undo(MARIA, decided[-1])
    undone = world.store.reviews.get(decided[-1]).document
    report = await train(world)
    assert report.known == 59
    assert report.from_gold == 0
    assert undone.text_sha256 not in report.fit_texts


async def test_a_changed_guideline_is_not_served_by_what_the_old_text_taught(
    world: World,
) -> None:
    world.gold(100)
    await train(world)
    changed = world.guideline.model_copy(update={"sha256": "1" * 64})
    assert world.store.trainings.active(changed.ref, changed.sha256) is None
    with pytest.raises(InvalidInput, match="another text"):
        roll_back(world.store, changed, world.store.trainings.list()[0].id)


async def test_labels_that_the_guideline_has_no_more_are_left_out(world: World) -> None:
    world.gold(100)
    fewer = world.guideline.model_copy(update={"labels": world.guideline.labels[:2]})
    report = await train(world, guideline=fewer)
    assert any("does not have" in reason for reason in report.left_out)
    learned = Learned.from_bytes(world.store.trainings.payload(report.id))
    assert learned.calibrator.to_dict()["labels"] == list(LABELS[:2])


def test_a_text_that_is_shown_as_an_example_is_left_out(world: World) -> None:
    shown = Document.of_text(world.guideline.examples[0].text)
    world.store.gold.add(
        [NewGold(document=shown, answer=ChoiceAnswer(label="food"))], world.guideline.ref
    )
    world.gold(100)
    found = gather(world.guideline, world.store.verified(world.guideline.ref), 10)
    assert shown.text_sha256 not in found.text_sha
    expected = {CERTIFIES} if part_of(shown.text_sha256) == "certify" else {CERTIFIES, SHOWN}
    assert set(found.left_out) == expected


async def test_an_audited_document_stands_for_those_that_were_not_drawn(world: World) -> None:
    await world.verdicts(60, 2000, Route.ACCEPTED, audit_rate=0.5, drawn=True)
    await world.verdicts(60, 3000, Route.REVIEW, audit_rate=0.5, drawn=True)
    found = gather(world.guideline, world.store.verified(world.guideline.ref), 10)
    audited = [d.text.rsplit(" ", 1)[1].startswith("20") for d in found.documents]
    assert found.weight.tolist() == [2.0 if each else 1.0 for each in audited]
    assert found.sampled.all()


async def test_the_newest_answer_to_a_text_counts(world: World) -> None:
    [(document, _)] = [(d, label) for d, label in rows(9) if part_of(d.text_sha256) == "fit"][:1]
    world.gold(9)
    world.store.gold.add(
        [NewGold(document=document, answer=ChoiceAnswer(label="sport"))],
        world.guideline.ref,
        replace=True,
    )
    found = gather(world.guideline, world.store.verified(world.guideline.ref), 1)
    at = found.text_sha.index(document.text_sha256)
    assert found.answers[at] == ChoiceAnswer(label="sport")


async def test_verified_examples_are_kept_where_the_policy_asks_for_them(
    url: str, tmp_path: Path
) -> None:
    store = Store.open(url, recordings=tmp_path / "recordings")
    world = World(store, topic(verified_examples=2))
    world.gold(60)
    report = await train(world)
    assert report.examples == report.n
    learned = Learned.from_bytes(store.trainings.payload(report.id))
    assert learned.pool is not None
    # While training, no text was shown its own verified label.
    for prompt in world.model.prompts:
        *shown, asked = prompt.messages
        assert asked.content not in {message.content for message in shown}
        assert len(prompt.messages) == 2 + 2 * 3
    without = await train(world, examples=False)
    assert without.examples == 0
    store.close()


async def test_rolling_back_goes_step_by_step_to_none(world: World) -> None:
    with pytest.raises(InvalidInput, match="nothing to go back from"):
        roll_back(world.store, world.guideline)
    world.gold(60)
    first, second = await train(world), await train(world, student=False)
    back = roll_back(world.store, world.guideline)
    assert back is not None
    assert back.id == first.id == active(world)
    assert roll_back(world.store, world.guideline) is None
    assert active(world) is None
    assert roll_back(world.store, world.guideline, second.id[:12]) is not None
    assert active(world) == second.id
    assert roll_back(world.store, world.guideline, "none") is None
    assert active(world) is None
    with pytest.raises(NotFound, match="has no training"):
        roll_back(world.store, world.guideline, "t-unknown")


async def test_a_training_is_due_after_so_many_verdicts(store: Store) -> None:
    world = World(store)
    ref = world.guideline.ref
    assert not due(store, ref, 20)
    reviews = await world.verdicts(30, 4000)
    assert due(store, ref, 30)
    assert not due(store, ref, 31)
    assert not due(store, ref, 0)
    store.reviews.verdicts.undo(MARIA, reviews[-1])
    assert not due(store, ref, 30)
    await train(world, student=False)
    assert not due(store, ref, 1)
    await world.verdicts(3, 6000)
    assert due(store, ref, 3)
    assert not due(store, "topic@2.0.0", 1)
