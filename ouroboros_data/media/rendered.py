"""From rendered frames to the records of a scene's frames and video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ouroboros_data.errors import SceneError
from ouroboros_data.geometry.cameras import as_mat3, as_mat4
from ouroboros_data.geometry.render import Rendered, RenderMesh
from ouroboros_data.ids import file_sha256
from ouroboros_data.media.video import write_video
from ouroboros_data.types import CameraFrame, ObjectView, Video


def camera_frames(
    rendered: Rendered,
    meshes: Sequence[RenderMesh],
    object_ids: Sequence[str],
    *,
    T_world_camera: npt.ArrayLike,
    K_px: npt.ArrayLike,
    fps: float,
) -> tuple[CameraFrame, ...]:
    """Posed frames with exact views, counted from the instance ids.

    Args:
        rendered: Frames of the meshes.
        meshes: What was rendered; several meshes may belong to one object.
        object_ids: The objects whose views are wanted, in the order wanted.
        T_world_camera: The poses that were rendered, (frames, 4, 4).
        K_px: The intrinsics that were rendered with, (3, 3).
        fps: Frames per second of the video.
    """
    row_of = {object_id: row for row, object_id in enumerate(object_ids)}
    # Index -1 (nothing seen) wraps to the last entry, which stands for "no object", as walls do.
    owner = np.array([row_of.get(mesh.object_id or "", len(row_of)) for mesh in meshes] + [len(row_of)])
    height, width = rendered.instance.shape[1:]
    k, frames = as_mat3(K_px), []
    for index, pose in enumerate(np.asarray(T_world_camera, float)):
        pixels = np.bincount(owner[rendered.instance[index]].ravel(), minlength=len(row_of) + 1)
        frames.append(
            CameraFrame(
                id=f"f{index:04d}",
                index=index,
                time_s=index / fps,
                size_px=(width, height),
                K_px=k,
                T_world_camera=as_mat4(pose),
                views=tuple(
                    ObjectView(object_id=object_id, pixel_share=int(count) / (width * height))
                    for object_id, count in zip(object_ids, pixels[:-1], strict=True)
                    if count
                ),
            )
        )
    return tuple(frames)


def film(rendered: Rendered, path: Path, fps: float) -> Video:
    """Write the frames to ``path`` and describe the video, relative to the directory it lies in.

    That directory is made if it is not there; the one above it exists.

    Raises:
        SceneError: It cannot be written.
    """
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise SceneError(
            f"cannot be created: {error.strerror}", where=str(path.parent), fix="check space and rights"
        ) from None
    write_video(path, rendered.rgb, fps)
    count, height, width = rendered.rgb.shape[:3]
    return Video(
        path=path.name, sha256=file_sha256(path), fps=fps, frame_count=count, size_px=(width, height)
    )
