"""What one sits, lies or works on, and what one keeps things in."""

from __future__ import annotations

from scene_adapters.procedural.shapes import Block, Drum, Part, full, legs


def table(w: float, d: float, h: float) -> list[Part]:
    """Top on four legs."""
    return [Part("main", [full(w, d, h - 0.05, h)]), Part("dark", legs(w, d, h - 0.05, 0.06, 0.03))]


def desk(w: float, d: float, h: float) -> list[Part]:
    """Top, a side panel and a drawer block; open to the front."""
    x, y = w / 2, d / 2
    drawers = min(0.42, w * 0.35)
    slots = [
        (x - drawers + 0.03, x - 0.03, y - 0.03, y - 0.02, h * f, h * f + 0.03) for f in (0.2, 0.45, 0.7)
    ]
    return [
        Part("main", [full(w, d, h - 0.05, h), (-x, -x + 0.05, -y, y - 0.02, 0, h - 0.05)]),
        Part("light", [(x - drawers, x, -y, y - 0.03, 0, h - 0.05)]),
        Part("dark", [*slots, (-x + 0.05, x - drawers, -y, -y + 0.03, h * 0.5, h - 0.05)]),
    ]


def chair(w: float, d: float, h: float) -> list[Part]:
    """Seat, back and four legs."""
    seat, y = 0.5 * h, d / 2
    back: list[Block] = [(-w / 2, w / 2, -y, -y + 0.05, seat + 0.12, h)]
    posts: list[Block] = [(s - 0.02, s + 0.02, -y, -y + 0.04, seat, seat + 0.12) for s in (-w / 3, w / 3)]
    return [
        Part("main", [full(w, d, seat - 0.07, seat), *back]),
        Part("dark", [*legs(w, d, seat - 0.07, 0.04), *posts]),
    ]


def swivel_chair(w: float, d: float, h: float) -> list[Part]:
    """Seat and back on a column with a foot cross."""
    seat, x, y = 0.5 * h, w / 2, d / 2
    foot: list[Block] = [(-x, x, -0.03, 0.03, 0, 0.07), (-0.03, 0.03, -y, y, 0, 0.07)]
    arms: list[Block] = [
        (s * x - 0.025 * (s + 1), s * x + 0.025 * (1 - s), -y / 2, y / 2, seat + 0.14, seat + 0.2)
        for s in (-1, 1)
    ]
    return [
        Part("main", [(-x + 0.06, x - 0.06, -y + 0.05, y, seat - 0.08, seat), (-x + 0.05, x - 0.05, -y, -y + 0.07, seat, h)]),
        Part("dark", [*foot, (-0.04, 0.04, -0.04, 0.04, 0.07, seat - 0.08), *arms,
                      *[(s * x - 0.025 * (s + 1), s * x + 0.025 * (1 - s), -0.03, 0.03, seat - 0.06, seat + 0.14) for s in (-1, 1)]]),
    ]  # fmt: skip


def stool(w: float, d: float, h: float) -> list[Part]:
    """Round seat on four legs."""
    return [
        Part("main", drums=[Drum(block=full(w, d, h - 0.08, h))]),
        Part("dark", legs(w * 0.7, d * 0.7, h - 0.08, 0.04)),
    ]


def bench(w: float, d: float, h: float) -> list[Part]:
    """Long seat on two slabs."""
    x = w / 2
    slabs: list[Block] = [
        (s * x * 0.8 - 0.04, s * x * 0.8 + 0.04, -d / 2, d / 2, 0, h - 0.07) for s in (-1, 1)
    ]
    return [Part("main", [full(w, d, h - 0.07, h)]), Part("dark", slabs)]


def sofa(w: float, d: float, h: float) -> list[Part]:
    """Base, back, two arms, and seat cushions of about 0.7 m."""
    x, y, arm, seat = w / 2, d / 2, min(0.18, w * 0.15), 0.48 * h
    count = max(1, round((w - 2 * arm) / 0.7))
    step = (w - 2 * arm) / count
    cushions = [
        (-x + arm + i * step + 0.01, -x + arm + (i + 1) * step - 0.01, -y + 0.2, y, seat - 0.12, seat)
        for i in range(count)
    ]
    frame: list[Block] = [
        (-x, x, -y, -y + 0.2, 0.06, h),
        (-x, -x + arm, -y + 0.2, y, 0.06, 0.72 * h),
        (x - arm, x, -y + 0.2, y, 0.06, 0.72 * h),
        (-x + arm, x - arm, -y + 0.2, y - 0.02, 0.06, seat - 0.12),
    ]
    return [Part("main", frame), Part("light", cushions), Part("dark", legs(w, d, 0.06, 0.06))]


