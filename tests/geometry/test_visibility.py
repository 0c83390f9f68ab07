import numpy as np
import pytest
from raw.world import OBJECTS, World, _render_meshes, make_world

from ouroboros_data.geometry.cameras import look_at, pinhole
from ouroboros_data.geometry.render import RenderMesh, render
from ouroboros_data.geometry.visibility import BEHIND_M, BEHIND_SHARE, first_last_seen, object_views

IDS = tuple(f"o{i}" for i in range(len(OBJECTS)))
TABLE, BOX, CABINET = 0, 1, 4
FINE = (480, 360)  # of the renders that stand for the truth


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(size_px=FINE, frame_count=8)


def owners(world: World) -> np.ndarray:
    return world.vertex_owner[world.faces[:, 0]]


def views(world: World, *, faces=slice(None), **options):
    given = {"T_world_camera": world.T_world_camera, "K_px": world.K_px, "size_px": world.size_px}
    return object_views(
        world.vertices_m,
        world.faces[faces],
        owners(world)[faces],
        ids=IDS,
        **{**given, **options},
    )


def table_of(of_frames, name: str) -> np.ndarray:
    out = np.zeros((len(of_frames), len(IDS)))
    for frame, of_frame in enumerate(of_frames):
        for view in of_frame:
            out[frame, IDS.index(view.object_id)] = getattr(view, name)
    return out


def true_shares(instance: np.ndarray) -> np.ndarray:
    return np.stack([(instance == i).mean((1, 2)) for i in range(len(IDS))], -1)


def alone(world: World, poses, k, size) -> np.ndarray:
    """Pixels that each object covers with nothing before it, (frames, objects)."""
    pixels = [
        (render([mesh], poses, k, size).instance == 0).sum((1, 2)) for mesh in _render_meshes()[: len(IDS)]
    ]
    return np.stack(pixels, -1)


def canvas(world: World, poses) -> tuple[np.ndarray, np.ndarray]:
    """Pixels within the frame and outside of it, up to one frame beyond each edge, of each object alone."""
    size, k = (160, 120), pinhole((160, 120), 70)
    shifted = k + np.array([(0, 0, size[0]), (0, 0, size[1]), (0, 0, 0)])
    within = alone(world, poses, k, size)
    return within, alone(world, poses, shifted, (3 * size[0], 3 * size[1])) - within


def test_shares_are_those_of_exact_renders(world: World) -> None:
    truth, got = true_shares(world.instance), table_of(views(world), "pixel_share")
    np.testing.assert_allclose(got, truth, atol=0.0015)
    assert ((truth > 0.004) & (got > 0)).sum() == (truth > 0.004).sum() > 25
    assert (got[truth == 0] == 0).all()


def test_the_first_and_the_last_frame_follow_from_the_views(world: World) -> None:
    truth = true_shares(world.instance) >= 0.01
    spans = first_last_seen(views(world), 0.01)
    for index, object_id in enumerate(IDS):
        seen = np.flatnonzero(truth[:, index])
        if len(seen):
            assert spans[object_id] == (seen[0], seen[-1])
        else:
            assert object_id not in spans
    assert len({span[0] for span in spans.values()}) > 1 and len({span[1] for span in spans.values()}) > 1
    assert first_last_seen(views(world), 0.5) == {}


def test_the_unhidden_projection_is_that_of_the_object_alone(world: World) -> None:
    of_frames = views(world)
    got, seen = table_of(of_frames, "projected_share"), table_of(of_frames, "pixel_share")
    truth = alone(world, world.T_world_camera, world.K_px, world.size_px) / np.prod(FINE)
    shown = seen > 0
    np.testing.assert_allclose(got[shown], truth[shown], atol=0.0015)
    assert (got >= seen).all()
    # The table and the box on it stand before the cabinet in the last frame.
    assert truth[-1, CABINET] > 1.2 * true_shares(world.instance)[-1, CABINET]


def test_what_is_cut_off_is_counted_on_a_larger_canvas(world: World) -> None:
    of_frames = views(world)
    got, shown = table_of(of_frames, "truncated_share"), table_of(of_frames, "pixel_share") > 0.004
    within, outside = canvas(world, world.T_world_camera)
    truth = outside / np.maximum(within + outside, 1)
    np.testing.assert_allclose(got[shown], truth[shown], atol=0.02)
    assert ((truth > 0.2) & shown).sum() > 5 and ((truth == 0) & shown).sum() > 10
    assert (got[shown & (truth == 0)] == 0).all()


