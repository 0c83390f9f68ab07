from pathlib import Path

import numpy as np
import pytest

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.render import Rendered, RenderMesh
from ouroboros_data.ids import file_sha256
from ouroboros_data.media.reader import open_reader
from ouroboros_data.media.rendered import camera_frames, film

NOTHING = RenderMesh(vertices_m=np.zeros((0, 3)), faces=np.zeros((0, 3), int), color=(1, 1, 1))


def meshes(*object_ids: str | None) -> list[RenderMesh]:
    return [
        RenderMesh(vertices_m=NOTHING.vertices_m, faces=NOTHING.faces, color=(1, 1, 1), object_id=name)
        for name in object_ids
    ]


def test_views_are_shares_of_the_pixels_per_object() -> None:
    instance = np.full((2, 4, 10), 0, np.int32)
    instance[0, 0, :4], instance[0, 1, :3], instance[0, 2, :2] = 1, 2, 3
    instance[1, 0, :5], instance[1, 1, 0] = -1, 3
    rendered = Rendered(
        rgb=np.zeros((2, 4, 10, 3), np.uint8), depth_m=np.ones((2, 4, 10), np.float32), instance=instance
    )
    frames = camera_frames(
        rendered, meshes(None, "lamp-0", "desk-0", "lamp-0"), ["desk-0", "lamp-0"],
        T_world_camera=np.stack([np.eye(4), 2 * np.eye(4)]), K_px=np.eye(3), fps=4.0,
    )  # fmt: skip
    first, second = ({v.object_id: v.pixel_share for v in frame.views} for frame in frames)
    assert first == {"desk-0": pytest.approx(3 / 40), "lamp-0": pytest.approx(6 / 40)}
    assert second == {"lamp-0": pytest.approx(1 / 40)}
    assert [(f.id, f.index, f.time_s, f.size_px) for f in frames] == [
        ("f0000", 0, 0.0, (10, 4)),
        ("f0001", 1, 0.25, (10, 4)),
    ]
    assert frames[1].T_world_camera[0][0] == 2.0


def test_the_record_describes_the_file(tmp_path: Path) -> None:
    rendered = Rendered(
        rgb=np.zeros((3, 48, 64, 3), np.uint8),
        depth_m=np.ones((3, 48, 64), np.float32),
        instance=np.zeros((3, 48, 64), np.int32),
    )
    video = film(rendered, tmp_path / "video.mp4", 2.0)
    with open_reader(tmp_path / video.path) as reader:
        assert (video.frame_count, video.size_px, video.fps) == (
            reader.frame_count,
            reader.size_px,
            reader.fps,
        )
    assert video.path == "video.mp4" and video.sha256 == file_sha256(tmp_path / "video.mp4")


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    rendered = Rendered(
        rgb=np.zeros((1, 48, 64, 3), np.uint8),
        depth_m=np.ones((1, 48, 64), np.float32),
        instance=np.zeros((1, 48, 64), np.int32),
    )
    film(rendered, tmp_path / "room" / "video.mp4", 2.0)
    (tmp_path / "file").touch()
    with pytest.raises(SceneError, match=r"room: cannot be created: .*check space and rights"):
        film(rendered, tmp_path / "file" / "room" / "video.mp4", 2.0)
