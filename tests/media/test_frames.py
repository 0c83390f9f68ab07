from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ouroboros_data.errors import SceneError
from ouroboros_data.ids import file_sha256
from ouroboros_data.media import frames as frames_module
from ouroboros_data.media.frames import FrameBank, sample_frame_ids
from ouroboros_data.media.video import write_video
from ouroboros_data.types import CameraFrame, Question, Room, Scene, Video

EYE4 = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
EYE3 = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
SHADES = (10, 70, 130, 190, 250)


def scene_of(count: int, scene_id: str = "s") -> Scene:
    frames = tuple(
        CameraFrame(id=f"f{i}", index=i, time_s=i / 2, size_px=(64, 48), K_px=EYE3, T_world_camera=EYE4)
        for i in range(count)
    )
    return Scene(
        id=scene_id, source="t", space_id="t", license="t", frames_origin="rendered",
        room=Room(area_m2=1.0), objects=(), frames=frames,
    )  # fmt: skip


def filmed(folder: Path, scene_id: str = "s", shift: int = 0) -> Scene:
    rgb = np.stack([np.full((48, 64, 3), max(0, s - shift), np.uint8) for s in SHADES])
    path = folder / f"{scene_id}.mp4"
    write_video(path, rgb, 2.0)
    video = Video(path=path.name, sha256=file_sha256(path), fps=2.0, frame_count=5, size_px=(64, 48))
    return replace(scene_of(5, scene_id), video=video, root=str(folder))


def asking(*frame_ids: str, scene_id: str = "s") -> Question:
    return Question(
        id="q", scene_id=scene_id, frame_ids=frame_ids, question_type="t", text="?", answer_type="number"
    )


def shades(images: list[np.ndarray]) -> list[int]:
    return [int(image.mean()) for image in images]


@pytest.mark.parametrize(
    ("total", "count", "expected"),
    [(16, 6, [0, 3, 6, 9, 12, 15]), (10, 4, [0, 3, 6, 9]), (24, 6, [0, 5, 9, 14, 18, 23]), (3, 6, [0, 1, 2]),
     (6, 6, [0, 1, 2, 3, 4, 5]), (9, 1, [4]), (1, 4, [0])],
)  # fmt: skip
def test_samples_are_even_and_hold_both_ends(total: int, count: int, expected: list[int]) -> None:
    assert sample_frame_ids(scene_of(total), count) == tuple(f"f{i}" for i in expected)


@pytest.mark.parametrize("total", range(2, 40))
def test_samples_never_repeat_and_gaps_differ_by_one_at_most(total: int) -> None:
    for count in range(2, total + 1):
        indices = [int(name[1:]) for name in sample_frame_ids(scene_of(total), count)]
        gaps = np.diff(indices)
        assert len(indices) == count and indices[0] == 0 and indices[-1] == total - 1
        assert gaps.min() >= 1 and gaps.max() - gaps.min() <= 1


def test_no_frames_or_no_count_is_an_error() -> None:
    with pytest.raises(SceneError, match="has no frames"):
        sample_frame_ids(scene_of(0), 4)
    with pytest.raises(ValueError, match="at least 1"):
        sample_frame_ids(scene_of(3), 0)


def test_bank_gives_the_named_frames_in_order(tmp_path: Path) -> None:
    bank = FrameBank({"s": filmed(tmp_path), "o": filmed(tmp_path, "o", shift=5)})
    images = bank(asking("f4", "f0", "f2", "f0"))
    assert images[0].shape == (48, 64, 3) and images[0].dtype == np.uint8
    np.testing.assert_allclose(shades(images), [250, 10, 130, 10], atol=2)
    np.testing.assert_allclose(shades(bank(asking("f1", scene_id="o"))), [65], atol=2)
    np.testing.assert_allclose(shades(bank(asking("f1"))), [70], atol=2)
    assert bank(asking()) == []