def test_an_object_that_reaches_behind_the_camera(world: World) -> None:
    # Over the table, looking along it: half of its top lies behind the camera, some right below.
    poses = look_at([(0.9, 1.1, 1.0), (0.5, 1.0, 0.9)], [(2.6, 0.9, 0.4), (2.6, 1.6, 0.2)])
    of_frames = views(world, T_world_camera=poses)
    within, outside = canvas(world, poses)
    got = table_of(of_frames, "truncated_share")[:, TABLE]
    np.testing.assert_allclose(got, (outside / np.maximum(within + outside, 1))[:, TABLE], atol=0.02)
    assert ((got > 0.2) & (got < 1)).all()
    exact = render(_render_meshes(), poses, world.K_px, FINE).instance
    np.testing.assert_allclose(table_of(of_frames, "pixel_share"), true_shares(exact), atol=0.0025)


def test_a_large_triangle_reaches_from_behind_the_camera_into_the_picture() -> None:
    # A plate 1 m below a level camera, 4 m long to either side: no corner of it tells where it leaves the picture.
    plate = np.array([(-0.5, -4, -1), (0.5, -4, -1), (0.5, 4, -1), (-0.5, 4, -1)], float)
    faces, size, k = np.array([(0, 1, 2), (0, 2, 3)]), (160, 120), pinhole((160, 120), 70)
    pose = look_at((0, 0, 0), (0, 1, 0))[None]
    ((view,),) = object_views(plate, faces, (0, 0), T_world_camera=pose, K_px=k, size_px=size, ids=("plate",))
    mesh = [RenderMesh(vertices_m=plate, faces=faces, color=(1, 1, 1))]
    shifted = k + np.array([(0, 0, size[0]), (0, 0, size[1]), (0, 0, 0)])
    within = (render(mesh, pose, k, size).instance == 0).sum()
    everywhere = (render(mesh, pose, shifted, (3 * size[0], 3 * size[1])).instance == 0).sum()
    assert view.pixel_share == view.projected_share == pytest.approx(within / np.prod(size), abs=0.001)
    assert 1 - within / everywhere > 0.5
    assert view.truncated_share == pytest.approx(1 - within / everywhere, abs=0.02)


def test_nothing_is_seen_behind_the_camera(world: World) -> None:
    away = look_at((-1.5, 0.8, 1.4), (-9.0, 0.8, 1.4))[None]
    assert views(world, T_world_camera=away) == [()]


def test_intrinsics_and_pictures_need_not_be_centred_nor_alike(world: World) -> None:
    k = np.array([world.K_px, world.K_px * (0.7, 0.9, 1) + ((0, 0, 60), (0, 0, -40), (0, 0, 0))])
    poses = world.T_world_camera[[3, 7]]
    exact = [render(_render_meshes(), poses[i : i + 1], k[i], FINE).instance for i in range(2)]
    got = table_of(views(world, T_world_camera=poses, K_px=k), "pixel_share")
    np.testing.assert_allclose(got, true_shares(np.concatenate(exact)), atol=0.0015)
    upright = pinhole((600, 800), 50)
    tall = render(_render_meshes(), poses, upright, (600, 800)).instance
    got = table_of(views(world, T_world_camera=poses, K_px=upright, size_px=(600, 800)), "pixel_share")
    np.testing.assert_allclose(got, true_shares(tall), atol=0.002)


def test_a_finer_net_is_closer_to_the_truth(world: World) -> None:
    truth = true_shares(world.instance)
    off = [np.abs(table_of(views(world, work_px=n), "pixel_share") - truth).max() for n in (40, 400)]
    assert off[1] < 0.0006 < off[0]


