"""Appliances, bathroom fittings, screens, and what hangs on walls."""

from __future__ import annotations

from scene_adapters.procedural.shapes import Block, Drum, Part


def refrigerator(w: float, d: float, h: float) -> list[Part]:
    """Tall box with a gap between two doors and long handles."""
    x, y, split = w / 2, d / 2, 0.62 * h
    handles: list[Block] = [
        (-x + 0.05, -x + 0.08, y - 0.03, y, split - 0.45, split - 0.08),
        (-x + 0.05, -x + 0.08, y - 0.03, y, split + 0.08, split + 0.35),
    ]
    return [
        Part(
            "main",
            [
                (-x, x, -y, y - 0.06, 0, h),
                (-x, x, y - 0.06, y - 0.03, 0.04, split - 0.01),
                (-x, x, y - 0.06, y - 0.03, split + 0.01, h),
            ],
        ),
        Part((0.15, 0.15, 0.17), handles),
    ]


def stove(w: float, d: float, h: float) -> list[Part]:
    """Oven with a window, knobs, and four plates on top."""
    x, y = w / 2, d / 2
    plates = [
        Drum(block=(cx - 0.11, cx + 0.11, cy - 0.11, cy + 0.11, h - 0.015, h))
        for cx in (-x / 2, x / 2)
        for cy in (-y / 2, y / 2)
    ]
    knobs: list[Block] = [
        (cx - 0.02, cx + 0.02, y - 0.03, y, h - 0.12, h - 0.08)
        for cx in (-0.3 * w, -0.1 * w, 0.1 * w, 0.3 * w)
    ]
    return [
        Part("main", [(-x, x, -y, y - 0.03, 0, h - 0.015)]),
        Part((0.85, 0.32, 0.10), [(-x + 0.08, x - 0.08, y - 0.03, y - 0.02, 0.2 * h, 0.65 * h)]),
        Part((0.80, 0.80, 0.82), knobs, plates),
    ]


def front_loader(w: float, d: float, h: float) -> list[Part]:
    """Box with a round door: a washing machine."""
    x, y = w / 2, d / 2
    r = 0.32 * min(w, h)
    return [
        Part("main", [(-x, x, -y, y - 0.04, 0, h)]),
        Part(
            (0.20, 0.24, 0.34),
            drums=[Drum(block=(-r, r, y - 0.04, y, 0.45 * h - r, 0.45 * h + r), axis="y", end=0.8)],
        ),
        Part("dark", [(-x + 0.04, x - 0.04, y - 0.04, y - 0.03, 0.86 * h, 0.95 * h)]),
    ]


def panel_front(w: float, d: float, h: float) -> list[Part]:
    """Box with one front panel and a bar handle: a dishwasher."""
    x, y = w / 2, d / 2
    return [
        Part("main", [(-x, x, -y, y - 0.04, 0, h), (-x + 0.03, x - 0.03, y - 0.04, y - 0.03, 0.1, 0.8 * h)]),
        Part(
            "dark",
            [(-x + 0.06, x - 0.06, y - 0.03, y, 0.84 * h, 0.89 * h), (-x, x, y - 0.04, y - 0.03, 0, 0.06)],
        ),
    ]


def sink(w: float, d: float, h: float) -> list[Part]:
    """Cupboard with a rim, a basin and a tap."""
    x, y, rim = w / 2, d / 2, h - 0.22
    return [
        Part("dark", [(-x + 0.04, x - 0.04, -y, y - 0.06, 0, rim - 0.10)]),
        Part("main", [(-x, x, -y, y, rim - 0.10, rim - 0.06), (-x, -x + 0.05, -y, y, rim - 0.06, rim), (x - 0.05, x, -y, y, rim - 0.06, rim),
                      (-x + 0.05, x - 0.05, y - 0.05, y, rim - 0.06, rim), (-x + 0.05, x - 0.05, -y, -y + 0.12, rim - 0.06, rim)]),
        Part((0.55, 0.57, 0.60), [(-0.02, 0.02, -y + 0.04, -y + 0.08, rim, h), (-0.02, 0.02, -y + 0.08, -y + 0.22, h - 0.04, h)]),
    ]  # fmt: skip


def toilet(w: float, d: float, h: float) -> list[Part]:
    """Tank at the back, bowl with a seat in front."""
    x, y, seat = w / 2, d / 2, 0.52 * h
    tank = 0.28 * d
    return [
        Part("main", [(-x, x, -y, -y + tank, seat, h), (-0.5 * x, 0.5 * x, -y, -y + tank, 0, seat)],
             [Drum(block=(-0.9 * x, 0.9 * x, -y + tank, y, 0, seat - 0.04), start=0.6)]),
        Part("dark", drums=[Drum(block=(-0.95 * x, 0.95 * x, -y + tank, y, seat - 0.04, seat))]),
    ]  # fmt: skip


def bathtub(w: float, d: float, h: float) -> list[Part]:
    """Open tub with water."""
    x, y, t = w / 2, d / 2, 0.08
    rim: list[Block] = [
        (-x, x, -y, -y + t, 0, h),
        (-x, x, y - t, y, 0, h),
        (-x, -x + t, -y + t, y - t, 0, h),
        (x - t, x, -y + t, y - t, 0, h),
    ]
    return [Part("main", rim), Part((0.35, 0.70, 0.85), [(-x + t, x - t, -y + t, y - t, 0, 0.7 * h)])]


