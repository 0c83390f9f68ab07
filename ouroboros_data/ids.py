"""Content hashes for identity, hashed keys for randomness."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np


def canonical_json(value: Any) -> str:
    """Serialise JSON-like data so that equal data gives equal text (sorted keys, no spaces, no NaN)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(*parts: Any, size: int = 16) -> str:
    """Hex digest of JSON-like parts; ``size`` hex characters (64 bits by default)."""
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()[:size]


def file_sha256(path: Path) -> str:
    """Full sha256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def seed_from(*keys: Any) -> int:
    """A 63-bit seed from hashed keys. Never add a counter to a seed: neighbouring streams then overlap."""
    return int(content_hash("seed", *keys, size=64)[:16], 16) >> 1


def rng(*keys: Any) -> np.random.Generator:
    """Generator whose stream depends on all keys, and on nothing else."""
    return np.random.default_rng(seed_from(*keys))
