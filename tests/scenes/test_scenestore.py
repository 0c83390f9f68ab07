from __future__ import annotations

import dataclasses
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hand_scenes import room
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ouroboros_data.digest import scene_digest
from ouroboros_data.errors import SceneError, StoreError
from ouroboros_data.scenes import store as scenestore
from ouroboros_data.types import CameraFrame, ObjectView, Room, Scene, SceneObject, Video

KEY = "0123456789abcdef"

numbers = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=1e-300, allow_infinity=False)
shares = st.floats(min_value=1e-12, max_value=1)
names = st.text(st.characters(codec="utf-8", exclude_characters=",()"), min_size=1, max_size=20).filter(
    lambda text: not text[0].isspace() and text[0] not in "\x1c\x1d\x1e\x1f\x85\u180e\ufeff"
)
sizes = st.tuples(st.integers(1, 9999), st.integers(1, 9999))


def rows(n: int, m: int):
    return st.tuples(*[st.tuples(*[numbers] * m)] * n)


@st.composite
def scenes(draw) -> Scene:
    objects = tuple(
        SceneObject(
            id=f"o{i}",
            category=draw(st.sampled_from(["chair", "coat rack", "größe"])),
            center_m=draw(st.tuples(*[numbers] * 3)),
            extent_m=draw(st.tuples(*[positive] * 3)),
            R_world_object=draw(rows(3, 3)),
            box_kind=draw(st.sampled_from(["annotated", "axis_aligned", "gravity", "free"])),
            raw_label=draw(st.text(st.characters(codec="utf-8"), max_size=20)),
            nyu40=draw(st.none() | st.integers(0, 40)),
            point_count=draw(st.none() | st.integers(1, 2**40)),
        )
        for i in range(draw(st.integers(1, 3)))
    )
    view = st.builds(
        ObjectView,
        object_id=st.sampled_from([o.id for o in objects]),
        pixel_share=shares,
        projected_share=st.none() | shares,
        truncated_share=st.none() | st.floats(0, 0.99),
    )
    frame = st.builds(
        CameraFrame,
        id=names,
        index=st.integers(0, 2**60),
        time_s=st.floats(0, 1e300),
        size_px=sizes,
        K_px=rows(3, 3),
        T_world_camera=rows(4, 4),
        turn_deg=st.sampled_from([0, 90, 180, 270]),
        views=st.lists(view, max_size=3).map(tuple),
    )
    video = st.builds(
        Video,
        path=st.just("video.mp4"),
        sha256=st.just("0a" * 32),
        fps=positive,
        frame_count=st.integers(1, 2**40),
        size_px=sizes,
    )
    return Scene(
        id=draw(names),
        source=draw(names),
        space_id=draw(names),
        license=draw(st.text(st.characters(codec="utf-8"), min_size=1, max_size=9)),
        frames_origin=draw(st.sampled_from(["captured", "rendered"])),
        room=Room(
            area_m2=draw(positive),
            floor_polygon_m=draw(st.lists(st.tuples(numbers, numbers), max_size=5).map(tuple)),
            height_m=draw(st.none() | positive),
        ),
        objects=objects,
        frames=draw(st.lists(frame, max_size=3).map(tuple)),
        video=draw(st.none() | video),
    )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    scenestore.create(tmp_path / "store")
    return tmp_path / "store"


def scanned(raw: Path, scene: Scene | None = None, place: str = "scan-1") -> Scene:
    """A scene whose pictures lie in a raw tree."""
    (raw / place).mkdir(parents=True, exist_ok=True)
    return dataclasses.replace(scene or room(), root=str(raw / place))


def put(store: Path, scene: Scene, raw: Path, key: str = KEY) -> scenestore.Entry:
    name = scenestore.root_name(store, "scans", raw)
    return scenestore.put(store, scene, key=key, adapter="scans", bases={name: str(raw)})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scenes())
def test_what_comes_back_is_the_record(tmp_path_factory, scene: Scene) -> None:
    store = tmp_path_factory.mktemp("s")
    scenestore.create(store)
    scene = scanned(store / "raw", scene)
    if scene.video:
        (Path(scene.root) / scene.video.path).touch()
    put(store, scene, store / "raw")
    (entry,) = scenestore.entries(store)
    back = scenestore.load(store, entry)
    assert back == scene
    # Equal is not enough: -0.0 == 0.0, and 1 == 1.0, yet their digests differ.
    assert scene_digest(back) == scene_digest(scene) == entry.digest
    assert entry.file == next((store / "scenes").iterdir()).name and entry.digest[:16] in entry.file
    assert (entry.id, entry.source, entry.space_id) == (scene.id, scene.source, scene.space_id)
    assert (entry.objects, entry.frames) == (len(scene.objects), len(scene.frames))