def screen_on_foot(w: float, d: float, h: float) -> list[Part]:
    """Flat screen on a foot: tv, monitor."""
    y = d / 2
    return [
        Part(
            "dark",
            [
                (-w / 2, w / 2, -0.02, 0.02, 0.14 * h, h),
                (-0.22 * w, 0.22 * w, -y, y, 0, 0.02),
                (-0.03, 0.03, -0.03, -0.01, 0.02, 0.3 * h),
            ],
        ),
        Part("main", [(-w / 2 + 0.03, w / 2 - 0.03, 0.02, min(0.03, y), 0.14 * h + 0.03, h - 0.03)]),
    ]


def framed(w: float, d: float, h: float) -> list[Part]:
    """Flat panel in a frame, hung on a wall."""
    x, y, t = w / 2, d / 2, min(0.05, 0.12 * min(w, h))
    frame: list[Block] = [
        (-x, x, -y, y, 0, t),
        (-x, x, -y, y, h - t, h),
        (-x, -x + t, -y, y, t, h - t),
        (x - t, x, -y, y, t, h - t),
    ]
    return [Part("dark", frame), Part("main", [(-x + t, x - t, -y, y * 0.4, t, h - t)])]


def window(w: float, d: float, h: float) -> list[Part]:
    """Panes in a white frame with a cross."""
    x, y, t = w / 2, d / 2, 0.05
    bars: list[Block] = [
        (-x, x, -y, y, 0, t), (-x, x, -y, y, h - t, h), (-x, -x + t, -y, y, t, h - t), (x - t, x, -y, y, t, h - t),
        (-0.035, 0.035, -y, y * 0.6, t, h - t), (-x + t, x - t, -y, y * 0.6, 0.6 * h, 0.6 * h + 0.07),
    ]  # fmt: skip
    return [Part((0.96, 0.96, 0.96), bars), Part("main", [(-x + t, x - t, -y, 0, t, h - t)])]


def door(w: float, d: float, h: float) -> list[Part]:
    """Leaf with two panels and a handle, in a frame."""
    x, y = w / 2, d / 2
    frame: list[Block] = [
        (-x, -x + 0.06, -y, y - 0.02, 0, h),
        (x - 0.06, x, -y, y - 0.02, 0, h),
        (-x + 0.06, x - 0.06, -y, y - 0.02, h - 0.06, h),
    ]
    panels: list[Block] = [
        (-x + 0.18, x - 0.18, 0, 0.2 * y, z0 * h, z1 * h) for z0, z1 in ((0.1, 0.42), (0.54, 0.88))
    ]
    return [
        Part("light", frame),
        Part("main", [(-x + 0.06, x - 0.06, -y, 0, 0, h - 0.06)]),
        Part("dark", panels),
        Part((0.85, 0.80, 0.45), [(x - 0.20, x - 0.10, 0, y, 0.48 * h, 0.5 * h)]),
    ]


def folds(w: float, d: float, h: float) -> list[Part]:
    """Vertical folds: a curtain."""
    count = max(3, round(w / 0.12))
    step, y = w / count, d / 2
    front = [
        (-w / 2 + i * step, -w / 2 + (i + 1) * step, -y, y if i % 2 == 0 else 0.2 * y, 0, h - 0.04)
        for i in range(count)
    ]
    return [Part("main", front), Part("dark", [(-w / 2, w / 2, -y, y, h - 0.04, h)])]


def ribs(w: float, d: float, h: float) -> list[Part]:
    """Panel with ribs: a heater."""
    count = max(4, round(w / 0.1))
    step, y = w / count, d / 2
    fins = [(-w / 2 + i * step, -w / 2 + (i + 0.6) * step, -y, y, 0.06, h) for i in range(count)]
    fins[-1] = (w / 2 - 0.6 * step, w / 2, -y, y, 0.06, h)
    feet: list[Block] = [(s * 0.4 * w - 0.02, s * 0.4 * w + 0.02, -y, y, 0, 0.06) for s in (-1, 1)]
    return [Part("main", fins), Part("dark", [*feet, (-w / 2, w / 2, -0.4 * y, 0.4 * y, 0.12, h - 0.05)])]


def disc(w: float, d: float, h: float) -> list[Part]:
    """Round dial with two hands, on a wall."""
    x, y = w / 2, d / 2
    return [
        Part("main", drums=[Drum(block=(-x, x, -y, 0.4 * y, 0, h), axis="y")]),
        Part(
            (0.97, 0.97, 0.97),
            drums=[Drum(block=(-0.8 * x, 0.8 * x, 0.4 * y, 0.7 * y, 0.1 * h, 0.9 * h), axis="y")],
        ),
        Part(
            (0.05, 0.05, 0.05),
            [(-0.02, 0.02, 0.7 * y, y, 0.5 * h, 0.85 * h), (0, 0.5 * x, 0.7 * y, y, 0.47 * h, 0.53 * h)],
        ),
    ]
