"""Rooms per second of the `procedural` adapter on one core, and where the time goes.

    OMP_NUM_THREADS=1 python benchmarks/rooms.py [ROOMS] [option=value ...]

Times are CPU seconds of this process, so other work on the machine disturbs them less than it would wall time.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from scene_adapters.procedural import Procedural, adapter

STAGES = {
    "furnish": "lay out and furnish",
    "walk": "plan the walk",
    "room_meshes": "meshes",
    "render": "render",
    "film": "encode and write",
}


def timed(name: str, call: Callable[..., Any], spent: dict[str, float]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        try:
            return call(*args, **kwargs)
        finally:
            spent[name] = spent.get(name, 0.0) + time.process_time() - start

    return run


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    extra = {key: yaml.safe_load(value) for key, value in (text.split("=", 1) for text in sys.argv[2:])}
    rooms = Procedural(seed=0, options={"count": count + 1, **extra})
    spent: dict[str, float] = {}
    first, *rest = rooms.refs()
    with tempfile.TemporaryDirectory() as folder:
        rooms.load(first, Path(folder))  # imports and lookup tables
        for name in STAGES:
            setattr(adapter, name, timed(name, getattr(adapter, name), spent))
        wall, cpu = time.perf_counter(), time.process_time()
        for ref in rest:
            rooms.load(ref, Path(folder))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    options = rooms.options
    print(f"{count} rooms, {options.frame_count} frames of {options.size_px[0]}x{options.size_px[1]}")
    print(f"{count / cpu:.1f} rooms per CPU second, {count / wall:.1f} per second of wall time")
    spent["rest"] = cpu - sum(spent.values())
    for name, seconds in spent.items():
        print(
            f"  {STAGES.get(name, 'records, hashes, the rest'):26} {1e3 * seconds / count:6.1f} ms  {seconds / cpu:5.0%}"
        )


if __name__ == "__main__":
    main()