def test_bank_decodes_a_frame_once_while_it_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[list[int]] = []
    plain = frames_module.open_reader

    def spied(path: Path, backend: frames_module.Backend) -> frames_module.FrameReader:
        reader = plain(path, backend)
        read = reader.read
        monkeypatch.setattr(reader, "read", lambda indices: (decoded.append(list(indices)), read(indices))[1])
        return reader

    monkeypatch.setattr(frames_module, "open_reader", spied)
    size = 48 * 64 * 3
    bank = FrameBank({"s": filmed(tmp_path)}, cache_bytes=3 * size)
    bank(asking("f0", "f1", "f2"))
    bank(asking("f2", "f0"))
    assert decoded == [[0, 1, 2]]
    bank(asking("f3"))  # drops f1, the one not used for longest
    bank(asking("f0", "f2", "f3"))
    assert decoded == [[0, 1, 2], [3]]
    np.testing.assert_allclose(shades(bank(asking("f1"))), [70], atol=2)
    assert decoded == [[0, 1, 2], [3], [1]]
    bank.close()
    np.testing.assert_allclose(shades(bank(asking("f4"))), [250], atol=2)


def test_bank_keeps_few_videos_open(tmp_path: Path) -> None:
    scenes = {name: filmed(tmp_path, name) for name in "abc"}
    bank = FrameBank(scenes, cache_bytes=1, open_videos=2)
    for name in "abcabc":
        np.testing.assert_allclose(shades(bank(asking("f2", scene_id=name))), [130], atol=2)
    assert list(bank._readers) == ["b", "c"]


def test_bank_turns_pictures_upright(tmp_path: Path) -> None:
    stored = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    (tmp_path / "color").mkdir()
    for number in (0, 1, 2, 3, 10):
        Image.fromarray(stored + number).save(tmp_path / f"color/{number}.png")
    frames = tuple(
        CameraFrame(
            id=f"f{index}", index=index, time_s=index, size_px=(4, 6) if turn % 180 else (6, 4),
            K_px=EYE3, T_world_camera=EYE4, turn_deg=turn,
        )
        for index, turn in ((0, 0), (1, 90), (2, 180), (3, 270), (4, 90))
    )  # fmt: skip
    video = Video(path="color", sha256="", fps=1.0, frame_count=5, size_px=(6, 4))
    bank = FrameBank({"s": replace(scene_of(1), frames=frames, video=video, root=str(tmp_path))})
    images = bank(asking("f3", "f0", "f1", "f2", "f4"))
    for image, number, turn in zip(images, (3, 0, 1, 2, 10), (270, 0, 90, 180, 90), strict=True):
        # Pillow's turns are anticlockwise.
        np.testing.assert_array_equal(image, Image.fromarray(stored + number).rotate(-turn, expand=True))
        assert image.flags.c_contiguous and image.flags.owndata
    assert images[2][0, -1].tolist() == (stored + 1)[0, 0].tolist()  # clockwise: top left goes to top right


def test_bank_names_what_is_wrong(tmp_path: Path) -> None:
    scene = filmed(tmp_path)
    assert scene.video is not None
    other = replace(scene, video=replace(scene.video, frame_count=7))
    bank = FrameBank({"s": scene, "bare": scene_of(3, "bare"), "other": replace(other, id="other")})
    with pytest.raises(SceneError, match="no scene 'x'"):
        bank(asking("f0", scene_id="x"))
    with pytest.raises(SceneError, match="s: has no frame 'f9'"):
        bank(asking("f9"))
    with pytest.raises(SceneError, match="bare: has no video"):
        bank(asking("f0", scene_id="bare"))
    with pytest.raises(SceneError, match="5 frames of 64x48, expected 7"):
        bank(asking("f0", scene_id="other"))
    (tmp_path / "s.mp4").unlink()
    with pytest.raises(SceneError, match=r"s\.mp4: no such file"):
        bank(asking("f0"))
