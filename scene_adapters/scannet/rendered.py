"""A scan without frames, filmed: a walk through its mesh, in the mesh's own colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.cameras import as_mat3, pinhole, unproject
from ouroboros_data.geometry.fit import fit_box
from ouroboros_data.geometry.floor import floor_outline
from ouroboros_data.geometry.render import BACKGROUND, Rendered, RenderMesh, render
from ouroboros_data.media.ply import PlyMesh
from ouroboros_data.media.rendered import film
from ouroboros_data.types import SceneObject
from scene_adapters.meta_info_view import Shell
from scene_adapters.meta_info_walk import plan_walk
from scene_adapters.scan import RawFrame, RawInstance
from scene_adapters.scannet.frames import FrameSet

Floats = npt.NDArray[np.float64]
_LEAST_CEILING_M = 2.2
_GREY = 0.5  # of the meshes, so that a rendered value over it is light


def film_mesh(
    mesh: PlyMesh,
    vertices_m: Floats,
    instances: Sequence[RawInstance],
    directory: Path,
    *,
    count: int,
    fps: float,
    size_px: tuple[int, int],
    hfov_deg: float,
    shaded: bool,
) -> FrameSet:
    """Walk through the mesh with a camera that looks at the objects; writes ``video.mp4`` into ``directory``.

    Args:
        mesh: Faces and colours of the scan.
        vertices_m: Its vertices in the aligned world, (n, 3).
        instances: Labelled vertices.
        directory: Made if it is not there.
        count: Frames.
        fps: Frames per second of the video.
        size_px: Width, height.
        hfov_deg: Horizontal field of view.
        shaded: Whether light must be added: colours that are those of labels hold none.

    Raises:
        SceneError: The mesh has no colours, floor or objects, or the video cannot be written.
    """
    if mesh.colors is None:
        raise SceneError(
            "the mesh has no vertex colours to render", where=str(directory), fix="get the frames"
        )
    boxes = [_box(instance, vertices_m) for instance in instances if instance.category is not None]
    objects = [box for box in boxes if box is not None]
    if not objects:
        raise SceneError("no objects to look at", where=str(directory), fix="leave the scan out")
    K_px = pinhole(size_px, hfov_deg)
    vfov_deg = math.degrees(2 * math.atan(size_px[1] / 2 / K_px[1, 1]))
    meshes = _meshes(mesh, vertices_m, objects, instances)
    poses = plan_walk(
        objects,
        meshes,
        _shell(mesh, vertices_m),
        obstacles=objects,
        count=count,
        fov_deg=(hfov_deg, vfov_deg),
    )
    rendered = render(meshes, poses, K_px, size_px)
    colored = _colored(rendered, mesh.colors, vertices_m, poses, K_px, shaded)
    video = film(colored, directory / "video.mp4", fps)
    frames = tuple(
        RawFrame(
            id=f"f{index:06d}",
            index=index,
            time_s=index / fps,
            size_px=size_px,
            K_px=K_px,
            T_world_camera=pose,
        )
        for index, pose in enumerate(poses)
    )
    return FrameSet(root=directory, video=video, frames=frames, open_depth=None)


def _box(instance: RawInstance, vertices_m: Floats) -> SceneObject | None:
    """What the walk plans with; the scene's own boxes are made later, as for every scan."""
    try:
        box = fit_box(vertices_m[instance.vertex_index], "gravity")
    except ValueError:  # too few points
        return None
    return SceneObject(
        id=instance.id,
        category=instance.category or "",
        center_m=(float(box.center_m[0]), float(box.center_m[1]), float(box.center_m[2])),
        extent_m=(float(box.extent_m[0]), float(box.extent_m[1]), float(box.extent_m[2])),
        R_world_object=as_mat3(box.R_world_box),
    )


def _meshes(
    mesh: PlyMesh, vertices_m: Floats, objects: Sequence[SceneObject], instances: Sequence[RawInstance]
) -> list[RenderMesh]:
    """One mesh an object, and one for all the rest; the colours come later."""
    wanted = {record.id for record in objects}
    owner = np.full(len(vertices_m), -1)
    for number, instance in enumerate(instances):
        if instance.id in wanted:
            owner[instance.vertex_index] = number
    # A face on the border between two instances belongs to the one that has most of its corners.
    corners = np.sort(owner[mesh.faces], axis=1)
    of_face = np.where(corners[:, 0] == corners[:, 1], corners[:, 0], corners[:, 1])
    meshes = []
    for number in np.unique(of_face):
        meshes.append(
            RenderMesh(
                vertices_m=vertices_m,
                faces=mesh.faces[of_face == number],
                color=(_GREY, _GREY, _GREY),
                object_id=instances[number].id if number >= 0 else None,
            )
        )
    return [_compact(part) for part in meshes]


def _compact(mesh: RenderMesh) -> RenderMesh:
    used, faces = np.unique(mesh.faces, return_inverse=True)
    return replace(mesh, vertices_m=mesh.vertices_m[used], faces=faces.reshape(-1, 3))


def _shell(mesh: PlyMesh, vertices_m: Floats) -> Shell:
    floor = floor_outline(vertices_m, mesh.faces)
    height = floor.height_m or _LEAST_CEILING_M
    return Shell(
        outline_m=np.asarray(floor.outline_m, float),
        floor_m=floor.floor_z_m,
        ceiling_m=floor.floor_z_m + max(height, _LEAST_CEILING_M),
    )


def _colored(
    rendered: Rendered,
    colors: npt.NDArray[np.uint8],
    vertices_m: Floats,
    poses: Floats,
    K_px: Floats,
    shaded: bool,
) -> Rendered:
    """Each pixel in the colour of the nearest vertex; a scan's colours hold the light of the room already."""
    tree = cKDTree(vertices_m)
    rgb = np.empty_like(rendered.rgb)
    rgb[:] = np.round(255 * np.array(BACKGROUND))
    for index, (depth, pose) in enumerate(zip(rendered.depth_m, poses, strict=True)):
        seen = np.isfinite(depth)
        points = unproject(np.where(seen, depth, 0.0), K_px, pose)[seen]
        if len(points):
            own = colors[tree.query(points)[1]].astype(float)
            light = rendered.rgb[index][seen] / (255 * _GREY) if shaded else 1.0
            rgb[index][seen] = np.minimum(own * light, 255)
    return replace(rendered, rgb=rgb)