def test_integers_in_place_of_numbers_become_numbers(store: Path, tmp_path: Path) -> None:
    scene = scanned(tmp_path / "raw", dataclasses.replace(room(), room=Room(area_m2=24)))
    entry = put(store, scene, tmp_path / "raw")
    back = scenestore.load(store, entry)
    assert back == scene and type(back.room.area_m2) is float and scene_digest(back) == entry.digest


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_named(store: Path, tmp_path: Path, bad: float) -> None:
    frame = room().frames[1]
    pose = (*frame.T_world_camera[:2], (0.0, 0.0, 1.0, bad), frame.T_world_camera[3])
    broken = dataclasses.replace(
        room(), frames=(room().frames[0], dataclasses.replace(frame, T_world_camera=pose))
    )
    with pytest.raises(
        SceneError, match=r"room: frames\[1\]\.T_world_camera\[2\]\[3\] is not a finite number"
    ):
        put(store, scanned(tmp_path / "raw", broken), tmp_path / "raw")
    assert scenestore.entries(store) == []


def test_a_record_that_breaks_the_schema_is_refused(store: Path, tmp_path: Path) -> None:
    broken = dataclasses.replace(room(), objects=())
    with pytest.raises(SceneError, match="room: objects: "):
        put(store, scanned(tmp_path / "raw", broken), tmp_path / "raw")
    huge = dataclasses.replace(room(), frames=(dataclasses.replace(room().frames[0], index=2**70),))
    with pytest.raises(SceneError, match="room: cannot be stored"):
        put(store, scanned(tmp_path / "raw", huge), tmp_path / "raw")


def test_the_same_scene_is_not_written_twice(store: Path, tmp_path: Path) -> None:
    first = put(store, scanned(tmp_path / "raw"), tmp_path / "raw")
    path = store / "scenes" / first.file
    before = path.stat()
    assert put(store, scanned(tmp_path / "raw"), tmp_path / "raw") == first
    assert path.stat().st_mtime_ns == before.st_mtime_ns and path.stat().st_ino == before.st_ino
    assert len(scenestore.entries(store)) == 1


def test_another_record_of_a_scene_replaces_it(store: Path, tmp_path: Path) -> None:
    old = put(store, scanned(tmp_path / "raw"), tmp_path / "raw")
    changed = dataclasses.replace(room(), room=Room(area_m2=25.0))
    new = put(store, scanned(tmp_path / "raw", changed), tmp_path / "raw", "f" * 16)
    assert scenestore.entries(store) == [new]
    scenestore.sweep(store)
    assert [path.name for path in (store / "scenes").iterdir()] == [new.file] != [old.file]


def test_names_that_no_file_system_takes(store: Path, tmp_path: Path) -> None:
    names = ["../../up", ".hidden", "a/b", "x" * 200, "ключ"]
    for name in names:
        put(store, scanned(tmp_path / "raw", dataclasses.replace(room(), id=name)), tmp_path / "raw")
    assert {entry.id for entry in scenestore.entries(store)} == set(names)
    assert len(list((store / "scenes").glob("*.parquet"))) == 5
    assert not list(tmp_path.glob("*.parquet"))


def test_the_index_is_made_again_when_it_is_lost_or_damaged_or_old(store: Path, tmp_path: Path) -> None:
    for number in range(3):
        put(store, scanned(tmp_path / "raw", dataclasses.replace(room(), id=f"r{number}")), tmp_path / "raw")
    there = scenestore.entries(store)
    index = store / "index.parquet"
    first = index.read_bytes()
    index.unlink()
    assert scenestore.entries(store) == there and index.read_bytes() == first
    index.write_bytes(b"nonsense")
    assert scenestore.entries(store) == there and index.read_bytes() == first
    (store / "scenes" / there[1].file).unlink()
    assert scenestore.entries(store) == [there[0], there[2]]
    assert pq.read_table(index).num_rows == 2


