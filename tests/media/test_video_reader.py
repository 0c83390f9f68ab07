import importlib.util
import json
import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from ouroboros_data.errors import SceneError
from ouroboros_data.media import decord_reader
from ouroboros_data.media.reader import AvReader, holds_idr, open_reader
from ouroboros_data.media.video import write_video

BACKENDS = [
    "av",
    pytest.param(
        "decord",
        marks=pytest.mark.skipif(not importlib.util.find_spec("decord"), reason="needs the decord extra"),
    ),
]
CELL = 16


def pictures(count: int, width: int = 160, height: int = 120) -> np.ndarray:
    """A moving texture; the frame's number is a barcode along the top."""
    texture = np.random.default_rng(0).integers(0, 255, (height // 8, 2 * width // 8, 3), dtype=np.uint8)
    texture = texture.repeat(8, 0).repeat(8, 1)
    out = np.stack([texture[:, i % width : i % width + width] for i in range(count)])
    for i in range(count):
        for bit in range(8):
            out[i, :CELL, bit * CELL : (bit + 1) * CELL] = 255 * (i >> bit & 1)
    return out


def numbers(frames: np.ndarray) -> list[int]:
    lit = frames[:, CELL // 2, CELL // 2 : 8 * CELL : CELL].mean(-1) > 127
    return [sum(int(on) << bit for bit, on in enumerate(row)) for row in lit]


def encode(
    path: Path, count: int, *, form: str = "mp4", container: dict | None = None, codec: dict | None = None
) -> Path:
    with av.open(str(path), "w", format=form, container_options=container or {}) as file:
        stream = file.add_stream("libx264", rate=10, options=codec or {})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for image in pictures(count):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        file.mux(stream.encode(None))
    return path


SHAPES = {
    "b_frames_short_groups": {"codec": {"x264-params": "keyint=7:min-keyint=3:bframes=3"}},
    "b_frames_one_group": {"codec": {"x264-params": "keyint=250:scenecut=0:bframes=3"}},
    "faststart": {"container": {"movflags": "+faststart"}},
    "fragmented": {"container": {"movflags": "+frag_keyframe+empty_moov"}, "codec": {"g": "9"}},
    "matroska": {"form": "matroska", "codec": {"g": "9"}},
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_any_order_with_repeats_gives_exactly_these_frames(tmp_path: Path, backend: str, shape: str) -> None:
    path = encode(tmp_path / "v", 60, **SHAPES[shape])
    with open_reader(path, backend) as reader:
        assert (reader.frame_count, reader.size_px) == (60, (160, 120))
        assert reader.fps == pytest.approx(10)
        asked = [59, 0, 31, 31, 8, 58, 7, 6, 30, 59]
        assert numbers(reader.read(asked)) == asked
        for index in (59, 0, 33, 34, 6, 58):
            assert numbers(reader.read([index])) == [index]
        assert reader.read([]).shape == (0, 120, 160, 3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_was_written_is_read_back(tmp_path: Path, backend: str) -> None:
    rgb = np.kron(
        np.random.default_rng(1).integers(0, 255, (20, 15, 20, 3), dtype=np.uint8),
        np.ones((1, 8, 8, 1), np.uint8),
    )
    write_video(tmp_path / "a.mp4", rgb, 2.0)
    with open_reader(tmp_path / "a.mp4", backend) as reader:
        frames = reader.read(range(20))
        assert reader.fps == 2.0
    assert np.abs(frames[:, 4::8, 4::8].astype(int) - rgb[:, 4::8, 4::8]).mean() < 8


def test_both_backends_decode_the_same_pixels(tmp_path: Path) -> None:
    pytest.importorskip("decord")
    path = encode(tmp_path / "v.mp4", 20)
    with open_reader(path) as one, open_reader(path, "decord") as other:
        np.testing.assert_array_equal(one.read(range(20)), other.read(range(20)))


def test_same_frames_same_bytes_and_nothing_beside(tmp_path: Path) -> None:
    rgb = pictures(6)
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, rgb, 2.0)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


def test_writer_refuses_what_it_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="even frame size, got 161x120"):
        write_video(tmp_path / "a.mp4", np.zeros((2, 120, 161, 3), np.uint8), 2)
    with pytest.raises(SceneError, match="uint8"):
        write_video(tmp_path / "a.mp4", np.zeros((2, 120, 160, 3)), 2)  # type: ignore[arg-type]
    with pytest.raises(SceneError, match="fps must be positive"):
        write_video(tmp_path / "a.mp4", np.zeros((2, 120, 160, 3), np.uint8), 0)
    with pytest.raises(SceneError, match="cannot be written"):
        write_video(tmp_path / "no" / "a.mp4", np.zeros((2, 120, 160, 3), np.uint8), 2)
    assert not list(tmp_path.iterdir())


def test_seeks_only_where_a_key_frame_lies_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode(tmp_path / "v.mp4", 60, codec={"x264-params": "keyint=20:min-keyint=20:scenecut=0"})
    seeks: list[int] = []
    plain = AvReader._seek
    monkeypatch.setattr(AvReader, "_seek", lambda self, key: (seeks.append(key), plain(self, key))[1])
    with open_reader(path) as reader:
        seeks.clear()
        assert numbers(reader.read([1, 5, 19, 21, 45])) == [1, 5, 19, 21, 45]
        assert seeks == [2]  # 21 comes by decoding on; from there, frame 40 is a shorter way to 45
        reader.read([3])
        assert seeks == [2, 0]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.3, 0.85])
def test_a_file_that_is_cut_off_is_named_with_the_remedy(
    tmp_path: Path, backend: str, shape: str, share: float
) -> None:
    data = encode(tmp_path / "v", 60, **SHAPES[shape]).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(
        SceneError, match=r"cut\.mp4: .*cut off.*\(copy or download the file again\)"
    ) as caught:
        open_reader(cut, backend)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_no_video_is_named(tmp_path: Path, backend: str) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video " * 50)
    with pytest.raises(SceneError, match=r"notes\.mp4: not a video"):
        open_reader(text, backend)
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(SceneError, match=r"empty\.mp4: not a video"):
        open_reader(tmp_path / "empty.mp4", backend)
    with pytest.raises(SceneError, match=r"gone\.mp4: no such file"):
        open_reader(tmp_path / "gone.mp4", backend)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(SceneError, match=r"folder\.mp4: holds no pictures"):
        open_reader(tmp_path / "folder.mp4", backend)
    with pytest.raises(SceneError, match="neither a file nor a directory"):
        open_reader("/dev/null", backend)
    with pytest.raises(SceneError, match="unknown video backend 'opencv'"):
        open_reader(text, "opencv")  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_index_out_of_range_is_named(tmp_path: Path, backend: str) -> None:
    path = encode(tmp_path / "v.mp4", 5)
    with open_reader(path, backend) as reader:
        for index in (5, -1):
            with pytest.raises(SceneError, match=rf"frame {index} is out of range \(it has frames 0 to 4\)"):
                reader.read([0, index])
        reader.close()
        with pytest.raises(SceneError, match="closed"):
            reader.read([0])


def turned(path: Path, matrix: tuple[int, ...]) -> Path:
    """Overwrite the display matrix of the video track's header (ISO 14496-12, tkhd version 0)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 4 + 20 + 8 + 8
    data[at : at + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("quarter_turns", "matrix"),
    [
        (1, (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)),
        (2, (-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30)),
        (3, (0, -65536, 0, 65536, 0, 0, 0, 0, 1 << 30)),
    ],
)
def test_rotation_is_applied(
    tmp_path: Path, backend: str, quarter_turns: int, matrix: tuple[int, ...]
) -> None:
    # The matrix (a b; c d) takes source to display: a=0 b=1 is a quarter turn clockwise.
    path = encode(tmp_path / "v.mp4", 4)
    with open_reader(path) as reader:
        upright = reader.read([2])[0]
    with open_reader(turned(path, matrix), backend) as reader:
        frame = reader.read([2])[0]
        assert reader.size_px == ((120, 160) if quarter_turns % 2 else (160, 120))
    np.testing.assert_allclose(frame.astype(int), np.rot90(upright, -quarter_turns), atol=3)


@pytest.mark.skipif(
    "decord" not in str(BACKENDS[1]) or BACKENDS[1].marks[0].args[0], reason="needs the decord extra"
)
class TestDecordsChild:
    def test_a_hang_ends_after_the_timeout(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = encode(tmp_path / "v.mp4", 5)
        reader = open_reader(path, "decord")
        assert decord_reader._child is not None
        os.kill(decord_reader._child.process.pid, signal.SIGSTOP)
        monkeypatch.setattr(decord_reader, "TIMEOUT_S", 0.2)
        monkeypatch.setattr(decord_reader, "_GRACE_S", 0.2)
        with pytest.raises(
            SceneError, match=r"v\.mp4: decord gave no answer within 0\.2 s \(use the av reader\)"
        ):
            reader.read([1])
        monkeypatch.undo()
        assert numbers(reader.read([1])) == [1]  # by a new child

    def test_the_child_ends_itself_when_native_code_hangs(self) -> None:
        code = (
            "import sys, types; d = types.ModuleType('decord'); d.cpu = lambda i: None; d.DECORDError = OSError\n"
            "def hang(*a, **k):\n while True: pass\n"
            "d.VideoReader = hang; sys.modules['decord'] = d\n"
            "from ouroboros_data.media import decord_worker; decord_worker.main()"
        )
        request = json.dumps({"path": "x", "indices": [0], "timeout_s": 0.3}).encode() + b"\n"
        done = subprocess.run(
            [sys.executable, "-c", code], input=request, capture_output=True, timeout=30, check=False
        )
        assert done.returncode == -signal.SIGALRM

    def test_a_crash_is_named(self, tmp_path: Path) -> None:
        reader = open_reader(encode(tmp_path / "v.mp4", 5), "decord")
        assert decord_reader._child is not None
        os.kill(decord_reader._child.process.pid, signal.SIGSEGV)
        with pytest.raises(SceneError, match=r"decord crashed \(status -11\)"):
            reader.read([1])

    @pytest.mark.parametrize(
        "shape",
        [
            {"form": "mpegts", "codec": {"g": "9"}},
            {"codec": {"x264-params": "keyint=7:min-keyint=3:bframes=3:open-gop=1:b-adapt=0"}},
        ],
    )
    def test_files_that_it_reads_wrongly_are_refused(self, tmp_path: Path, shape: dict) -> None:
        path = encode(tmp_path / "v", 30, **shape)
        with open_reader(path) as reader:
            for index in (29, 3, 17, 5, 6, 7, 8):
                assert numbers(reader.read([index])) == [index]
        with pytest.raises(SceneError, match="cannot seek in it exactly"):
            open_reader(path, "decord")


def decoded_in_order(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def forget_reordering(path: Path) -> None:
    """Clear the flag by which the stream tells how far its pictures are reordered (H.264 E.1.1).

    The one bit that follows then ends the parameter set, and what is left of it is not read.
    """
    data = bytearray(path.read_bytes())
    at = data.index(b"avcC")
    bits = "".join(f"{byte:08b}" for byte in data[at : at + 80])
    # The flag, a flag, twice zero and twice the longest motion vector: the same number both times.
    (found,) = re.finditer(r"1111(0001[01]{3})\1", bits)
    data[at + found.start() // 8] ^= 0x80 >> found.start() % 8
    path.write_bytes(data)


@pytest.mark.parametrize(
    "coding",
    ["bframes=3", "bframes=8:b-adapt=0:b-pyramid=none", "bframes=6:b-adapt=0:b-pyramid=normal", "bframes=0"],
)
@pytest.mark.parametrize("group", [7, 40])
@pytest.mark.parametrize("told", [True, False])
def test_pictures_are_left_out_only_where_no_other_one_needs_them(
    tmp_path: Path, coding: str, group: int, told: bool
) -> None:
    params = f"keyint={group}:min-keyint=1:scenecut=0:{coding}"
    path = encode(tmp_path / "v.mp4", 60, codec={"x264-params": params})
    if not told:
        forget_reordering(path)
    plain = decoded_in_order(path)
    assert numbers(plain) == list(range(60))
    for seed in range(6):
        with open_reader(path) as reader:
            asked = np.random.default_rng(seed).permutation(60)[:7].tolist()
            np.testing.assert_array_equal(reader.read(asked), plain[asked])
            np.testing.assert_array_equal(reader.read(range(1, 60, 9)), plain[1::9])
            for index in (*range(20, 30), 5, 6, 7, 59):
                np.testing.assert_array_equal(reader.read([index])[0], plain[index])


def test_what_is_left_out_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode(tmp_path / "v.mp4", 60, codec={"x264-params": "keyint=250:scenecut=0:bframes=3:b-adapt=0"})
    seen: list[int] = []
    plain = AvReader._decoded

    def spied(self: AvReader) -> Iterator[tuple[int, Any]]:
        for index, frame in plain(self):
            seen.append(index)
            yield index, frame

    monkeypatch.setattr(AvReader, "_decoded", spied)
    with open_reader(path) as reader:
        seen.clear()
        assert numbers(reader.read([51])) == [51]
        assert len(seen) < 35
        seen.clear()
        assert numbers(reader.read([52, 53, 54, 55])) == [52, 53, 54, 55]
        assert seen == [52, 53, 54, 55]  # none of them was left out on the way to 51


def test_after_a_read_that_broke_off_frames_are_the_right_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(tmp_path / "v.mp4", 60, codec={"x264-params": "keyint=10:scenecut=0:bframes=3"})
    with open_reader(path) as reader:
        with monkeypatch.context() as broken:
            plain, done = AvReader._seek, []

            def once(self: AvReader, key: int) -> None:
                if done:
                    raise OSError("gone")
                done.append(key)
                plain(self, key)

            broken.setattr(AvReader, "_seek", once)
            with pytest.raises(SceneError, match="frame 55 cannot be decoded: gone"):
                reader.read([13, 55])  # 13 is the last one before a seek: its decoder was emptied
        assert numbers(reader.read([14, 15, 16])) == [14, 15, 16]
        assert reader._shortcuts  # type: ignore[attr-defined]


def test_a_decoder_that_loses_a_frame_for_it_decodes_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(tmp_path / "v.mp4", 30)
    plain = AvReader._decoded

    def losing(self: AvReader) -> Iterator[tuple[int, Any]]:
        return ((i, frame) for i, frame in plain(self) if i != 17 or not self._shortcuts)

    monkeypatch.setattr(AvReader, "_decoded", losing)
    with open_reader(path) as reader:
        assert numbers(reader.read([3, 17, 29])) == [3, 17, 29]
        assert not reader._shortcuts  # type: ignore[attr-defined]


def test_interlaced_pictures_get_no_shortcuts(tmp_path: Path) -> None:
    path = encode(tmp_path / "v.mp4", 40, codec={"x264-params": "keyint=9:interlaced=1:bframes=3"})
    plain, asked = decoded_in_order(path), [5, 17, 38, 20, 21]
    with open_reader(path) as reader:
        assert not reader._shortcuts  # type: ignore[attr-defined]
        np.testing.assert_array_equal(reader.read(asked), plain[asked])


def test_hevc_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w") as file:
        try:
            options = {"x265-params": "bframes=4:temporal-layers=3:keyint=30:log-level=none"}
            stream = file.add_stream("libx265", rate=10, options=options)
        except av.FFmpegError:
            pytest.skip("this PyAV has no HEVC encoder")
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for image in pictures(50):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        file.mux(stream.encode(None))
    plain, asked = decoded_in_order(path), [44, 3, 17, 31, 30, 29]
    with open_reader(path) as reader:
        np.testing.assert_array_equal(reader.read(asked), plain[asked])
        assert numbers(plain[asked]) == asked


def test_an_idr_slice_is_told_from_a_recovery_point() -> None:
    def unit(kind: int) -> bytes:
        body = bytes([0x60 | kind]) + b"\x88" * 9
        return len(body).to_bytes(4, "big") + body

    assert holds_idr(unit(6) + unit(5) + unit(5))
    assert not holds_idr(unit(6) + unit(1)) and not holds_idr(b"")


def test_without_decord_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode(tmp_path / "v.mp4", 3)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SceneError, match=r"not installed \(pip install 'ouroboros-data\[decord\]'"):
        open_reader(path, "decord")


REAL = {
    "bikes.mp4": (250, (640, 272)),
    "carphone_pristine.mp4": (120, (176, 144)),
    "hf_test_video_66x50.mov": (82, (66, 50)),
}


@pytest.mark.parametrize("name", REAL)
def test_real_videos_random_reads_equal_sequential_ones(name: str, shared_data: Path) -> None:
    path = shared_data / "video" / name
    count, size = REAL[name]
    with av.open(str(path)) as container:
        plain = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with open_reader(path) as reader:
        assert (reader.frame_count, reader.size_px) == (count, size) and len(plain) == count
        asked = [int(i) for i in np.random.default_rng(0).permutation(count)[:20]] + [count - 1, 0]
        np.testing.assert_array_equal(reader.read(asked), [plain[i] for i in asked])
