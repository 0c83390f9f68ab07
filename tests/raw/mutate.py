"""Damage for readers to survive."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BIG = (
    b"\x00" * 8,
    b"\xff" * 8,
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80",
    b"\x00\x00\xc0\x7f",
    b"\x00\x00\x80\xff",
)


def mutations(data: bytes, count: int, seed: int = 0, hot: tuple[int, int] | None = None) -> Iterator[bytes]:
    """``count`` damaged copies: cut off, bytes flipped, pieces set to extremes, taken out, doubled or moved.

    Args:
        data: What is whole.
        count: How many.
        seed: The same seed gives the same damage.
        hot: Range of bytes (a header, say) that half of the damage is done in.
    """
    random = np.random.default_rng(seed)
    for number in range(count):
        out = bytearray(data)
        low, high = hot if hot and number % 2 else (0, len(data))
        for _ in range(int(random.integers(1, 4))):
            at = int(random.integers(low, min(high, len(out)))) if len(out) > low else 0
            size = int(random.integers(1, 33))
            kind = int(random.integers(0, 6))
            if kind == 0:
                del out[at:]
            elif kind == 1 and at < len(out):
                out[at] ^= int(random.integers(1, 256))
            elif kind == 2:
                piece = BIG[int(random.integers(len(BIG)))]
                out[at : at + len(piece)] = piece
            elif kind == 3:
                del out[at : at + size]
            elif kind == 4:
                out[at:at] = out[at : at + size]
            else:
                out[at : at + size] = random.bytes(size)
        yield bytes(out)
