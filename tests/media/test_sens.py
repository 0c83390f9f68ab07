import os
import re
import resource
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from raw.mutate import mutations
from raw.sens import write_sens
from raw.world import ROOM_HIGH_M, ROOM_LOW_M, make_world, seen_corners

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.cameras import project, unproject
from ouroboros_data.media.reader import open_reader
from ouroboros_data.media.sens import SensReader
from ouroboros_data.media.stream_digest import media_sha256

SIZE, DEPTH_SIZE = (64, 48), (32, 24)
K_COLOR = np.array([[70.0, 0, 33], [0, 72, 22], [0, 0, 1]])
K_DEPTH = np.array([[35.0, 0, 16.5], [0, 36, 11], [0, 0, 1]])


def frames(count: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour, depth in millimetres, and poses, all different from frame to frame."""
    random = np.random.default_rng(7)
    # Smooth, so that JPEG keeps it; no two corners alike, so that no mirrored or turned picture passes.
    corners = random.uniform(0, 255, (count, 2, 2, 3))
    down, right = np.linspace(0, 1, 48)[:, None, None], np.linspace(0, 1, 64)[None, :, None]
    top, bottom = (corners[:, i, :1, None] * (1 - right) + corners[:, i, 1:, None] * right for i in (0, 1))
    rgb = (top * (1 - down) + bottom * down).astype(np.uint8)
    depth = random.integers(0, 9, (count, 24, 32), dtype=np.uint16) * 1234
    poses = random.normal(size=(count, 4, 4)).astype(np.float32)
    return rgb, depth, poses


def written(path: Path, count: int = 5, **options) -> Path:
    rgb, depth, poses = frames(count)
    return write_sens(path, rgb, depth, poses, K_color_px=K_COLOR, K_depth_px=K_DEPTH, **options)


@pytest.mark.parametrize("color", ["raw", "png", "jpeg"])
@pytest.mark.parametrize("depth", ["raw", "zlib"])
def test_every_coding_is_read_in_any_order(tmp_path: Path, color: str, depth: str) -> None:
    rgb, steps, poses = frames()
    with open_reader(written(tmp_path / "a.sens", color=color, depth=depth)) as reader:
        assert isinstance(reader, SensReader)
        assert (reader.frame_count, reader.size_px, reader.depth_size_px) == (5, SIZE, DEPTH_SIZE)
        asked = [4, 0, 3, 3, 1]
        got = reader.read(asked)
        assert got.shape == (5, 48, 64, 3) and got.dtype == np.uint8
        np.testing.assert_allclose(got.astype(int), rgb[asked].astype(int), atol=6 if color == "jpeg" else 0)
        for index in (3, 0, 4):
            meters = reader.depth_m(index)
            assert meters.shape == (24, 32) and meters.dtype == np.float32
            assert (np.isnan(meters) == (steps[index] == 0)).all() and np.isnan(meters).any()
            np.testing.assert_allclose(np.nan_to_num(meters), steps[index] / 1000, rtol=1e-6)
        np.testing.assert_array_equal(reader.poses, poses)
        np.testing.assert_allclose(reader.K_color_px, K_COLOR)
        np.testing.assert_allclose(reader.K_depth_px, K_DEPTH)
        assert reader.read([]).shape == (0, 48, 64, 3)


def test_a_corner_lies_where_the_pinhole_says_and_depth_lies_on_the_walls(tmp_path: Path) -> None:
    world = make_world(size_px=(160, 120), depth_size_px=(80, 60), frame_count=3)
    steps = np.nan_to_num(world.depth_m * 1000).round().astype(np.uint16)
    path = write_sens(
        tmp_path / "a.sens", world.rgb, steps, world.T_world_camera,
        K_color_px=world.K_px, K_depth_px=world.K_depth_px, color="png",
    )  # fmt: skip
    (x0, y0), (x1, y1) = ROOM_LOW_M, ROOM_HIGH_M
    with SensReader(path) as reader:
        for frame in range(3):
            np.testing.assert_array_equal(reader.read([frame])[0], world.rgb[frame])
            points = unproject(reader.depth_m(frame), reader.K_depth_px, reader.poses[frame])
            points = points[np.isfinite(points).all(-1)]
            assert len(points) > 4000 and points[:, 2].min() > -0.005
            off = np.abs(points[:, [0, 0, 1, 1, 2]] - (x0, x1, y0, y1, 0)).min(1)
            assert (off < 0.005).mean() > 0.5  # floor and walls fill most of each picture
            assert (points[:, :2] > (x0 - 0.005, y0 - 0.005)).all()
            assert (points[:, :2] < (x1 + 0.005, y1 + 0.005)).all()
            corners = seen_corners(world, frame)
            assert corners
            for _, corner, uv in corners:
                np.testing.assert_allclose(
                    project(corner, reader.K_color_px, reader.poses[frame])[0], uv, atol=1e-3
                )


def test_lost_poses_stay_as_they_are(tmp_path: Path) -> None:
    rgb, depth, poses = frames(3)
    poses[1], poses[2, 0, 3] = -np.inf, np.nan
    with SensReader(write_sens(tmp_path / "a.sens", rgb, depth, poses, K_color_px=K_COLOR)) as reader:
        np.testing.assert_array_equal(reader.poses, poses)
        assert reader.poses.dtype == np.float64


@pytest.mark.parametrize(
    ("times_us", "expected", "fps"),
    [
        ([500_000, 600_000, 800_000], [0, 0.1, 0.3], 2 / 0.3),
        ([0, 0, 0], [0, 1 / 30, 2 / 30], 30),
        ([5, 200_000, 100_000], [0, 1 / 30, 2 / 30], 30),
        ([1, 2, 3], [0, 1 / 30, 2 / 30], 30),  # steps of one microsecond are no camera's
        ([0, 10**12, 2 * 10**12], [0, 1 / 30, 2 / 30], 30),
        ([2**64 - 1_000_000, 2**64 - 900_000, 2**64 - 800_000], [0, 0.1, 0.2], 10),
    ],
)
def test_times_are_taken_where_they_make_sense(
    tmp_path: Path, times_us: list[int], expected: list[float], fps: float
) -> None:
    with SensReader(written(tmp_path / "a.sens", 3, times_us=times_us)) as reader:
        np.testing.assert_allclose(reader.times_s, expected)
        assert reader.fps == pytest.approx(fps)
    with SensReader(written(tmp_path / "b.sens", 1)) as reader:
        assert reader.fps == 30 and reader.times_s.tolist() == [0]


def test_depth_steps_are_divided_by_the_shift(tmp_path: Path) -> None:
    with SensReader(written(tmp_path / "a.sens", depth_shift=5000.0)) as reader:
        np.testing.assert_allclose(np.nan_to_num(reader.depth_m(2)), frames()[1][2] / 5000, rtol=1e-6)


def test_a_frame_without_depth_can_be_shown(tmp_path: Path) -> None:
    rgb, depth, poses = frames(3)
    path = write_sens(
        tmp_path / "a.sens", rgb, [depth[0], None, depth[2]], poses, K_color_px=K_COLOR, color="raw"
    )
    with SensReader(path) as reader:
        np.testing.assert_array_equal(reader.read([1, 2]), rgb[1:])
        np.testing.assert_allclose(np.nan_to_num(reader.depth_m(2)), depth[2] / 1000, rtol=1e-6)
        with pytest.raises(SceneError, match=r"a\.sens: frame 1, depth: there is none"):
            reader.depth_m(1)


def test_opening_reads_headers_only_and_reading_one_payload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "a.sens", 20, color="raw", depth="raw")
    read: list[int] = []
    plain = os.pread
    monkeypatch.setattr(os, "pread", lambda file, size, at: (read.append(size), plain(file, size, at))[1])
    with SensReader(path) as reader:
        assert sum(read) < 20 * 96 + 400 < path.stat().st_size / 50
        read.clear()
        reader.read([7])
        assert read == [64 * 48 * 3]
        read.clear()
        reader.depth_m(7)
        assert read == [32 * 24 * 2]


# Places in a stream whose name is b"StructureSensor": 4 + 8 + 15 bytes, 4 matrices, then the codings.
CODINGS = 27 + 256
SIZES, SHIFT, COUNT, FIRST = CODINGS + 8, CODINGS + 24, CODINGS + 28, CODINGS + 36
COLOR_BYTES, DEPTH_BYTES, PAYLOAD = FIRST + 80, FIRST + 88, FIRST + 96


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (0, struct.pack("<I", 3), r"version: 3, expected 4 \(name a \.sens stream of version 4\)"),
        (4, struct.pack("<Q", 1 << 40), "header: cut off, or damaged: a name of 1099511627776 bytes"),
        (27, struct.pack("<f", np.nan), "intrinsic_color: not a camera matrix"),
        (27, struct.pack("<f", -70.0), "intrinsic_color: not a camera matrix"),
        (27 + 128, struct.pack("<f", np.inf), "intrinsic_depth: not a camera matrix"),
        (27 + 8, struct.pack("<6f", 0, 0, 0, 72, 0, 0) + struct.pack("<2f", 33, 22), "intrinsic_color: not"),
        (CODINGS, struct.pack("<i", 7), "color coding: 7 is unknown"),
        (CODINGS, struct.pack("<i", -1), "color coding: -1 is unknown"),
        (CODINGS + 4, struct.pack("<i", 3), "depth coding: 3 is unknown"),
        (SIZES, struct.pack("<I", 0), "color size: 0x48"),
        (SIZES, struct.pack("<2I", 1 << 31, 1 << 31), "color size"),
        (SIZES + 8, struct.pack("<I", 1 << 30), "depth size"),
        (SHIFT, struct.pack("<f", 0), "depth_shift: 0, expected"),
        (SHIFT, struct.pack("<f", np.nan), "depth_shift: nan"),
        (COUNT, struct.pack("<Q", 0), "frames: a count of 0"),
        (COUNT, struct.pack("<Q", 1 << 63), "frames: a count of 9223372036854775808"),
        (COUNT, struct.pack("<Q", 9999), "frames: cut off: there is no room for 9999"),
        (COUNT, struct.pack("<Q", 7), "frame|frames: cut off"),
        (COLOR_BYTES, struct.pack("<Q", 1 << 62), "frame 0: cut off, or damaged"),
        (COLOR_BYTES, struct.pack("<Q", 0), "frame 0, color_bytes: 0 for a jpeg picture"),
        (COLOR_BYTES, struct.pack("<2Q", (1 << 64) - 1, 1), "frame 0: cut off, or damaged"),
        (SIZES, struct.pack("<2I", 64, 50), r"frame 0, colour: is 64x48, expected 64x50"),
        (SIZES + 8, struct.pack("<2I", 32, 25), "frame 0, depth: holds 1536 bytes, 32x25 take 1600"),
        (SIZES + 8, struct.pack("<2I", 32, 23), "frame 0, depth: holds more than the 1472 bytes"),
        (CODINGS, struct.pack("<i", 1), "frame 0, colour: not a PNG, or damaged: unknown coding"),
        (PAYLOAD, bytes(40), "frame 0, colour: not a JPEG, or damaged: unknown coding"),
    ],
)
def test_what_is_damaged_is_named(tmp_path: Path, at: int, value: bytes, message: str) -> None:
    data = bytearray(written(tmp_path / "whole.sens").read_bytes())
    data[at : at + len(value)] = value
    (tmp_path / "a.sens").write_bytes(data)
    with pytest.raises(SceneError, match=rf"a\.sens: {message}") as caught:
        use(tmp_path / "a.sens")
    assert "\n" not in str(caught.value)


def test_raw_payloads_have_the_size_of_their_pictures(tmp_path: Path) -> None:
    data = bytearray(written(tmp_path / "whole.sens", color="raw", depth="raw").read_bytes())
    for at, message in ((COLOR_BYTES, "color_bytes: 9215 for a raw"), (DEPTH_BYTES, "depth_bytes: 1535 for")):
        cut = data.copy()
        cut[at : at + 8] = struct.pack("<Q", struct.unpack_from("<Q", data, at)[0] - 1)
        (tmp_path / "a.sens").write_bytes(cut)
        with pytest.raises(SceneError, match=rf"a\.sens: frame 0, {message}"):
            SensReader(tmp_path / "a.sens")


def test_a_stream_that_is_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "whole.sens", 3, inertial=0)
    data = path.read_bytes()
    cut = tmp_path / "cut.sens"
    for share in np.linspace(0, 0.99, 40):
        cut.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(SceneError, match=r"cut\.sens: .*(cut off|empty).*copy or download"):
            SensReader(cut)


def test_a_depth_map_without_its_checksum_is_refused(tmp_path: Path) -> None:
    data = bytearray(written(tmp_path / "a.sens").read_bytes())
    color_bytes, depth_bytes = struct.unpack_from("<2Q", data, COLOR_BYTES)
    end = PAYLOAD + color_bytes + depth_bytes
    data[DEPTH_BYTES : DEPTH_BYTES + 8] = struct.pack("<Q", depth_bytes - 4)
    (tmp_path / "a.sens").write_bytes(data[: end - 4] + data[end:])
    with SensReader(tmp_path / "a.sens") as reader:
        reader.depth_m(1)
        with pytest.raises(SceneError, match="frame 0, depth: cut off"):
            reader.depth_m(0)
    data[end - 1] ^= 1
    data[DEPTH_BYTES : DEPTH_BYTES + 8] = struct.pack("<Q", depth_bytes)
    (tmp_path / "a.sens").write_bytes(data)
    with (
        SensReader(tmp_path / "a.sens") as reader,
        pytest.raises(SceneError, match=r"frame 0, depth: cannot be decoded: .*incorrect data check"),
    ):
        reader.depth_m(0)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"gone\.sens: cannot be read: no such file"):
        SensReader(tmp_path / "gone.sens")
    (tmp_path / "dir.sens").mkdir()
    with pytest.raises(SceneError, match="not a file"):
        SensReader(tmp_path / "dir.sens")
    os.mkfifo(tmp_path / "pipe.sens")
    with pytest.raises(SceneError, match="not a file"):
        SensReader(tmp_path / "pipe.sens")
    reader = SensReader(written(tmp_path / "a.sens", depth="occi"))
    with pytest.raises(SceneError, match=r"frame 0, depth: coding occi is not supported \(export the depth"):
        reader.depth_m(0)
    with pytest.raises(SceneError, match=r"frame 5 is out of range \(it has frames 0 to 4\)"):
        reader.read([0, 5])
    with pytest.raises(SceneError, match="frame -1 is out of range"):
        reader.depth_m(-1)
    reader.close()
    reader.close()
    with pytest.raises(SceneError, match="closed"):
        reader.read([0])


def test_declared_sizes_cost_nothing_before_they_are_proven(tmp_path: Path) -> None:
    rgb, depth, poses = frames(40)
    packed = zlib.compress(bytes(1 << 26), 9)  # 64 MB of zeros in 64 kB
    path = write_sens(tmp_path / "a.sens", rgb, depth, poses, K_color_px=K_COLOR, K_depth_px=K_DEPTH)
    data = bytearray(path.read_bytes())
    color_bytes, depth_bytes = struct.unpack_from("<2Q", data, COLOR_BYTES)
    at = PAYLOAD + color_bytes
    data[at : at + depth_bytes] = packed
    data[DEPTH_BYTES : DEPTH_BYTES + 8] = struct.pack("<Q", len(packed))
    data[SIZES : SIZES + 8] = struct.pack("<2I", 8000, 8000)
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with SensReader(path) as reader:
            with pytest.raises(SceneError, match="frame 0, colour: is 64x48, expected 8000x8000"):
                reader.read(range(40))
            with pytest.raises(SceneError, match="holds more than the 1536 bytes"):
                reader.depth_m(0)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_the_digest_changes_with_the_index(tmp_path: Path) -> None:
    whole = media_sha256(written(tmp_path / "a.sens"))
    assert whole == media_sha256(written(tmp_path / "b.sens")) and len(whole) == 64
    others = (written(tmp_path / "c.sens", 4), written(tmp_path / "d.sens", quality=60))
    assert len({whole, *map(media_sha256, others)}) == 3
    with pytest.raises(SceneError, match="no such file"):
        media_sha256(tmp_path / "gone.sens")


@pytest.mark.parametrize(("color", "depth"), [("jpeg", "zlib"), ("png", "zlib"), ("raw", "raw")])
def test_any_damage_is_a_scene_error_that_names_file_and_field(
    tmp_path: Path, color: str, depth: str
) -> None:
    data = written(tmp_path / "whole.sens", 3, color=color, depth=depth).read_bytes()
    path = tmp_path / "a.sens"
    refused, before_kb = 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number, damaged in enumerate(mutations(data, 800, sum(color.encode()), hot=(0, PAYLOAD))):
        path.write_bytes(damaged)
        started = time.monotonic()
        try:
            use(path)
        except SceneError as error:
            refused += 1
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error), number
            assert re.match(r"(version|name|header|intrinsic|color|depth|frame)", error.what), error.what
        assert time.monotonic() - started < 2, number
    assert refused > 500
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 100_000


def use(path: Path) -> None:
    """Read everything there is, a frame at a time."""
    with SensReader(path) as reader:
        for index in range(reader.frame_count):
            reader.read([index])
            reader.depth_m(index)
