import numpy as np
import pytest
from raw.world import camera_path, make_world, world_mesh

from ouroboros_data.geometry.cameras import look_at, pinhole
from ouroboros_data.geometry.coverage import choose_frames
from ouroboros_data.geometry.visibility import object_views

SIZE = (160, 120)
K = pinhole(SIZE, 70)
VERTICES, FACES, OWNER = world_mesh()


def lingering() -> np.ndarray:
    """Poses (240, 4, 4): the camera stares at a corner for most of the time, then pans over the room."""
    stare = look_at(np.repeat([(2.0, 2.0, 1.5)], 200, 0), (2.9, 2.8, 0.4))
    pan = look_at(np.repeat([(-1.2, 0.2, 1.5)], 40, 0), np.linspace((0, -3.0, 0.6), (0, 4.0, 0.6), 40))
    return np.concatenate([stare, pan])


def objects_seen(poses: np.ndarray, chosen: list[int]) -> set[str]:
    views = object_views(
        VERTICES,
        FACES,
        OWNER[FACES[:, 0]],
        T_world_camera=poses[chosen],
        K_px=K,
        size_px=SIZE,
        ids=[str(i) for i in range(5)],
    )
    return {view.object_id for of_frame in views for view in of_frame if view.pixel_share > 0.004}


def test_uniform_frames_are_evenly_spread() -> None:
    chosen = choose_frames(4, camera_path(100), K, SIZE, VERTICES, how="uniform")
    assert chosen == [12, 37, 62, 87]
    assert choose_frames(1, camera_path(9), K, SIZE, VERTICES, how="uniform") == [4]


@pytest.mark.parametrize("how", ["cover", "uniform"])
def test_a_frame_without_a_pose_is_never_chosen(how: str) -> None:
    poses = camera_path(90)
    random = np.random.default_rng(0)
    lost = random.choice(90, 60, replace=False)
    poses[lost[:30]] = -np.inf
    poses[lost[30:], 0, 3] = np.nan
    chosen = choose_frames(12, poses, K, SIZE, VERTICES, lambda at: [float(i) for i in at], how)
    assert len(chosen) == 12 == len(set(chosen)) and chosen == sorted(chosen)
    assert not set(chosen) & set(lost.tolist())
    assert choose_frames(40, poses, K, SIZE, VERTICES, None, how) == sorted(
        set(range(90)) - set(lost.tolist())
    )


def test_the_choice_covers_a_room_that_the_camera_lingered_in() -> None:
    poses = lingering()
    even = choose_frames(5, poses, K, SIZE, VERTICES, how="uniform")
    cover = choose_frames(5, poses, K, SIZE, VERTICES, how="cover")
    assert len(objects_seen(poses, cover)) == 5 > len(objects_seen(poses, even))
    assert sum(i >= 200 for i in cover) >= 3


def test_what_is_shown_already_counts_for_less() -> None:
    # Many frames of a wall of many points, few of one with half as many: two frames show both.
    many = np.stack(np.meshgrid(np.linspace(-2, 2, 41), [2.0], np.linspace(0, 2.6, 27)), -1).reshape(-1, 3)
    some = np.stack(np.meshgrid(np.linspace(-2, 2, 21), [-2.0], np.linspace(0, 2.6, 27)), -1).reshape(-1, 3)
    poses = look_at(np.repeat([(0, 0, 1.3)], 40, 0), [(0, 1, 1.3)] * 35 + [(0, -1, 1.3)] * 5)
    chosen = choose_frames(2, poses, K, SIZE, np.concatenate([many, some]))
    assert chosen[0] < 35 <= chosen[1]


def test_points_behind_a_wall_do_not_count() -> None:
    # A wall of few points 1 m off, thousands behind it; the other way a corner with some hundred points.
    wall = np.stack(np.meshgrid(np.linspace(-2, 2, 41), [1.0], np.linspace(0, 2.6, 27)), -1).reshape(-1, 3)
    behind = np.random.default_rng(0).uniform((-3, 2, 0), (3, 6, 2.6), (6000, 3))
    back = np.stack(np.meshgrid(np.linspace(-3, 3, 61), [-3.0], np.linspace(0, 2.6, 27)), -1).reshape(-1, 3)
    poses = look_at([(0, 0, 1.3), (0, 0, 1.3)], [(0, 1, 1.3), (0, -1, 1.3)])
    assert choose_frames(1, poses, K, SIZE, np.concatenate([wall, behind, back])) == [1]
    assert choose_frames(1, poses, K, SIZE, np.concatenate([behind, back])) == [0]


def test_of_neighbours_the_sharpest_is_taken() -> None:
    poses, asked = camera_path(1500), []

    def sharpness(at: list[int]) -> list[float]:
        asked.append(at)
        return [float("nan") if i % 7 == 0 else float(i % 5 == 3) for i in at]

    plain = choose_frames(32, poses, K, SIZE, VERTICES)
    chosen = choose_frames(32, poses, K, SIZE, VERTICES, sharpness)
    assert len(asked) == 1 and asked[0] == sorted(set(asked[0])) and len(asked[0]) <= 5 * 32
    assert len(set(chosen)) == 32 and chosen == sorted(chosen)
    assert max(abs(a - b) for a, b in zip(plain, chosen, strict=True)) <= 4
    # Each group of five neighbours has one of i % 5 == 3; it is passed over only where its sharpness is unknown.
    assert all((i % 5 == 3 and i % 7) or (i // 5 * 5 + 3) % 7 == 0 for i in chosen)
    assert sum(i % 5 == 3 for i in plain) < 16


def test_the_same_arguments_give_the_same_frames() -> None:
    poses = lingering()
    a, b = (choose_frames(8, poses.copy(), K, SIZE, VERTICES.copy()) for _ in range(2))
    assert a == b


def test_a_picture_that_is_sharp_in_a_real_sequence_wins() -> None:
    from ouroboros_data.media.sharpness import sharpness

    world = make_world(frame_count=30, size_px=SIZE)
    blurred = world.rgb.astype(float)
    for _ in range(4):
        blurred = (blurred + np.roll(blurred, 1, 2) + np.roll(blurred, -1, 2)) / 3
    sharp = {i for i in range(30) if i % 3 == 1}
    frames = [world.rgb[i] if i in sharp else blurred[i].astype(np.uint8) for i in range(30)]
    # Few rivals, so that each has neighbours: the frames are repeated to a long video.
    poses = np.repeat(world.T_world_camera, 30, 0)
    chosen = choose_frames(6, poses, K, SIZE, VERTICES, lambda at: [sharpness(frames[i % 30]) for i in at])
    assert all(i % 30 in sharp for i in chosen)


def test_wrong_input_is_named() -> None:
    poses = camera_path(5)
    for change, message in (
        ({"count": 0}, "count"),
        ({"how": "best"}, "best"),
        ({"T_world_camera": np.full((5, 4, 4), np.nan)}, "no frame has a finite pose"),
        ({"T_world_camera": np.empty((0, 4, 4))}, "no frame has a finite pose"),
        ({"sharpness": lambda at: [1.0]}, "1 values"),
    ):
        good = {"count": 2, "T_world_camera": poses, "K_px": K, "size_px": SIZE, "vertices_m": VERTICES}
        with pytest.raises(ValueError, match=message):
            choose_frames(**{**good, **change})
