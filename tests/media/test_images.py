import os
import resource
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from raw.mutate import mutations

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.cameras import unproject
from ouroboros_data.media.images import ImagesReader, decode_rgb, list_images, natural_key, read_depth_png
from ouroboros_data.media.reader import open_reader
from ouroboros_data.media.stream_digest import media_sha256


def picture(number: int, width: int = 40, height: int = 30) -> np.ndarray:
    out = np.full((height, width, 3), number * 10, np.uint8)
    out[: height // 2, : width // 4] = (250, 5, number)
    return out


def save(path: Path, image: np.ndarray, **options) -> Path:
    Image.fromarray(image).save(path, **options)
    return path


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_names_are_in_the_order_of_their_numbers() -> None:
    for names in (
        ["0.jpg", "9.jpg", "10.jpg", "100.jpg"],
        ["000009.png", "000010.png", "000100.png"],
        ["frame_000090.jpg", "frame_000100.jpg"],
        ["41048190_98.950.png", "41048190_99.05.png", "41048190_99.5.png", "41048190_3000.1.png"],
        ["a1.jpg", "a1b.jpg", "a2.jpg", "b1.jpg"],
        ["1.jpg", "a.jpg"],
    ):
        for seed in range(5):
            mixed = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
            assert sorted(mixed, key=natural_key) == names


def test_a_directory_is_a_video_of_its_pictures(tmp_path: Path) -> None:
    for number in (10, 2, 0, 9, 1):
        save(tmp_path / f"{number}.png", picture(number))
    (tmp_path / ".11.png").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    assert list_images(tmp_path) == ["0.png", "1.png", "2.png", "9.png", "10.png"]
    with open_reader(tmp_path) as reader:
        assert isinstance(reader, ImagesReader)
        assert (reader.frame_count, reader.size_px, reader.fps) == (5, (40, 30), 0.0)
        got = reader.read([4, 0, 3, 4])
        np.testing.assert_array_equal(got, [picture(n) for n in (10, 0, 9, 10)])
        assert reader.read([]).shape == (0, 30, 40, 3)
        with pytest.raises(SceneError, match=r"frame 5 is out of range \(it has frames 0 to 4\)"):
            reader.read([5])
    with pytest.raises(SceneError, match="closed"):
        reader.read([0])


def test_names_can_be_given(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / f"{number}.jpg", picture(number), quality=95)
    with ImagesReader(tmp_path, ["3.jpg", "1.jpg"]) as reader:
        assert reader.frame_count == 2 and reader.names == ("3.jpg", "1.jpg")
        np.testing.assert_allclose(reader.read([0, 1])[:, 20, 30, 0], [30, 10], atol=2)
    with pytest.raises(SceneError, match=r"9\.jpg: no such file"):
        ImagesReader(tmp_path, ["9.jpg"])
    with (
        ImagesReader(tmp_path, ["1.jpg", "a\0b.jpg"]) as reader,
        pytest.raises(SceneError, match="file name"),
    ):
        reader.read([1])


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK"])
def test_any_colour_coding_gives_rgb(tmp_path: Path, mode: str) -> None:
    plain = Image.new("RGB", (6, 4), (80, 80, 80))
    coded = plain.quantize(4) if mode == "P" else plain.convert(mode)
    coded.save(tmp_path / ("a.jpg" if mode == "CMYK" else "a.png"))
    with ImagesReader(tmp_path) as reader:
        np.testing.assert_allclose(reader.read([0])[0], np.full((4, 6, 3), 80), atol=3)


def test_an_orientation_tag_is_not_applied(tmp_path: Path) -> None:
    tag = Image.Exif()
    tag[0x0112] = 6  # a quarter turn clockwise
    Image.fromarray(picture(3)).save(tmp_path / "a.png", exif=tag)
    with ImagesReader(tmp_path) as reader:
        np.testing.assert_array_equal(reader.read([0])[0], picture(3))


def test_pictures_that_cannot_be_frames_are_named(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"gone: cannot be listed: No such file"):
        ImagesReader(tmp_path / "gone")
    with pytest.raises(SceneError, match=r"holds no pictures \(expected \.jpg or \.png files\)"):
        open_reader(tmp_path)
    save(tmp_path / "0.png", picture(0))
    save(tmp_path / "1.png", picture(1, 41))
    (tmp_path / "2.png").touch()
    save(tmp_path / "3.png", np.zeros((30, 40), np.uint16))
    (tmp_path / "4.png").mkdir()
    os.mkfifo(tmp_path / "5.png")
    (tmp_path / "6.png").write_text("text " * 30)
    (tmp_path / "7.png").write_bytes((tmp_path / "0.png").read_bytes()[:-60])
    with (tmp_path / "8.png").open("wb") as sparse:
        sparse.truncate(1 << 31)
    messages = {
        1: r"1\.png: is 41x30, expected 40x30",
        2: r"2\.png: empty \(copy",
        3: r"3\.png: holds I;16 values, not colours \(name the colour",
        4: r"4\.png: not a file",
        5: r"5\.png: not a file",
        6: r"6\.png: not a picture, or damaged: unknown coding",
        7: r"7\.png: cannot be decoded: .*truncated",
        8: r"8\.png: too large for a picture",
    }
    with ImagesReader(tmp_path) as reader:
        for index, message in messages.items():
            with pytest.raises(SceneError, match=message):
                reader.read([0, index])


def test_a_picture_that_claims_to_be_huge_is_not_decoded(tmp_path: Path) -> None:
    head = struct.pack(">2I5B", 9000, 9000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(9000 * 9001 // 20), 9)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    (tmp_path / "0.png").write_bytes(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(SceneError, match=r"0\.png: 9000x9000 is too large"):
            ImagesReader(tmp_path)
        with pytest.raises(SceneError, match=r"x: frame 3: is 9000x9000, expected 40x30"):
            decode_rgb(bomb, where="x", field="frame 3", size_px=(40, 30))
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_depth_is_in_metres_and_missing_where_it_is_zero(tmp_path: Path) -> None:
    steps = np.random.default_rng(0).integers(0, 4, (5, 7)).astype(np.uint16) * 20000
    path = save(tmp_path / "0.png", steps)
    for scale in (0.001, 0.00025):
        depth = read_depth_png(path, scale)
        assert depth.dtype == np.float32 and depth.shape == (5, 7)
        assert (np.isnan(depth) == (steps == 0)).all()
        np.testing.assert_allclose(np.nan_to_num(depth), steps * scale, rtol=1e-6)


def test_what_is_no_depth_map_is_named(tmp_path: Path) -> None:
    save(tmp_path / "rgb.png", picture(1))
    save(tmp_path / "grey.png", picture(1)[..., 0])
    save(tmp_path / "a.jpg", picture(1))
    (tmp_path / "cut.png").write_bytes(
        save(tmp_path / "w.png", np.ones((40, 40), np.uint16)).read_bytes()[:60]
    )
    for name, message in {
        "rgb.png": r"rgb\.png: a depth map has one 16-bit channel, this has RGB values \(name the depth",
        "grey.png": "this has L values",
        "a.jpg": r"a\.jpg: not a PNG",
        "gone.png": r"gone\.png: no such file",
        "cut.png": r"cut\.png: (not a PNG|cannot be decoded)",
    }.items():
        with pytest.raises(SceneError, match=message):
            read_depth_png(tmp_path / name)


def test_a_real_posed_frame_unprojects_to_a_level_surface(shared_data: Path) -> None:
    folder = shared_data / "posed_frame"
    depth = read_depth_png(folder / "depth/000000.png")
    color = open_reader(folder / "color")
    K = np.loadtxt(folder / "intrinsic/000000.txt")[:3, :3]
    pose = np.loadtxt(folder / "pose/000000.txt")
    scale = depth.shape[1] / color.size_px[0]
    K[:2] *= scale if K[0, 2] > depth.shape[1] else 1.0
    z = unproject(depth, K, pose)[..., 2]
    z = z[np.isfinite(z)]
    assert len(z) > 10_000 and np.quantile(z, 0.9) - np.quantile(z, 0.1) < 0.05


def test_the_digest_of_a_directory_is_that_of_its_names_and_sizes(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        for number in range(3):
            save(tmp_path / name / f"{number}.png", picture(number))
        (tmp_path / name / f"{name}.txt").write_text(name)
    save(tmp_path / "b/3.png", picture(3))
    with (tmp_path / "c/1.png").open("ab") as file:
        file.write(b"x")
    a, b, c = (media_sha256(tmp_path / name) for name in "abc")
    assert len({a, b, c}) == 3 and len(a) == 64
    (tmp_path / "b/3.png").unlink()
    assert media_sha256(tmp_path / "b") == a
    (tmp_path / "c/1.png").rename(tmp_path / "c/4.png")
    assert media_sha256(tmp_path / "c") not in (a, b, c)
    assert media_sha256(tmp_path / "a/0.png") != media_sha256(tmp_path / "a/1.png")


def test_any_damage_to_a_picture_is_a_scene_error(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    for suffix, options in ((".jpg", {}), (".jpg", {"progressive": True}), (".png", {})):
        whole = save(tmp_path / f"whole{suffix}", noise, **options).read_bytes()
        path = tmp_path / f"a{suffix}"
        survive(whole, path, lambda path=path: ImagesReader(path.parent, [path.name]).read([0]), 700)


@pytest.mark.parametrize("level", [0, 6])
def test_any_damage_to_a_depth_map_is_a_scene_error(tmp_path: Path, level: int) -> None:
    steps = np.random.default_rng(0).integers(0, 60000, (30, 40), dtype=np.uint16)
    path = save(tmp_path / "a.png", steps, compress_level=level)
    survive(path.read_bytes(), path, lambda: read_depth_png(path), 1000, least=600)


def survive(whole: bytes, path: Path, use: Callable[[], object], count: int, least: int = 250) -> None:
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = 0
    for number, damaged in enumerate(mutations(whole, count, 3, hot=(0, 60))):
        path.write_bytes(damaged)
        started = time.monotonic()
        try:
            use()
        except SceneError as error:
            refused += 1
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error), number
        assert time.monotonic() - started < 2, number
    assert refused >= least
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 300_000