def test_the_index_spares_reading_the_files(store: Path, tmp_path: Path, monkeypatch) -> None:
    put(store, scanned(tmp_path / "raw"), tmp_path / "raw")
    there = scenestore.entries(store)
    monkeypatch.setattr(scenestore.scenetable, "read_footer", lambda path: pytest.fail(f"{path} was read"))
    assert scenestore.entries(store) == there


def test_a_store_that_cannot_be_written_can_be_read(store: Path, tmp_path: Path, monkeypatch) -> None:
    put(store, scanned(tmp_path / "raw"), tmp_path / "raw")

    def refuse(path: Path, content: object) -> None:
        raise StoreError("read-only file system", where=str(path))

    monkeypatch.setattr(scenestore, "write_atomic", refuse)
    (entry,) = scenestore.entries(store)
    assert scenestore.load(store, entry).objects == room().objects


@pytest.mark.parametrize("cut", [0, 3, 100, -9, -1])
def test_damaged_files_are_left_out_and_named(store: Path, tmp_path: Path, cut: int) -> None:
    good = put(store, scanned(tmp_path / "raw"), tmp_path / "raw")
    bad = put(store, scanned(tmp_path / "raw", dataclasses.replace(room(), id="bad")), tmp_path / "raw")
    path = store / "scenes" / bad.file
    path.write_bytes(path.read_bytes()[:cut])
    assert scenestore.entries(store) == [good]
    assert scenestore.damaged(store) == [path]
    with pytest.raises(SceneError, match=r"damaged \(delete the file and run `ouroboros-data scenes ingest`"):
        scenestore.load(store, bad)


def test_every_flipped_byte_is_noticed_or_harmless(store: Path, tmp_path: Path) -> None:
    scene = scanned(tmp_path / "raw")
    entry = put(store, scene, tmp_path / "raw")
    path = store / "scenes" / entry.file
    good = path.read_bytes()
    noticed = 0
    for at in range(0, len(good), 7):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :])
        try:
            assert scenestore.load(store, entry) == scene
        except SceneError as error:
            assert str(path) in str(error)
            noticed += 1
    assert noticed > len(good) / 7 / 3


def test_another_record_under_the_same_name_is_noticed(store: Path, tmp_path: Path) -> None:
    entry = put(store, scanned(tmp_path / "raw"), tmp_path / "raw")
    other = put(
        store,
        scanned(tmp_path / "raw", dataclasses.replace(room(), room=Room(area_m2=1.0))),
        tmp_path / "raw",
    )
    shutil.copy(store / "scenes" / other.file, store / "scenes" / entry.file)
    with pytest.raises(SceneError, match="the record was changed after it was written"):
        scenestore.load(store, entry)


def test_machine_paths_stand_in_roots_json_only(store: Path, tmp_path: Path) -> None:
    raw = tmp_path / "secret-place"
    entry = put(store, scanned(raw), raw)
    assert (entry.base, entry.place) == ("scans", "scan-1")
    scenestore.entries(store)
    holders = [p.name for p in store.rglob("*") if p.is_file() and b"secret-place" in p.read_bytes()]
    assert holders == ["roots.json"]
    elsewhere = put(store, scanned(tmp_path / "elsewhere"), tmp_path / "elsewhere", "a" * 16)
    assert elsewhere.base == "scans-2"
    # The digest and the file's name do not know where the scan lies.
    assert elsewhere.digest == entry.digest and elsewhere.file == entry.file


def test_on_another_machine_the_store_says_how_to_tell_it(store: Path, tmp_path: Path) -> None:
    video = Video(path="color", sha256="00" * 32, fps=1.0, frame_count=1, size_px=(4, 4))
    scene = scanned(tmp_path / "raw", dataclasses.replace(room(), video=video))
    (Path(scene.root) / "color").mkdir()
    entry = put(store, scene, tmp_path / "raw")
    assert scenestore.load(store, entry) == scene
    moved = tmp_path / "there"
    shutil.move(tmp_path / "raw", moved)
    shutil.move(store, tmp_path / "other-store")
    store = tmp_path / "other-store"
    with pytest.raises(SceneError) as lost:
        scenestore.load(store, entry)
    assert f"{tmp_path}/raw/scan-1/color: the scene's pictures are not there" in str(lost.value)
    assert f"ouroboros-data scenes ingest --out {store} --root scans=DIR" in str(lost.value)
    (store / "roots.json").unlink()
    with pytest.raises(SceneError, match="where the scans of 'scans' lie on this machine is not known"):
        scenestore.load(store, entry)
    scenestore.bind(store, "scans", moved)
    assert scenestore.load(store, entry) == dataclasses.replace(scene, root=str(moved / "scan-1"))


