"""Raw trees of each source, good and broken: checked, kept in a store, read back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from raw import arkitscenes, scannet, scannetpp
from raw.world import World, make_world

from ouroboros_data.digest import scene_digest
from ouroboros_data.plugins import SceneAdapter
from ouroboros_data.scenes import store as scenestore
from ouroboros_data.stages.check import check_one
from scene_adapters.arkitscenes import ARKitScenes
from scene_adapters.scannet import ScanNet
from scene_adapters.scannetpp import ScanNetPP
from scene_adapters.store import Store

FRAMES = 40


def scannet_tree(root: Path, world: World) -> SceneAdapter:
    scannet.write_scan(root / "scans", world)
    scannet.write_table(root / "scannetv2-labels.combined.tsv")
    return ScanNet(root=root)


def scannetpp_tree(root: Path, world: World) -> SceneAdapter:
    scannetpp.write_scene(root / "data", world)
    return ScanNetPP(root=root)


def arkitscenes_tree(root: Path, world: World) -> SceneAdapter:
    arkitscenes.write_scan(root, {"lowres_wide": world})
    return ARKitScenes(root=root)


Tree = Callable[[Path, World], SceneAdapter]
TREES: dict[str, Tree] = {
    "scannet": scannet_tree,
    "scannetpp": scannetpp_tree,
    "arkitscenes": arkitscenes_tree,
}


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(frame_count=FRAMES, size_px=(256, 192))


def told(adapter: SceneAdapter, media: Path) -> set[tuple[str, str]]:
    (ref,) = adapter.refs()
    return {(finding.check, finding.severity) for finding in check_one(adapter, ref, media)}


@pytest.mark.parametrize("source", TREES)
def test_a_good_scan_is_ok_and_comes_back_equal(source: str, world: World, tmp_path: Path) -> None:
    adapter = TREES[source](tmp_path / "raw", world)
    assert hasattr(adapter, "raw"), "without the scan, only the record is checked"
    assert told(adapter, tmp_path) == set()
    (ref,) = adapter.refs()
    scene = adapter.load(ref, tmp_path)
    store = tmp_path / "store"
    scenestore.create(store)
    name = scenestore.root_name(store, source, tmp_path / "raw")
    entry = scenestore.put(store, scene, key=ref.key, adapter=source, bases={name: str(tmp_path / "raw")})
    again = Store(root=store)
    back = again.load(again.refs()[0], tmp_path)
    assert back == scene and scene_digest(back) == entry.digest
    assert told(again, tmp_path) == set()


@pytest.mark.parametrize("source", TREES)
def test_depth_of_another_unit(source: str, world: World, tmp_path: Path) -> None:
    """As of a recorder that stores half millimetres."""
    wrong = dataclasses.replace(world, depth_m=world.depth_m * np.float32(2))
    found = told(TREES[source](tmp_path / "raw", wrong), tmp_path)
    assert found & {("depth", "error"), ("alignment", "error")}, found


@pytest.mark.parametrize("source", TREES)
def test_depth_of_other_frames(source: str, world: World, tmp_path: Path) -> None:
    """Pictures and poses are right, the depth maps are in the wrong order."""
    wrong = dataclasses.replace(world, depth_m=world.depth_m[::-1])
    found = told(TREES[source](tmp_path / "raw", wrong), tmp_path)
    assert found & {("depth", "error"), ("alignment", "error")}, found


@pytest.mark.parametrize("source", TREES)
def test_centimetres(source: str, world: World, tmp_path: Path) -> None:
    """Mesh, boxes and poses in centimetres: refused by the adapter, or found by the check."""
    poses = world.T_world_camera.copy()
    poses[:, :3, 3] *= 100
    objects = tuple(
        dataclasses.replace(
            known,
            center_m=tuple(100 * v for v in known.center_m),
            extent_m=tuple(100 * v for v in known.extent_m),
        )
        for known in world.objects
    )
    wrong = dataclasses.replace(
        world, vertices_m=world.vertices_m * 100, T_world_camera=poses, objects=objects
    )
    found = told(TREES[source](tmp_path / "raw", wrong), tmp_path)
    assert found & {("scale", "error"), ("load", "error")}, found


@pytest.mark.parametrize("source", TREES)
def test_a_file_that_is_missing(source: str, world: World, tmp_path: Path) -> None:
    adapter = TREES[source](tmp_path / "raw", world)
    mesh = next((tmp_path / "raw").rglob("*.ply"))
    mesh.unlink()
    assert told(TREES_OF[source](root=tmp_path / "raw"), tmp_path) == {("load", "error")}, adapter


TREES_OF = {"scannet": ScanNet, "scannetpp": ScanNetPP, "arkitscenes": ARKitScenes}
