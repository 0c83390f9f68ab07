import numpy as np
import pytest

from ouroboros_data.geometry.cameras import look_at, pinhole, project, unproject
from ouroboros_data.geometry.render import PATTERNS, RenderMesh, cast, render

SIZE = (160, 120)
K = pinhole(SIZE, 80)
FACES = np.array(
    [
        *((0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1)),
        *((2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)),
    ]
)
SIGNS = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])


def box(center, extent, yaw=0.0, **look) -> RenderMesh:
    cos, sin = np.cos(yaw), np.sin(yaw)
    turn = np.array([(cos, -sin, 0), (sin, cos, 0), (0, 0, 1)])
    points = np.asarray(center) + (SIGNS * np.asarray(extent) / 2) @ turn.T
    return RenderMesh(vertices_m=points, faces=FACES, **{"color": (0.8, 0.4, 0.2), **look})


def room(**look) -> list[RenderMesh]:
    # Camera inside; 6 x 8 x 3 m, floor at z = 0. The lone box sits off all symmetry axes.
    return [box((0, 0, 1.5), (6, 8, 3), **look), box((1.3, 2.1, 0.4), (0.5, 1.1, 0.8), 0.4, object_id="lone")]


POSES = look_at(
    [(0, 0, 1.5), (-2, -3, 1.2), (2.5, -1, 2.2)], [(1, 2, 0.5), (1, 2, 0.6), (1.2, 2.2, 0.4)], 0.05
)


def test_a_corner_of_a_box_lands_where_the_pinhole_says() -> None:
    meshes = room()
    frames = render(meshes, POSES, K, SIZE)
    for frame, pose in enumerate(POSES):
        pixels, depth = project(meshes[1].vertices_m, K, pose)
        seen = np.argwhere(frames.instance[frame] == 1)  # rows, columns
        assert len(seen) > 100 and (depth > 0).all()
        low, high = seen.min(0)[::-1], seen.max(0)[::-1] + 1
        # The convex silhouette is spanned by the corners: its bounds agree to a pixel, mirrored axes are far off.
        np.testing.assert_allclose(low, np.clip(pixels.min(0), 0, SIZE), atol=1.0)
        np.testing.assert_allclose(high, np.clip(pixels.max(0), 0, SIZE), atol=1.0)


def test_depth_lies_on_the_walls_and_on_the_box() -> None:
    meshes = room()
    frames = render(meshes, POSES, K, SIZE)
    assert np.isfinite(frames.depth_m).all() and (frames.instance >= 0).all()
    for frame, pose in enumerate(POSES):
        points = unproject(frames.depth_m[frame], K, pose)
        wall = points[frames.instance[frame] == 0]
        off = np.abs(np.abs(wall - (0, 0, 1.5)) - (3, 4, 1.5)).min(1)
        assert off.max() < 1e-3
        cos, sin = np.cos(0.4), np.sin(0.4)
        local = (points[frames.instance[frame] == 1] - (1.3, 2.1, 0.4)) @ np.array(
            [(cos, -sin, 0), (sin, cos, 0), (0, 0, 1)]
        )
        outside = np.abs(local) - (0.25, 0.55, 0.4)
        assert np.abs(outside.max(1)).max() < 1e-3


def test_depth_agrees_with_single_rays() -> None:
    meshes = room()
    frames = render(meshes, POSES, K, SIZE)
    points = unproject(frames.depth_m[1], K, POSES[1]).reshape(-1, 3)
    eye = np.broadcast_to(POSES[1][:3, 3], points.shape)
    instance, distance = cast(meshes, eye, points - eye)
    assert (instance == frames.instance[1].ravel()).mean() > 0.999  # rounding may cross a silhouette
    np.testing.assert_allclose(distance[instance == frames.instance[1].ravel()], 1, atol=2e-3)


def test_depth_holds_where_the_eye_lies_in_the_plane_of_a_face() -> None:
    # Rays of the middle column run within the face: rounding to float32 decides whether embree meets it.
    size, random, met = (81, 61), np.random.default_rng(0), 0
    for _ in range(200):
        offset, yaw = random.uniform(-30, 30, 3), random.uniform(0, 6)
        cos, sin = np.cos(yaw), np.sin(yaw)
        turn = np.array([(cos, -sin, 0), (sin, cos, 0), (0, 0, 1)])
        upright = box((0.5, 4, 0), (1, 4, 2))
        block = RenderMesh(vertices_m=upright.vertices_m @ turn.T + offset, faces=FACES, color=(1, 1, 1))
        frames = render([block], look_at(offset, turn @ (0, 5, 0) + offset)[None], pinhole(size, 80), size)
        depth = frames.depth_m[frames.instance == 0]
        assert ((depth > 1.5) & (depth < 6.5)).all()  # embree's own float32 is off by up to 0.3 m here
        met += len(depth)
    assert met > 100