def test_pictures_that_the_adapter_made_move_with_the_store(store: Path, tmp_path: Path) -> None:
    made = store / "media" / KEY / "room"
    made.mkdir(parents=True)
    scene = dataclasses.replace(room(), root=str(made))
    entry = scenestore.put(store, scene, key=KEY, adapter="procedural", bases={"media": str(store / "media")})
    assert (entry.base, entry.place) == ("media", f"{KEY}/room")
    shutil.move(store, tmp_path / "moved")
    back = scenestore.load(tmp_path / "moved", entry)
    assert back.root == str(tmp_path / "moved/media" / KEY / "room")
    shutil.rmtree(tmp_path / "moved/media")
    with pytest.raises(SceneError, match=r"pictures are not there .*delete .* and run"):
        scenestore.load(tmp_path / "moved", entry)


def test_pictures_that_lie_nowhere_known_are_refused(store: Path, tmp_path: Path) -> None:
    for root in ("", str(tmp_path / "outside")):
        with pytest.raises(SceneError, match="outside the source's directory"):
            put(store, dataclasses.replace(room(), root=root), tmp_path / "raw")


def test_a_source_reached_through_a_link(store: Path, tmp_path: Path) -> None:
    scene = scanned(tmp_path / "disk")
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    entry = put(store, scene, tmp_path / "link")
    assert scenestore.load(store, entry).root == str(tmp_path / "link/scan-1")


def test_sweep_removes_only_what_is_of_no_use(store: Path, tmp_path: Path) -> None:
    used, stray, foreign = (store / "media" / name for name in (KEY, "f" * 16, "my-notes"))
    for directory in (used, stray, foreign):
        directory.mkdir(parents=True)
    entry = scenestore.put(
        store,
        dataclasses.replace(room(), root=str(used)),
        key=KEY,
        adapter="a",
        bases={"media": str(store / "media")},
    )
    (store / "scenes/.room.parquet.99.part").touch()
    (store / "scenes/notes.txt").touch()
    scenestore.sweep(store)
    assert {path.name for path in (store / "media").iterdir()} == {KEY, "my-notes"}
    assert {path.name for path in (store / "scenes").iterdir()} == {entry.file, "notes.txt"}


def test_one_writer_at_a_time(store: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ouroboros_data.scenes import store as scenestore\n"
        "with scenestore.locked(Path(sys.argv[1])): print('held')"
    )
    words = [sys.executable, "-c", code, str(store)]
    with scenestore.locked(store):
        other = subprocess.run(words, capture_output=True, text=True, check=False)
        assert "another process writes to this store" in other.stderr
    assert subprocess.run(words, capture_output=True, text=True, check=False).stdout == "held\n"


def test_places_that_are_no_store(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"not a scene store \(make one with"):
        scenestore.entries(tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(StoreError, match="holds other files"):
        scenestore.create(tmp_path)
    with pytest.raises(StoreError, match="cannot write"):
        scenestore.create(tmp_path / "notes.txt" / "store")
    (tmp_path / "store.json").write_text('{"format": 99}')
    with pytest.raises(SceneError, match="a store of format 99, expected 1"):
        scenestore.entries(tmp_path)
    (tmp_path / "store.json").write_text("[")
    with pytest.raises(SceneError, match=r"store\.json: cannot be read"):
        scenestore.entries(tmp_path)


def test_a_torn_line_of_the_log_is_skipped(store: Path) -> None:
    scenestore.log(store, id="a", failed="no poses")
    with (store / "log.jsonl").open("a") as handle:
        handle.write('{"id": "b", "fai')
    assert [line["id"] for line in scenestore.history(store)] == ["a"]


def test_any_parquet_reader_reads_a_store_at_once(store: Path, tmp_path: Path) -> None:
    for number in range(3):
        put(store, scanned(tmp_path / "raw", dataclasses.replace(room(), id=f"r{number}")), tmp_path / "raw")
    table = pq.read_table(store / "scenes")
    assert table.num_rows == 3 and table["room"][0]["area_m2"].as_py() == room().room.area_m2
    assert [o["category"] for o in table["objects"][0].as_py()] == [o.category for o in room().objects]