@pytest.mark.parametrize("depth_size", [(480, 360), (256, 192), (200, 120)])
def test_depth_hides_what_the_mesh_leaves_open(world: World, depth_size: tuple[int, int]) -> None:
    # The table and what stands on it are missing in the mesh, as glass and thin things are in scans.
    rest = ~np.isin(owners(world), (TABLE, BOX))
    seen = make_world(size_px=FINE, depth_size_px=depth_size, frame_count=8)
    random = np.random.default_rng(0)
    depth = seen.depth_m * (1 + random.normal(0, 0.006, seen.depth_m.shape).astype(np.float32))
    depth[random.random(depth.shape) < 0.05] = np.nan
    truth = true_shares(world.instance)[:, CABINET]
    open_, hidden = (
        table_of(views(world, faces=rest, depth_m=maps), "pixel_share")[:, CABINET]
        for maps in (None, list(depth))
    )
    assert (open_ - truth).max() > 0.02
    # One ray in twenty falls on a hole of the depth map and passes; coarse depth blurs the outline.
    whole = alone(world, world.T_world_camera, world.K_px, FINE)[:, CABINET] / np.prod(FINE)
    assert (np.abs(hidden - truth) < 0.003 + 0.08 * (whole - truth)).all()
    unhidden = table_of(views(world, faces=rest, depth_m=list(depth)), "projected_share")[:, CABINET]
    np.testing.assert_allclose(unhidden, whole, atol=0.002)


def test_a_mesh_with_holes_hides_with_the_help_of_depth(world: World) -> None:
    random = np.random.default_rng(1)
    kept = (random.random(len(world.faces)) > 0.4) | ~np.isin(owners(world), (TABLE, BOX))
    truth = true_shares(world.instance)[:, CABINET]
    with_mesh = table_of(views(world, faces=kept), "pixel_share")[:, CABINET]
    with_depth = table_of(views(world, faces=kept, depth_m=list(world.depth_m)), "pixel_share")[:, CABINET]
    assert np.abs(with_mesh - truth).max() > 0.003 > 0.0015 > np.abs(with_depth - truth).max()


def test_where_depth_knows_nothing_the_mesh_decides(world: World) -> None:
    plain = views(world)
    for nothing in (np.nan, 0.0, np.inf, -1.0):
        blank = np.full((60, 80), nothing, np.float32)
        assert views(world, depth_m=[blank] * 8) == plain
    assert views(world, depth_m=[None] * 8) == plain
    assert views(world, depth_m=[np.full((60, 80), 0.3)] * 8) == [()] * 8


def test_the_tolerance_is_as_stated() -> None:
    plate = np.array([(-1, 2, -1), (1, 2, -1), (1, 2, 1), (-1, 2, 1)], float)
    faces, k = np.array([(0, 1, 2), (0, 2, 3)]), pinhole((64, 48), 60)
    limit = (2 - BEHIND_M) / (1 + BEHIND_SHARE)  # the depth at which a plate 2 m away is just not hidden
    for depth, seen in ((limit + 0.01, 1), (limit - 0.01, 0)):
        got = object_views(
            plate,
            faces,
            (0, 0),
            T_world_camera=look_at((0, 0, 0), (0, 1, 0))[None],
            K_px=k,
            size_px=(64, 48),
            ids=("plate",),
            depth_m=[np.full((48, 64), depth)],
        )
        assert len(got[0]) == seen


def test_wrong_input_is_named(world: World) -> None:
    good = {
        "vertices_m": world.vertices_m,
        "faces": world.faces,
        "face_owner": owners(world),
        "T_world_camera": world.T_world_camera,
        "K_px": world.K_px,
        "size_px": world.size_px,
        "ids": IDS,
    }
    lost = world.T_world_camera.copy()
    lost[3] = -np.inf
    hole = world.vertices_m.copy()
    hole[5] = np.nan
    for change, message in (
        ({"T_world_camera": lost}, "finite"),
        ({"T_world_camera": world.T_world_camera[0]}, r"\(frames, 4, 4\)"),
        ({"vertices_m": hole}, "finite"),
        ({"faces": world.faces + 1}, "outside"),
        ({"faces": world.faces[:, :2]}, r"\(m, 3\)"),
        ({"face_owner": owners(world)[:-1]}, "one entry a face"),
        ({"face_owner": owners(world) + 1}, "objects"),
        ({"depth_m": [None]}, "1 depth maps for 8 frames"),
        ({"depth_m": [np.zeros(3)] * 8}, "depth map"),
    ):
        with pytest.raises(ValueError, match=message):
            object_views(**{**good, **change})
    assert object_views(**{**good, "faces": world.faces[:0], "face_owner": ()}) == [()] * 8
    assert object_views(**{**good, "T_world_camera": np.empty((0, 4, 4))}) == []