def test_nothing_is_seen_as_nothing() -> None:
    frames = render([box((0, -5, 1), (1, 1, 1))], look_at((0, 0, 1), (0, 5, 1))[None], K, SIZE)
    assert (frames.instance == -1).all() and np.isinf(frames.depth_m).all()
    assert len(np.unique(frames.rgb.reshape(-1, 3), axis=0)) == 1


def test_tints_patterns_and_light_show() -> None:
    tints = {
        p: render(room(pattern=p, pattern_scale_m=0.5, color=(0.2, 0.8, 0.3)), POSES, K, SIZE)
        for p in PATTERNS
    }
    plain = tints["plain"].rgb[tints["plain"].instance == 0].astype(float).mean(0)
    assert plain[1] > 1.5 * plain[2] > 1.5 * plain[0]
    for name in PATTERNS[1:]:
        wall = tints[name].rgb[..., 1][tints[name].instance == 0]
        assert wall.std() > 1.3 * tints["plain"].rgb[..., 1][tints["plain"].instance == 0].std(), name
    stripes, checker = (tints[p].rgb[0] for p in ("stripes", "checker"))
    assert (stripes != checker).any(-1).mean() > 0.1
    # The top of the box gets more light than its sides.
    up = render([box((0, 3, -1), (1, 1, 1))], look_at((0, 0, 1.5), (0, 3, -0.6))[None], K, SIZE)
    points = unproject(up.depth_m[0], K, look_at((0, 0, 1.5), (0, 3, -0.6)))
    inner = up.instance[0] == 0
    top, side = inner & (points[..., 2] > -0.51), inner & (points[..., 2] < -0.55)
    assert up.rgb[0][top].mean() > 1.1 * up.rgb[0][side].mean()


def test_a_fine_pattern_fades_to_its_mean_instead_of_flickering() -> None:
    fine = render(
        [box((0, 30, 0), (60, 1, 60), pattern="checker", pattern_scale_m=0.05)],
        POSES[:1] * 0 + look_at((0, 0, 0), (0, 9, 0)),
        K,
        SIZE,
    )
    assert fine.rgb[..., 0].std() < 6


def test_a_silhouette_is_darker_on_its_far_side() -> None:
    frames = render(room(), POSES[:1], K, SIZE)
    inside = frames.instance[0] == 1
    beside = np.zeros_like(inside)
    beside[:, :-1] |= inside[:, 1:]
    beside &= ~inside
    away = np.roll(beside, -4, axis=1) & ~inside
    assert frames.rgb[0][beside].mean() < 0.75 * frames.rgb[0][away].mean()


def test_frames_do_not_depend_on_their_company(monkeypatch: pytest.MonkeyPatch) -> None:
    meshes = room(pattern="dots")
    together = render(meshes, POSES, K, SIZE)
    monkeypatch.setattr("ouroboros_data.geometry.render._CHUNK", 1)
    apart = render(meshes, POSES, K, SIZE)
    for name in ("rgb", "depth_m", "instance"):
        np.testing.assert_array_equal(getattr(together, name), getattr(apart, name))


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(ValueError, match="no meshes"):
        render([], POSES, K, SIZE)
    with pytest.raises(ValueError, match=r"\(frames, 4, 4\)"):
        render(room(), POSES[0], K, SIZE)
    with pytest.raises(ValueError, match="mesh 0"):
        render(
            [RenderMesh(vertices_m=np.zeros((3, 2)), faces=np.zeros((1, 3), int), color=(1, 1, 1))],
            POSES,
            K,
            SIZE,
        )
    with pytest.raises(ValueError, match="plaid"):
        render(room(pattern="plaid"), POSES, K, SIZE)
    with pytest.raises(ValueError, match="both"):
        cast(room(), np.zeros((2, 3)), np.zeros((3, 3)))
