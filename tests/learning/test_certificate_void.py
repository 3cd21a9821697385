"""A certificate holds for one pipeline; whatever changes what answers depend on ends it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live_parts import World, a_guideline

from llmlabel.bootstrap import Application, build
from llmlabel.confidence.choice_calibrator import ChoiceCalibrator
from llmlabel.domain.guideline import LabelerStep
from llmlabel.domain.promise import Certificate, Promise
from llmlabel.learned import Learned
from llmlabel.settings import Settings
from llmlabel.shipped import search_folders

REF = "mood@1.0.0"
PROMISE = Promise(error=0.05, probability=0.95)
GUIDELINE = a_guideline(promise=PROMISE)


def application(home: Path, **settings: object) -> Application:
    given = {"home": home, "llm": "openai/one", "llm_api_key": "none", **settings}
    return build(Settings(**given))  # type: ignore[arg-type]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    app = application(tmp_path)
    yield app
    app.store.close()


@pytest.fixture
async def certificate(app: Application) -> Certificate:
    world = World(app.store, GUIDELINE)
    world.gold(200)
    world.identity = app.identity(GUIDELINE)
    made = await world.certify(PROMISE)
    assert made.status == "active"
    return made


def ended(app: Application, certificate: Certificate) -> str:
    """Why it was ended as void, after the next batch asked what is in force."""
    routing = app.routing_for(GUIDELINE)
    assert routing.certificate is None
    assert "nothing proves it yet" in routing.blocked
    now = app.store.certificates.get(certificate.id)
    assert now.status == "void"
    return now.reason


def test_an_unchanged_pipeline_keeps_its_certificate(
    app: Application, certificate: Certificate
) -> None:
    for each in (app, application(app.settings.home)):
        routing = each.routing_for(GUIDELINE)
        assert routing.certificate == certificate
        assert routing.blocked == ""


def test_another_model_voids_it(app: Application, certificate: Certificate) -> None:
    assert "labelers" in ended(application(app.settings.home, llm="openai/two"), certificate)


@pytest.mark.parametrize(
    "setting", [{"llm_api_base": "https://other.example/v1"}, {"llm_samples": 9}]
)
def test_another_server_or_another_way_to_ask_it_voids_it(
    app: Application, certificate: Certificate, setting: dict[str, object]
) -> None:
    assert "labelers" in ended(application(app.settings.home, **setting), certificate)


def test_another_model_under_the_same_path_is_another_pipeline(tmp_path: Path) -> None:
    gguf, pipeline = tmp_path / "mine.gguf", tmp_path / "my_pipeline"
    pipeline.mkdir()
    gguf.write_bytes(b"one")
    (pipeline / "meta.json").write_text("{}", "utf-8")
    app = application(tmp_path, llm=str(gguf), spacy_model=str(pipeline))
    steps = (LabelerStep(name="llm"), LabelerStep(name="spacy"))
    both = GUIDELINE.model_copy(update={"labelers": steps})
    before = app.identity(both)
    assert app.identity(both) == before
    gguf.write_bytes(b"another")
    llm = app.identity(both)
    (pipeline / "meta.json").write_text('{"version": "2"}', "utf-8")
    assert before != llm != app.identity(both)
    app.store.close()


def test_another_version_of_an_installed_pipeline_is_another_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = application(tmp_path, spacy_model="my_installed_pipeline")
    spacy = GUIDELINE.model_copy(update={"labelers": (LabelerStep(name="spacy"),)})
    found = []
    for version in ("1.0.0", "1.1.0"):
        info = tmp_path / version / f"my_installed_pipeline-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: my_installed_pipeline\nVersion: {version}\n", "utf-8"
        )
        monkeypatch.syspath_prepend(str(info.parent))
        found.append(app.identity(spacy))
    assert found[0] != found[1]


def test_another_prompt_voids_it(
    app: Application, certificate: Certificate, tmp_path: Path
) -> None:
    [shipped] = [
        found
        for folder in search_folders("prompts")
        if (found := folder / "choice" / "1.0.0.jinja").is_file()
    ][:1]
    mine = tmp_path / "prompts" / "choice" / "1.0.0.jinja"
    mine.parent.mkdir(parents=True)
    mine.write_text(shipped.read_text("utf-8") + "\n{# mine #}\n", "utf-8")
    other = application(app.settings.home, prompt_paths=(mine.parents[1],))
    assert "labelers" in ended(other, certificate)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"sha256": "1" * 64}, "guideline_sha256"),
        ({"labelers": (LabelerStep(name="llm", model="openai/two"),)}, "labelers"),
        ({"labelers": (LabelerStep(name="llm"), LabelerStep(name="llm"))}, "labelers"),
    ],
)
def test_another_guideline_voids_it(
    app: Application, certificate: Certificate, change: dict[str, object], named: str
) -> None:
    assert app.routing_for(GUIDELINE.model_copy(update=change)).certificate is None
    assert named in app.store.certificates.get(certificate.id).reason


def test_a_training_voids_it_and_going_back_does_not_bring_it_back(
    app: Application, certificate: Certificate
) -> None:
    learned = Learned(guideline=REF, calibrator=ChoiceCalibrator(("good", "bad"), {}), n=1)
    trainings = app.store.trainings
    id = trainings.begin(REF, GUIDELINE.sha256, "a test")
    trainings.finish(id, learned.to_bytes(), {}, activate=True)
    assert "training" in ended(app, certificate)
    trainings.deactivate(REF)
    assert app.routing_for(GUIDELINE).certificate is None


def test_a_closed_gate_lets_nothing_pass_whatever_was_proved(
    app: Application, certificate: Certificate
) -> None:
    app.store.gates.close(REF, "The promise was found broken.", certificate=certificate.id)
    routing = app.routing_for(GUIDELINE)
    assert routing.blocked == "The promise was found broken."
    assert routing.bar(GUIDELINE).threshold is None
