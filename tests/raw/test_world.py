"""The fixture itself: what the raw trees are made from must be what it says."""

import numpy as np
import pytest
from raw.world import HEIGHT_M, OBJECTS, ROOM_HIGH_M, ROOM_LOW_M, camera_path, make_world, seen_corners


def test_corners_lie_at_the_silhouettes_of_their_objects() -> None:
    world = make_world(size_px=(320, 240), frame_count=4)
    met = 0
    for frame in range(4):
        for index, _, (u, v) in seen_corners(world, frame):
            assert index in world.instance[frame, int(v) - 1 : int(v) + 2, int(u) - 1 : int(u) + 2]
            met += 1
    assert met > 60


def test_the_mesh_covers_its_blocks_and_nothing_mixes() -> None:
    world = make_world(frame_count=1)
    assert (world.vertex_owner[world.faces] == world.vertex_owner[world.faces[:, :1]]).all()
    for index, known in enumerate(OBJECTS):
        own = world.vertices_m[world.vertex_owner == index]
        assert len(own) > 300
        local = (own - known.center_m) @ known.R_world_object
        np.testing.assert_allclose(local.max(0), np.array(known.extent_m) / 2, atol=1e-9)
        np.testing.assert_allclose(local.min(0), -np.array(known.extent_m) / 2, atol=1e-9)
    shell = world.vertices_m[world.vertex_owner == -1]
    np.testing.assert_allclose(shell.min(0), [*ROOM_LOW_M, 0], atol=1e-9)
    np.testing.assert_allclose(shell.max(0), [*ROOM_HIGH_M, HEIGHT_M], atol=1e-9)


@pytest.mark.parametrize(("roll", "axis", "sign"), [(0, 1, -1), (90, 0, -1), (180, 1, 1), (270, 0, 1)])
def test_a_rolled_camera_has_the_sky_where_it_says(roll: float, axis: int, sign: int) -> None:
    up = camera_path(3, roll)[:, 2, :3]  # world up in camera axes
    assert (np.abs(up).argmax(1) == axis).all() and (np.sign(up[:, axis]) == sign).all()
