"""One scene, for a person."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from ouroboros_data.config import Recipe
from ouroboros_data.errors import SceneError
from ouroboros_data.media.frames import FrameBank, sample_frame_ids
from ouroboros_data.plugins import Image
from ouroboros_data.stages.scenes import open_adapter
from ouroboros_data.types import Question, Scene


def show_scene(console: Console, recipe: Recipe, scene_id: str, frames_png: Path | None) -> None:
    """Load a scene through the recipe's adapter and print it; with ``frames_png`` write a contact sheet.

    Raises:
        SceneError: The adapter does not list this scene, or cannot load it.
    """
    adapter = open_adapter(recipe.scenes, recipe.seed)
    refs = {ref.id: ref for ref in adapter.refs()}
    if scene_id not in refs:
        raise SceneError(
            f"no scene {scene_id!r}", fix=f"{len(refs)} scenes, for example {next(iter(refs), 'none')}"
        )
    with tempfile.TemporaryDirectory() as media:
        scene = adapter.load(refs[scene_id], Path(media))
        frame_ids = sample_frame_ids(scene, recipe.frames.count)
        _print(console, scene, frame_ids, recipe.frames.min_pixel_share)
        if frames_png is not None:
            question = Question(
                id="",
                scene_id=scene.id,
                frame_ids=frame_ids,
                question_type="",
                text="",
                answer_type="boolean",
            )
            _save(contact_sheet(FrameBank({scene.id: scene}, recipe.frames.reader)(question)), frames_png)
            console.print(f"frames {', '.join(frame_ids)} written to {frames_png}")


def contact_sheet(images: list[Image], columns: int = 4) -> Image:
    """Tile (h, w, 3) images of one size, row by row."""
    h, w, _ = images[0].shape
    rows = -(-len(images) // columns)
    sheet = np.zeros((rows * h, min(columns, len(images)) * w, 3), np.uint8)
    for i, image in enumerate(images):
        y, x = divmod(i, columns)
        sheet[y * h : (y + 1) * h, x * w : (x + 1) * w] = image
    return sheet


def _save(image: Image, path: Path) -> None:
    from PIL import Image as Pillow

    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(image).save(path)


def _print(console: Console, scene: Scene, frame_ids: tuple[str, ...], min_pixel_share: float) -> None:
    room, video = scene.room, scene.video
    console.print(
        f"[bold]{scene.id}[/]  source {scene.source}, space {scene.space_id}, licence {scene.license}"
    )
    outline = f", {len(room.floor_polygon_m)} corners" if room.floor_polygon_m else ", no outline"
    console.print(
        f"room {room.area_m2:.1f} m²{outline}; {len(scene.objects)} objects; frames {scene.frames_origin}"
    )
    if video is not None:
        console.print(
            f"video {video.frame_count} frames, {video.size_px[0]}x{video.size_px[1]}, {video.fps:g} fps"
        )
    seen = {
        o.id: sum(
            any(v.object_id == o.id and v.pixel_share >= min_pixel_share for v in f.views)
            for f in scene.frames
            if f.id in frame_ids
        )
        for o in scene.objects
    }
    table = Table(
        "object", "category", "centre m", "extent m", f"seen in of {len(frame_ids)}", show_edge=False
    )
    for o in scene.objects:
        center, extent = (" ".join(f"{v:6.2f}" for v in vec) for vec in (o.center_m, o.extent_m))
        table.add_row(o.id, o.category, center, extent, str(seen[o.id]))
    console.print(table)
