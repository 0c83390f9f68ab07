"""What can be carried."""

from __future__ import annotations

from scene_adapters.procedural.shapes import Block, Drum, Part, full, legs


def slab(w: float, d: float, h: float) -> list[Part]:
    """A plain box with a lighter lid line: box, book, towel."""
    return [Part("main", [full(w, d, 0, 0.85 * h)]), Part("light", [full(w, d, 0.85 * h, h)])]


def laptop(w: float, d: float, h: float) -> list[Part]:
    """Base with keys and an upright lid at the back."""
    y = d / 2
    return [
        Part("main", [full(w, d, 0, 0.025), (-w / 2, w / 2, -y, -y + 0.015, 0.025, h)]),
        Part("dark", [(-w / 2 + 0.02, w / 2 - 0.02, -0.5 * y, 0.5 * y, 0.025, 0.03)]),
        Part((0.15, 0.45, 0.95), [(-w / 2 + 0.015, w / 2 - 0.015, -y + 0.015, -y + 0.018, 0.04, h - 0.015)]),
    ]


def keyboard(w: float, d: float, h: float) -> list[Part]:
    """Slab with rows of keys."""
    rows = [
        (
            -w / 2 + 0.015,
            w / 2 - 0.015,
            -d / 2 + d * (0.1 + 0.22 * i),
            -d / 2 + d * (0.26 + 0.22 * i),
            0.6 * h,
            h,
        )
        for i in range(4)
    ]
    return [Part("main", [full(w, d, 0, 0.6 * h)]), Part("light", rows)]


def telephone(w: float, d: float, h: float) -> list[Part]:
    """Wedge with a handset on its left."""
    x, y = w / 2, d / 2
    return [
        Part("main", [full(w, d, 0, 0.6 * h), (-x, -0.3 * x, -y, y, 0.6 * h, h)]),
        Part("light", [(0.0, 0.8 * x, -0.7 * y, 0.7 * y, 0.6 * h, 0.7 * h)]),
    ]


def printer(w: float, d: float, h: float) -> list[Part]:
    """Body with a paper tray and a slot."""
    x, y = w / 2, d / 2
    return [
        Part("main", [(-x, x, -y, 0.6 * y, 0, h)]),
        Part("dark", [(-0.7 * x, 0.7 * x, 0.6 * y, 0.63 * y, 0.55 * h, 0.75 * h)]),
        Part((0.97, 0.97, 0.97), [(-0.6 * x, 0.6 * x, 0.6 * y, y, 0.3 * h, 0.36 * h)]),
    ]


def tower(w: float, d: float, h: float) -> list[Part]:
    """Computer case with drive slots and a lit button."""
    x, y = w / 2, d / 2
    return [
        Part("main", [(-x, x, -y, y - 0.01, 0, h)]),
        Part("light", [(-0.8 * x, 0.8 * x, y - 0.01, y, f * h, (f + 0.08) * h) for f in (0.6, 0.72, 0.84)]),
        Part((0.2, 0.9, 0.3), [(-0.2 * x, 0.2 * x, y - 0.01, y - 0.003, 0.4 * h, 0.46 * h)]),
    ]


def microwave(w: float, d: float, h: float) -> list[Part]:
    """Box with a dark window and a panel."""
    x, y = w / 2, d / 2
    return [
        Part("main", [(-x, x, -y, y - 0.02, 0, h)]),
        Part((0.08, 0.08, 0.10), [(-0.9 * x, 0.45 * x, y - 0.02, y - 0.01, 0.15 * h, 0.85 * h)]),
        Part("light", [(0.55 * x, 0.95 * x, y - 0.02, y, 0.1 * h, 0.9 * h)]),
    ]


def lamp(w: float, d: float, h: float) -> list[Part]:
    """Foot, pole and a shade that narrows upwards."""
    shade = min(0.35 * h, 0.32)
    return [
        Part((0.25, 0.22, 0.20), drums=[Drum(block=(-0.3 * w, 0.3 * w, -0.3 * d, 0.3 * d, 0, 0.03)),
                                        Drum(block=(-0.035, 0.035, -0.035, 0.035, 0.03, h - shade))]),
        Part("main", drums=[Drum(block=full(w, d, h - shade, h), end=0.65)]),
    ]  # fmt: skip


def plant(w: float, d: float, h: float) -> list[Part]:
    """Pot with a bushy crown."""
    pot, r = 0.32 * h, 0.3
    crown = [
        Drum(block=full(w, d, pot + 0.10 * h, pot + 0.36 * h), start=0.55),
        Drum(block=full(0.96 * w, 0.96 * d, pot + 0.36 * h, h), end=0.35),
    ]
    return [
        Part((0.72, 0.38, 0.22), drums=[Drum(block=(-r * w, r * w, -r * d, r * d, 0, pot), start=0.7)]),
        Part((0.35, 0.25, 0.12), drums=[Drum(block=(-0.02, 0.02, -0.02, 0.02, pot, pot + 0.10 * h))]),
        Part("main", drums=crown),
    ]


