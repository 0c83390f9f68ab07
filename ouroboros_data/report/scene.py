"""One scene, for a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ouroboros_data.errors import SceneError, StoreError
from ouroboros_data.media.frames import FrameBank, sample_frame_ids
from ouroboros_data.plugins import SceneAdapter
from ouroboros_data.types import Question, Scene

if TYPE_CHECKING:
    from PIL import Image


def load_scene(adapter: SceneAdapter, scene_id: str, media: Path) -> Scene:
    """Load the one scene of an adapter that has this id (raises SceneError that says which there are)."""
    refs = {ref.id: ref for ref in adapter.refs()}
    if scene_id not in refs:
        raise SceneError(
            f"no scene {scene_id!r}", fix=f"{len(refs)} scenes, for example {next(iter(refs), 'none')}"
        )
    return adapter.load(refs[scene_id], media)


def show_scene(
    console: Console,
    scene: Scene,
    *,
    count: int,
    min_pixel_share: float,
    reader: Literal["av", "decord"] = "av",
    plot: Path | None = None,
    sheet: Path | None = None,
) -> None:
    """Print a scene.

    Args:
        console: Where to.
        scene: What.
        count: How many frames to look at, spread evenly.
        min_pixel_share: From this share of a frame on, an object counts as seen there.
        reader: Which library reads the pictures.
        plot: Write the plan here, as PNG.
        sheet: Write the frames with the boxes of what they show here, as PNG.

    Raises:
        SceneError: The scene has no frames, or its pictures cannot be read.
        StoreError: A PNG cannot be written.
    """
    frame_ids = sample_frame_ids(scene, count)
    _print(console, scene, frame_ids, min_pixel_share)
    if plot is not None:
        from ouroboros_data.report.topdown import draw_topdown

        _save(draw_topdown(scene), plot)
        console.print(f"plan written to {plot}")
    if sheet is not None:
        from ouroboros_data.report.sheet import contact_sheet

        frames = [frame for frame in scene.frames if frame.id in frame_ids]
        asked = Question(
            id="", scene_id=scene.id, frame_ids=frame_ids, question_type="", text="", answer_type="boolean"
        )
        _save(contact_sheet(scene, frames, FrameBank({scene.id: scene}, reader)(asked)), sheet)
        console.print(f"frames {', '.join(frame_ids)} written to {sheet}")


def _save(image: Image.Image, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, format="PNG")
    except OSError as error:
        raise StoreError(f"cannot be written: {error.strerror or error}", where=str(path)) from None


def _print(console: Console, scene: Scene, frame_ids: tuple[str, ...], min_pixel_share: float) -> None:
    room, video = scene.room, scene.video
    console.print(
        f"[bold]{escape(scene.id)}[/]  source {escape(scene.source)}, space {escape(scene.space_id)}, "
        f"licence {escape(scene.license)}"
    )
    outline = f", {len(room.floor_polygon_m)} corners" if room.floor_polygon_m else ", no outline"
    kinds = ", ".join(sorted({record.box_kind for record in scene.objects}))
    height = f", {room.height_m:.2f} m high" if room.height_m else ""
    console.print(
        f"room {room.area_m2:.1f} m²{outline}{height}; {len(scene.objects)} objects, boxes {kinds}; "
        f"frames {scene.frames_origin}"
    )
    if video is not None:
        console.print(
            f"video {video.frame_count} frames, {video.size_px[0]}x{video.size_px[1]}, {video.fps:g} fps; "
            f"{len(scene.frames)} posed frames chosen, {scene.frames[0].time_s:.1f} to {scene.frames[-1].time_s:.1f} s"
        )
    eyes = np.array([np.array(frame.T_world_camera)[:3, 3] for frame in scene.frames])
    walked = float(np.linalg.norm(np.diff(eyes, axis=0), axis=1).sum())
    turns = sorted({frame.turn_deg for frame in scene.frames} - {0})
    console.print(
        f"camera at heights {eyes[:, 2].min():.2f} to {eyes[:, 2].max():.2f} m, at least {walked:.1f} m walked"
        + (f", pictures turned by {', '.join(map(str, turns))}°" if turns else "")
    )
    console.print(_objects(scene, frame_ids, min_pixel_share))


def _objects(scene: Scene, frame_ids: tuple[str, ...], min_pixel_share: float) -> Any:
    looked_at = [frame for frame in scene.frames if frame.id in frame_ids]
    seen = {record.id: 0 for record in scene.objects}
    for frame in looked_at:
        for view in frame.views:
            seen[view.object_id] += view.pixel_share >= min_pixel_share
    table = Table(show_edge=False)
    fitted = any(record.point_count for record in scene.objects)
    for title in ("object", "category", "centre m", "extent m", f"seen in of {len(looked_at)}"):
        table.add_column(title, no_wrap=title.endswith(" m"))
    if fitted:
        table.add_column("points", justify="right")
        table.add_column("labelled")
    for o in scene.objects:
        center, extent = (" ".join(f"{v:6.2f}" for v in vec) for vec in (o.center_m, o.extent_m))
        label = escape(o.raw_label) if o.raw_label != o.category else ""
        more = (f"{o.point_count:,}" if o.point_count else "", label) if fitted else ()
        table.add_row(escape(o.id), escape(o.category), center, extent, str(seen[o.id]), *more)
    return table
