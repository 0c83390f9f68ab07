"""What can stand in a room: sizes in metres, and a look that tells the categories apart by colour and pattern."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

from ouroboros_data.geometry.render import Pattern
from scene_adapters.procedural import shapes
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


def _category(
    name: str,
    width: Range,
    depth: Range,
    height: Range,
    hsv: tuple[float, float, float],
    pattern: Pattern,
    *styles: Shape,
    cell_m: float = 0.12,
) -> Category:
    hue_deg, saturation, value = hsv
    return Category(
        name=name,
        size_m=(width, depth, height),
        color=colorsys.hsv_to_rgb(hue_deg / 360, saturation, value),
        pattern=pattern,
        shapes=styles,
        cell_m=cell_m,
    )


_ALL = (
    # on the floor
    _category("bed", (0.9, 1.9), (1.95, 2.15), (0.4, 0.62), (220, 0.70, 0.85), "plain", shapes.bed),
    _category("sofa", (1.4, 2.6), (0.75, 1.0), (0.7, 0.95), (2, 0.75, 0.72), "plain", shapes.sofa),
    _category("armchair", (0.7, 1.0), (0.7, 0.95), (0.75, 1.05), (24, 0.95, 1.0), "checker", shapes.sofa),
    _category("ottoman", (0.4, 0.8), (0.4, 0.7), (0.35, 0.48), (330, 0.55, 0.95), "dots", shapes.ottoman),
    _category("table", (0.8, 2.2), (0.55, 1.1), (0.42, 0.78), (28, 0.70, 0.58), "plain", shapes.table),
    _category("desk", (1.0, 1.8), (0.55, 0.85), (0.68, 0.78), (40, 0.45, 0.95), "stripes", shapes.desk),
    _category(
        "chair", (0.4, 0.58), (0.42, 0.6), (0.75, 1.1), (128, 0.80, 0.62), "plain", shapes.chair, shapes.swivel_chair
    ),
    _category("stool", (0.3, 0.45), (0.3, 0.45), (0.42, 0.72), (58, 0.95, 0.92), "plain", shapes.stool),
    _category("bench", (0.9, 1.6), (0.3, 0.45), (0.4, 0.5), (80, 0.70, 0.45), "stripes", shapes.bench),
    _category("nightstand", (0.38, 0.6), (0.35, 0.48), (0.42, 0.65), (278, 0.60, 0.66), "plain", shapes.drawers),
    _category("cabinet", (0.8, 1.8), (0.38, 0.55), (0.6, 1.1), (184, 0.75, 0.58), "plain", shapes.doors),
    _category("wardrobe", (0.9, 2.0), (0.5, 0.65), (1.75, 2.2), (12, 0.60, 0.38), "stripes", shapes.doors),
    _category("bookshelf", (0.6, 1.4), (0.25, 0.38), (0.8, 2.05), (46, 0.85, 0.72), "checker", shapes.bookshelf),
    _category("piano", (1.35, 1.55), (0.55, 0.7), (1.05, 1.3), (255, 0.35, 0.16), "plain", shapes.piano),
    _category(
        "refrigerator", (0.58, 0.9), (0.6, 0.75), (1.45, 1.95), (200, 0.22, 0.92), "plain", shapes.refrigerator
    ),
    _category("stove", (0.55, 0.8), (0.58, 0.68), (0.85, 0.95), (0, 0.0, 0.24), "plain", shapes.stove),
    _category("dishwasher", (0.45, 0.6), (0.58, 0.65), (0.8, 0.9), (215, 0.12, 0.55), "stripes", shapes.panel_front),
    _category("washer", (0.55, 0.68), (0.5, 0.66), (0.82, 1.0), (240, 0.16, 0.98), "plain", shapes.front_loader),
    _category("sink", (0.5, 0.9), (0.45, 0.6), (0.98, 1.12), (168, 0.40, 0.95), "plain", shapes.sink),
    _category("toilet", (0.36, 0.44), (0.62, 0.74), (0.72, 0.88), (62, 0.16, 0.98), "plain", shapes.toilet),
    _category("bathtub", (1.4, 1.8), (0.68, 0.82), (0.5, 0.62), (196, 0.40, 1.0), "plain", shapes.bathtub),
    _category("lamp", (0.28, 0.48), (0.28, 0.48), (0.4, 1.75), (52, 0.60, 1.0), "plain", shapes.lamp),
    _category("plant", (0.28, 0.7), (0.28, 0.7), (0.4, 1.5), (108, 0.85, 0.42), "dots", shapes.plant, cell_m=0.08),
    _category(
        "trash bin", (0.24, 0.4), (0.24, 0.4), (0.28, 0.62), (158, 0.95, 0.50), "stripes", shapes.bin_, cell_m=0.06
    ),
    _category("backpack", (0.3, 0.4), (0.2, 0.3), (0.42, 0.56), (310, 0.85, 0.72), "plain", shapes.backpack),
    _category("suitcase", (0.38, 0.55), (0.22, 0.32), (0.75, 1.1), (342, 0.85, 0.42), "stripes", shapes.suitcase),
    _category("basket", (0.32, 0.55), (0.3, 0.45), (0.28, 0.6), (34, 0.60, 0.80), "checker", shapes.basket, cell_m=0.05),
    _category("box", (0.3, 0.6), (0.28, 0.5), (0.22, 0.5), (30, 0.42, 0.74), "plain", shapes.slab),
    _category("fan", (0.38, 0.5), (0.28, 0.38), (0.9, 1.35), (205, 0.55, 0.70), "dots", shapes.fan, cell_m=0.06),
    _category("guitar", (0.36, 0.44), (0.11, 0.15), (0.95, 1.1), (20, 0.95, 0.80), "plain", shapes.guitar),
    _category("heater", (0.6, 1.4), (0.09, 0.14), (0.45, 0.7), (20, 0.10, 0.90), "plain", shapes.ribs),
    _category("computer tower", (0.18, 0.24), (0.38, 0.5), (0.38, 0.52), (232, 0.75, 0.30), "plain", shapes.tower),
    # on something
    _category("pillow", (0.42, 0.7), (0.3, 0.45), (0.12, 0.18), (48, 0.38, 1.0), "dots", shapes.pillow, cell_m=0.06),
    _category("tv", (0.8, 1.5), (0.18, 0.3), (0.55, 0.95), (264, 0.70, 0.34), "plain", shapes.screen_on_foot),
    _category("monitor", (0.45, 0.75), (0.16, 0.24), (0.38, 0.55), (188, 0.95, 0.95), "plain", shapes.screen_on_foot),
    _category("laptop", (0.3, 0.4), (0.22, 0.3), (0.2, 0.27), (210, 0.05, 0.72), "plain", shapes.laptop),
    _category(
        "keyboard", (0.38, 0.48), (0.13, 0.2), (0.03, 0.05), (240, 0.25, 0.20), "checker", shapes.keyboard, cell_m=0.03
    ),
    _category("telephone", (0.18, 0.26), (0.18, 0.25), (0.08, 0.14), (352, 0.90, 0.55), "plain", shapes.telephone),
    _category("printer", (0.38, 0.55), (0.36, 0.48), (0.22, 0.4), (88, 0.18, 0.82), "plain", shapes.printer),
    _category("microwave", (0.44, 0.58), (0.34, 0.44), (0.26, 0.34), (340, 0.25, 0.62), "plain", shapes.microwave),
    _category("kettle", (0.22, 0.32), (0.16, 0.22), (0.22, 0.3), (350, 0.80, 0.95), "plain", shapes.kettle),
    _category("bowl", (0.2, 0.38), (0.2, 0.38), (0.09, 0.16), (72, 0.75, 0.92), "plain", shapes.bowl),
    _category("book", (0.22, 0.34), (0.16, 0.25), (0.04, 0.14), (240, 0.75, 0.72), "stripes", shapes.slab, cell_m=0.04),
    # on a wall
    _category("window", (0.8, 2.2), (0.07, 0.1), (0.9, 1.5), (202, 0.55, 1.0), "plain", shapes.window),
    _category("door", (0.8, 1.0), (0.08, 0.12), (1.98, 2.12), (16, 0.70, 0.55), "plain", shapes.door),
    _category(
        "picture", (0.4, 1.2), (0.03, 0.05), (0.35, 0.9), (292, 0.70, 0.88), "checker", shapes.framed, cell_m=0.15
    ),
    _category("mirror", (0.4, 0.9), (0.03, 0.05), (0.6, 1.5), (176, 0.14, 0.84), "plain", shapes.framed),
    _category("whiteboard", (1.1, 2.4), (0.03, 0.06), (0.8, 1.2), (0, 0.0, 1.0), "plain", shapes.framed),
    _category("clock", (0.26, 0.45), (0.04, 0.07), (0.26, 0.45), (8, 0.90, 0.95), "plain", shapes.disc),
    _category("curtain", (0.3, 0.6), (0.08, 0.12), (1.3, 2.1), (318, 0.40, 0.92), "stripes", shapes.folds, cell_m=0.2),
    _category("towel", (0.35, 0.6), (0.04, 0.07), (0.5, 0.9), (146, 0.45, 0.88), "stripes", shapes.slab, cell_m=0.08),
)

CATEGORIES = {category.name: category for category in _ALL}