def bin_(w: float, d: float, h: float) -> list[Part]:
    """Round bin, wider at the top, dark inside."""
    return [
        Part("main", drums=[Drum(block=full(w, d, 0, h - 0.01), start=0.75)]),
        Part((0.08, 0.08, 0.08), drums=[Drum(block=full(0.85 * w, 0.85 * d, h - 0.01, h))]),
    ]


def basket(w: float, d: float, h: float) -> list[Part]:
    """Square basket with a rim."""
    return [
        Part("main", [(-0.46 * w, 0.46 * w, -0.46 * d, 0.46 * d, 0, 0.85 * h)]),
        Part("light", [full(w, d, 0.85 * h, h)]),
    ]


def backpack(w: float, d: float, h: float) -> list[Part]:
    """Body, front pocket, straps and a loop."""
    x, y = w / 2, d / 2
    return [
        Part(
            "main",
            [
                (-x, x, -0.8 * y, 0.5 * y, 0, 0.8 * h),
                (-0.75 * x, 0.75 * x, -0.8 * y, 0.4 * y, 0.8 * h, 0.94 * h),
            ],
        ),
        Part("light", [(-0.7 * x, 0.7 * x, 0.5 * y, y, 0.08 * h, 0.5 * h)]),
        Part(
            "dark",
            [
                (-0.6 * x, -0.3 * x, -y, -0.8 * y, 0.1 * h, 0.8 * h),
                (0.3 * x, 0.6 * x, -y, -0.8 * y, 0.1 * h, 0.8 * h),
                (-0.2 * x, 0.2 * x, -0.3 * y, 0, 0.94 * h, h),
            ],
        ),
    ]


def suitcase(w: float, d: float, h: float) -> list[Part]:
    """Upright case on wheels with a pulled-out handle."""
    x, y = w / 2, d / 2
    bars: list[Block] = [
        (-0.4 * x, -0.3 * x, -y, -y + 0.02, 0.75 * h, h),
        (0.3 * x, 0.4 * x, -y, -y + 0.02, 0.75 * h, h),
        (-0.3 * x, 0.3 * x, -y, -y + 0.02, h - 0.02, h),
    ]
    return [
        Part("main", [(-x, x, -y, y, 0.05, 0.75 * h)]),
        Part((0.1, 0.1, 0.1), [*bars, *legs(w, d, 0.05, 0.05)]),
    ]


def fan(w: float, d: float, h: float) -> list[Part]:
    """Round cage on a pole."""
    y, r = d / 2, w / 2
    return [
        Part(
            "dark",
            [(-0.02, 0.02, -0.02, 0.02, 0.04, h - 2 * r)],
            [Drum(block=(-0.6 * r, 0.6 * r, -y, y, 0, 0.04))],
        ),
        Part("main", drums=[Drum(block=(-r, r, -0.4 * y, 0.4 * y, h - 2 * r, h), axis="y", end=0.9)]),
        Part(
            (0.2, 0.2, 0.22),
            drums=[Drum(block=(-0.25 * r, 0.25 * r, 0.4 * y, 0.5 * y, h - 1.25 * r, h - 0.75 * r), axis="y")],
        ),
    ]


def guitar(w: float, d: float, h: float) -> list[Part]:
    """Standing body, waist and neck."""
    y, r = d / 2, w / 2
    return [
        Part(
            "main",
            drums=[
                Drum(block=(-r, r, -y, y, 0, 0.34 * h), axis="y"),
                Drum(block=(-0.75 * r, 0.75 * r, -y, y, 0.26 * h, 0.5 * h), axis="y"),
            ],
        ),
        Part(
            "dark",
            [
                (-0.14 * r, 0.14 * r, -0.3 * y, 0.3 * y, 0.5 * h, 0.9 * h),
                (-0.25 * r, 0.25 * r, -0.3 * y, 0.3 * y, 0.9 * h, h),
            ],
        ),
    ]


def bowl(w: float, d: float, h: float) -> list[Part]:
    """Wide bowl."""
    return [
        Part("main", drums=[Drum(block=full(w, d, 0, 0.9 * h), start=0.5)]),
        Part("dark", drums=[Drum(block=full(0.8 * w, 0.8 * d, 0.9 * h, h))]),
    ]


def kettle(w: float, d: float, h: float) -> list[Part]:
    """Body with spout, handle and lid."""
    x, y = w / 2, d / 2
    return [
        Part(
            "main",
            [(0.5 * x, x, -0.15 * y, 0.15 * y, 0.5 * h, 0.7 * h)],
            [Drum(block=(-0.7 * x, 0.7 * x, -y, y, 0, 0.85 * h), end=0.6)],
        ),
        Part(
            "dark",
            [
                (-x, -0.75 * x, -0.15 * y, 0.15 * y, 0.2 * h, 0.9 * h),
                (-0.75 * x, -0.3 * x, -0.15 * y, 0.15 * y, 0.85 * h, h),
            ],
        ),
    ]