def ottoman(w: float, d: float, h: float) -> list[Part]:
    """Padded box on short feet."""
    return [Part("main", [full(w, d, 0.08, h)]), Part("dark", legs(w, d, 0.08, 0.05, 0.02))]


def bed(w: float, d: float, h: float) -> list[Part]:
    """Frame, mattress with a turned-down sheet at the head (back), no headboard: pillows lie on the box's top."""
    y = d / 2
    return [
        Part((0.45, 0.30, 0.18), [full(w, d, 0.10, 0.55 * h), *legs(w, d, 0.10, 0.08)]),
        Part("main", [(-w / 2 + 0.01, w / 2 - 0.01, -y + 0.55, y - 0.01, 0.55 * h, h)]),
        Part((0.93, 0.93, 0.90), [(-w / 2 + 0.01, w / 2 - 0.01, -y + 0.01, -y + 0.55, 0.55 * h, h)]),
    ]


def pillow(w: float, d: float, h: float) -> list[Part]:
    """A cushion, thinner at its rim."""
    return [
        Part("main", [(-0.42 * w, 0.42 * w, -0.42 * d, 0.42 * d, 0, h), full(w, d, 0.25 * h, 0.7 * h)]),
    ]


def drawers(w: float, d: float, h: float) -> list[Part]:
    """Chest with drawers of about 0.25 m and knobs."""
    y, rows = d / 2, max(1, round(h / 0.25))
    step = (h - 0.04) / rows
    fronts = [
        (
            -w / 2 + 0.03,
            w / 2 - 0.03,
            y - 0.03,
            y - 0.015,
            0.02 + i * step + 0.015,
            0.02 + (i + 1) * step - 0.015,
        )
        for i in range(rows)
    ]
    knobs = [
        (-0.04, 0.04, y - 0.015, y, 0.02 + (i + 0.5) * step - 0.015, 0.02 + (i + 0.5) * step + 0.015)
        for i in range(rows)
    ]
    return [
        Part("main", [(-w / 2, w / 2, -d / 2, y - 0.03, 0, h)]),
        Part("light", fronts),
        Part("dark", knobs),
    ]


def doors(w: float, d: float, h: float) -> list[Part]:
    """Cupboard with doors of about 0.5 m and handles."""
    y, columns = d / 2, max(1, round(w / 0.5))
    step = (w - 0.04) / columns
    fronts: list[Block] = []
    handles: list[Block] = []
    for i in range(columns):
        left = -w / 2 + 0.02 + i * step
        fronts.append((left + 0.015, left + step - 0.015, y - 0.03, y - 0.02, 0.08, h - 0.04))
        side = left + (step - 0.06 if i % 2 == 0 else 0.04)
        handles.append((side, side + 0.02, y - 0.02, y, 0.45 * h, 0.6 * h))
    return [
        Part("main", [(-w / 2, w / 2, -d / 2, y - 0.03, 0, h)]),
        Part("light", fronts),
        Part("dark", handles),
    ]


def bookshelf(w: float, d: float, h: float) -> list[Part]:
    """Open shelves, boards about 0.35 m apart, with a back panel."""
    x, y = w / 2, d / 2
    rows = max(2, round(h / 0.35))
    boards = [
        (-x + 0.03, x - 0.03, -y + 0.02, y, (h - 0.03) * i / rows, (h - 0.03) * i / rows + 0.03)
        for i in range(rows)
    ]
    return [
        Part(
            "main",
            [
                (-x, -x + 0.03, -y, y, 0, h),
                (x - 0.03, x, -y, y, 0, h),
                (-x + 0.03, x - 0.03, -y, y, h - 0.03, h),
                *boards,
            ],
        ),
        Part("dark", [(-x + 0.03, x - 0.03, -y, -y + 0.02, 0, h - 0.03)]),
    ]


def piano(w: float, d: float, h: float) -> list[Part]:
    """Upright piano with a keyboard at the front."""
    x, y, keys = w / 2, d / 2, 0.62 * h
    return [
        Part(
            "main",
            [
                (-x, x, -y, 0.2 * y, 0, h),
                (-x, x, 0.2 * y, y, keys - 0.1, keys - 0.02),
                (-x, -x + 0.08, 0.2 * y, y, 0, keys - 0.1),
                (x - 0.08, x, 0.2 * y, y, 0, keys - 0.1),
            ],
        ),
        Part((0.97, 0.97, 0.93), [(-x + 0.08, x - 0.08, 0.35 * y, 0.97 * y, keys - 0.02, keys)]),
    ]
