"""What can stand in a room: sizes in metres, and a look that tells the categories apart by colour and pattern."""

from __future__ import annotations

from dataclasses import dataclass

from ouroboros_data.geometry.render import Pattern
from scene_adapters.procedural import fittings, furniture, things
from scene_adapters.procedural.shapes import Rgb, Shape

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One kind of object."""

    name: str
    size_m: tuple[Range, Range, Range]
    """Smallest and largest width, depth and height."""
    color: Rgb
    pattern: Pattern
    shapes: tuple[Shape, ...]
    """Styles; an object gets one of them."""
    cell_m: float
    """Width of a stripe or cell of the pattern."""


def _rgb(text: str) -> Rgb:
    r, g, b = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return r, g, b


def _category(
    name: str,
    width: Range,
    depth: Range,
    height: Range,
    color: str,
    pattern: Pattern,
    *styles: Shape,
    cell_m: float = 0.12,
) -> Category:
    return Category(
        name=name,
        size_m=(width, depth, height),
        color=_rgb(color),
        pattern=pattern,
        shapes=styles,
        cell_m=cell_m,
    )


# The colours were spread apart in CIE Lab (least distance about 20 between any two of the same pattern, lightness
# at three quarters of its weight because shading changes it), starting from what such things often look like.
_ALL = (
    # on the floor
    _category("bed", (0.9, 1.9), (1.95, 2.15), (0.4, 0.62), "#4174d9", "plain", furniture.bed),
    _category("sofa", (1.4, 2.6), (0.75, 1.0), (0.7, 0.95), "#c2302e", "plain", furniture.sofa),
    _category("armchair", (0.7, 1.0), (0.7, 0.95), (0.75, 1.05), "#ff7108", "plain", furniture.sofa),
    _category("ottoman", (0.4, 0.8), (0.4, 0.7), (0.35, 0.48), "#f26db0", "dots", furniture.ottoman),
    _category("table", (0.8, 2.2), (0.55, 1.1), (0.42, 0.78), "#83571a", "plain", furniture.table),
    _category("desk", (1.0, 1.8), (0.55, 0.85), (0.68, 0.78), "#f9c383", "plain", furniture.desk),
    _category(
        "chair",
        (0.4, 0.58),
        (0.42, 0.6),
        (0.75, 1.1),
        "#209e30",
        "plain",
        furniture.chair,
        furniture.swivel_chair,
    ),
    _category("stool", (0.3, 0.45), (0.3, 0.45), (0.42, 0.72), "#efe408", "plain", furniture.stool),
    _category("bench", (0.9, 1.6), (0.3, 0.45), (0.4, 0.5), "#587322", "stripes", furniture.bench),
    _category("nightstand", (0.38, 0.6), (0.35, 0.48), (0.42, 0.65), "#8343a8", "plain", furniture.drawers),
    _category("cabinet", (0.8, 1.8), (0.38, 0.55), (0.6, 1.1), "#089299", "plain", furniture.doors),
    _category("wardrobe", (0.9, 2.0), (0.5, 0.65), (1.75, 2.2), "#5c331e", "plain", furniture.doors),
    _category("bookshelf", (0.6, 1.4), (0.25, 0.38), (0.8, 2.05), "#ab8314", "plain", furniture.bookshelf),
    _category("piano", (1.35, 1.55), (0.55, 0.7), (1.05, 1.3), "#17081b", "plain", furniture.piano),
    _category(
        "refrigerator", (0.58, 0.9), (0.6, 0.75), (1.45, 1.95), "#94bdda", "plain", fittings.refrigerator
    ),
    _category("stove", (0.55, 0.8), (0.58, 0.68), (0.85, 0.95), "#3d3a33", "plain", fittings.stove),
    _category("dishwasher", (0.45, 0.6), (0.58, 0.65), (0.8, 0.9), "#5c767f", "plain", fittings.panel_front),
    _category("washer", (0.55, 0.68), (0.5, 0.66), (0.82, 1.0), "#e4d3ff", "plain", fittings.front_loader),
    _category("sink", (0.5, 0.9), (0.45, 0.6), (0.98, 1.12), "#87f3d3", "plain", fittings.sink),
    _category("toilet", (0.36, 0.44), (0.62, 0.74), (0.72, 0.88), "#f1ffd7", "plain", fittings.toilet),
    _category("bathtub", (1.4, 1.8), (0.68, 0.82), (0.5, 0.62), "#aaf9ff", "plain", fittings.bathtub),
    _category("lamp", (0.28, 0.48), (0.28, 0.48), (0.4, 1.75), "#ffea66", "plain", things.lamp),
    _category("plant", (0.28, 0.7), (0.28, 0.7), (0.4, 1.5), "#226b10", "dots", things.plant, cell_m=0.08),
    _category(
        "trash bin", (0.24, 0.4), (0.24, 0.4), (0.28, 0.62), "#088053", "stripes", things.bin_, cell_m=0.06
    ),
    _category("backpack", (0.3, 0.4), (0.2, 0.3), (0.42, 0.56), "#b81c9e", "plain", things.backpack),
    _category("suitcase", (0.38, 0.55), (0.22, 0.32), (0.75, 1.1), "#6a102c", "stripes", things.suitcase),
    _category(
        "basket", (0.32, 0.55), (0.3, 0.45), (0.28, 0.6), "#c48f4a", "checker", things.basket, cell_m=0.05
    ),
    _category("box", (0.3, 0.6), (0.28, 0.5), (0.22, 0.5), "#ae8c69", "plain", things.slab),
    _category("fan", (0.38, 0.5), (0.28, 0.38), (0.9, 1.35), "#3a78a7", "plain", things.fan, cell_m=0.06),
    _category("guitar", (0.36, 0.44), (0.11, 0.15), (0.95, 1.1), "#ba4a08", "plain", things.guitar),
    _category("heater", (0.6, 1.4), (0.09, 0.14), (0.45, 0.7), "#ffd8c2", "plain", fittings.ribs),
    _category("computer tower", (0.18, 0.24), (0.38, 0.5), (0.38, 0.52), "#08214e", "plain", things.tower),
    # on something
    _category(
        "pillow", (0.42, 0.7), (0.3, 0.45), (0.12, 0.18), "#fff6a4", "plain", furniture.pillow, cell_m=0.06
    ),
    _category("tv", (0.8, 1.5), (0.18, 0.3), (0.55, 0.95), "#3f155b", "plain", fittings.screen_on_foot),
    _category(
        "monitor", (0.45, 0.75), (0.16, 0.24), (0.38, 0.55), "#08dafc", "plain", fittings.screen_on_foot
    ),
    _category("laptop", (0.3, 0.4), (0.22, 0.3), (0.2, 0.27), "#b7a7ae", "plain", things.laptop),
    _category(
        "keyboard", (0.38, 0.48), (0.13, 0.2), (0.03, 0.05), "#584a65", "plain", things.keyboard, cell_m=0.03
    ),
    _category("telephone", (0.18, 0.26), (0.18, 0.25), (0.08, 0.14), "#870829", "plain", things.telephone),
    _category("printer", (0.38, 0.55), (0.36, 0.48), (0.22, 0.4), "#a5b17a", "plain", things.printer),
    _category("microwave", (0.44, 0.58), (0.34, 0.44), (0.26, 0.34), "#a06876", "plain", things.microwave),
    _category("kettle", (0.22, 0.32), (0.16, 0.22), (0.22, 0.3), "#ff2f5a", "plain", things.kettle),
    _category("bowl", (0.2, 0.38), (0.2, 0.38), (0.09, 0.16), "#c4eb3d", "plain", things.bowl),
    _category("book", (0.22, 0.34), (0.16, 0.25), (0.04, 0.14), "#2e2eb8", "plain", things.slab, cell_m=0.04),
    # on a wall
    _category("window", (0.8, 2.2), (0.07, 0.1), (0.9, 1.5), "#45c0ff", "plain", fittings.window),
    _category("door", (0.8, 1.0), (0.08, 0.12), (1.98, 2.12), "#933d22", "plain", fittings.door),
    _category(
        "picture", (0.4, 1.2), (0.03, 0.05), (0.35, 0.9), "#cb43e0", "checker", fittings.framed, cell_m=0.15
    ),
    _category("mirror", (0.4, 0.9), (0.03, 0.05), (0.6, 1.5), "#96b9a9", "plain", fittings.framed),
    _category("whiteboard", (1.1, 2.4), (0.03, 0.06), (0.8, 1.2), "#f5fbff", "plain", fittings.framed),
    _category("clock", (0.26, 0.45), (0.04, 0.07), (0.26, 0.45), "#f23518", "plain", fittings.disc),
    _category(
        "curtain", (0.3, 0.6), (0.08, 0.12), (1.3, 2.1), "#eb8dce", "stripes", fittings.folds, cell_m=0.2
    ),
    _category("towel", (0.35, 0.6), (0.04, 0.07), (0.5, 0.9), "#7ce1a7", "stripes", things.slab, cell_m=0.08),
)

CATEGORIES = {category.name: category for category in _ALL}

HUNG = frozenset(["window", "door", "picture", "mirror", "whiteboard", "clock", "curtain", "towel"])
"""Categories that hang on a wall."""
RESTING = frozenset(
    [
        "pillow", "tv", "monitor", "laptop", "keyboard", "telephone", "printer", "microwave", "kettle", "bowl",
        "book",
    ]
)  # fmt: skip
"""Categories that rest on something else."""
