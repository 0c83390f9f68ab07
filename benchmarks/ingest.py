"""Seconds and peak memory, stage by stage, of one generated ScanNet scan of real size; and many small ones in a row.

    python benchmarks/ingest.py [--small 1000]

The large scan has 60 objects in 72 m², more than 150,000 vertices and 600,000 faces with 3 mm of noise, and a ``.sens``
stream of 1,500 frames of 640x480 with depth (4 mm of noise). The camera rests at 75 places for 20 frames each, so that few
pictures need to be drawn. It is read by the `scannet` adapter in a process of its own, on one core. Memory is the peak of
resident pages within the stage, with all that came before it still held. Small scans (6 objects, 24 frames) are read
one after the other by one process; its memory after each tenth of them is printed. Linux only: it reads ``/proc``.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import math
import multiprocessing
import os
import struct
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image

from ouroboros_data.geometry.cameras import look_at, pinhole
from ouroboros_data.geometry.render import RenderMesh, render

TARGET_S, TARGET_MB = 6.0, 700.0
TARGET_STAGES = ("floor", "boxes", "depth maps", "visibility")
LABELS = (
    *(
        "chair",
        "table",
        "cabinet",
        "bed",
        "sofa",
        "trash bin",
        "refrigerator",
        "bookshelf",
        "printer",
        "stool",
    ),
    *(
        "nightstand",
        "microwave",
        "piano",
        "suitcase",
        "toilet",
        "washing machine",
        "bench",
        "bathtub",
        "monitor",
    ),
)
HEIGHT_M, NOISE_M, DEPTH_NOISE_M, SMALL_TREES = 2.6, 0.003, 0.004, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Size of a generated scan."""

    cells: tuple[int, int]
    """Square metres along x and y; a cell holds one object at most."""
    objects: int
    step_m: float
    """Edge of the mesh's triangles."""
    stops: int
    frames: int
    size_px: tuple[int, int]


LARGE = Plan(cells=(9, 8), objects=60, step_m=0.03, stops=75, frames=1500, size_px=(640, 480))
SMALL = Plan(cells=(4, 3), objects=6, step_m=0.08, stops=8, frames=24, size_px=(80, 60))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--small", type=int, default=1000, help="small scans, 0: none")
    given = arguments.parse_args()
    start = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        size = write_scan(root / "large" / "scans", "scene0000_00", LARGE, seed=0)
        in_process(start, measure_large, root / "large", size)
        if given.small:
            trees = min(SMALL_TREES, given.small)
            for i in range(trees):
                write_scan(root / "small" / "scans", f"scene{i:04}_00", SMALL, seed=i + 1)
            in_process(start, measure_small, root / "small", given.small)


def in_process(start: Any, work: Callable[..., None], *arguments: Any) -> None:
    process = start.Process(target=on_one_core, args=(work, *arguments))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{work.__name__} failed")


def on_one_core(work: Callable[..., None], *arguments: Any) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    work(*arguments)


def measure_large(root: Path, size: str) -> None:
    from scene_adapters import scan
    from scene_adapters.scannet import ScanNet, adapter

    stages = Stages()
    for module, name, stage in (
        (adapter, "read_ply", "read the mesh"),
        (adapter, "_owned", "segments"),
        (adapter, "instances_of", "labels"),
        (adapter, "find_frames", "index the stream"),
        (scan, "floor_outline", "floor"),
        (scan, "_objects", "boxes"),
        (scan, "_chosen", "choose frames"),
        (scan, "_depth", "depth maps"),
        (scan, "object_views", "visibility"),
    ):
        setattr(module, name, stages.timed(stage, getattr(module, name)))
    source = ScanNet(root=root, options={"frame_count": 32})
    (ref,) = source.refs()
    idle_mb = resident_mb()
    whole = stages.timed("all", source.load)
    scene = whole(ref, root)
    print(f"{size}; {len(scene.objects)} objects, {len(scene.frames)} frames kept")
    print(f"  imports and interpreter {idle_mb:20.0f} MB")
    for stage, (wall_s, cpu_s, peak_mb) in stages.spent.items():
        print(f"  {stage:18} {wall_s:7.2f} s wall {cpu_s:7.2f} s CPU {peak_mb:7.0f} MB")
    cpu_s = sum(stages.spent[stage][1] for stage in TARGET_STAGES)
    wall_s = sum(stages.spent[stage][0] for stage in TARGET_STAGES)
    peak_mb = max(stages.spent[stage][2] for stage in TARGET_STAGES)
    print(
        f"  objects, room and visibility on {len(scene.frames)} frames: {wall_s:.2f} s wall, {cpu_s:.2f} s CPU, "
        f"{peak_mb:.0f} MB (targets {TARGET_S:g} s, {TARGET_MB:g} MB)"
    )


def measure_small(root: Path, count: int) -> None:
    from scene_adapters.scannet import ScanNet

    source = ScanNet(root=root, options={"frame_count": 12})
    refs = source.refs()
    start, cpu = time.perf_counter(), time.process_time()
    after: list[float] = []
    for i in range(count):
        scene = source.load(refs[i % len(refs)], root)
        assert len(scene.frames) == 12 and scene.objects
        if (i + 1) % max(1, count // 10) == 0:
            gc.collect()
            after.append(resident_mb())
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(f"{count} small scans: {1e3 * wall / count:.0f} ms wall, {1e3 * cpu / count:.0f} ms CPU each")
    print("  MB after each tenth:", " ".join(f"{mb:.0f}" for mb in after))


class Stages:
    """Wall time, CPU time and peak memory of named calls; repeated ones add up. A call within another counts once."""

    def __init__(self) -> None:
        self.spent: dict[str, tuple[float, float, float]] = {}
        self._open: list[list[float]] = []

    def timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, measured under this name."""

        def run(*args: Any, **kwargs: Any) -> Any:
            for outer in self._open:  # what they reached so far is lost when the mark is reset
                outer[0] = max(outer[0], peak_mb())
            Path("/proc/self/clear_refs").write_text("5")
            own = [0.0]
            self._open.append(own)
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                return call(*args, **kwargs)
            finally:
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                self._open.remove(own)
                peak = max(own[0], peak_mb())
                for outer in self._open:
                    outer[0] = max(outer[0], peak)
                before = self.spent.get(stage, (0.0, 0.0, 0.0))
                self.spent[stage] = (before[0] + wall, before[1] + cpu, max(before[2], peak))

        return run


def peak_mb() -> float:
    return status_mb("VmHWM")


def resident_mb() -> float:
    return status_mb("VmRSS")


def status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name + ":")) / 1024


def write_scan(scans: Path, scan_id: str, plan: Plan, seed: int) -> str:
    """A scan as the official download leaves it; returns a line about its size."""
    random = np.random.default_rng(seed)
    root = scans / scan_id
    root.mkdir(parents=True)
    blocks = furniture(plan, random)
    width_m, depth_m = plan.cells
    quads = [*map(block_quads, blocks), *([quad] for quad in shell_quads(width_m, depth_m))]
    parts = [gridded(quad, plan.step_m) for quad in quads]
    starts = np.cumsum([0, *(len(points) for points, _ in parts)])
    vertices = np.concatenate([points for points, _ in parts])
    faces = np.concatenate([corners + start for (_, corners), start in zip(parts, starts, strict=False)])
    owner = np.repeat(np.arange(len(parts)), np.diff(starts))
    noisy = vertices + random.normal(0, NOISE_M, vertices.shape)
    colors = random.integers(60, 220, (len(parts), 3)).astype(np.uint8)
    mesh = trimesh.Trimesh(noisy, faces, vertex_colors=colors[owner], process=False)
    mesh.export(root / f"{scan_id}_vh_clean_2.ply")
    # Segments are patches of one part; the numbers have gaps, as ScanNet's have.
    patch = np.unique(np.column_stack([owner, np.floor(vertices / 0.3)]), axis=0, return_inverse=True)[1]
    segment_of = 7 * patch.reshape(-1)
    segs = {"sceneId": scan_id, "segIndices": segment_of.tolist()}
    (root / f"{scan_id}_vh_clean_2.0.010000.segs.json").write_text(json.dumps(segs))
    names = [*(LABELS[i % len(LABELS)] for i in range(len(blocks))), "floor", *["wall"] * 4]
    groups = [
        {"id": i, "objectId": i, "segments": np.unique(segment_of[owner == i]).tolist(), "label": name}
        for i, name in enumerate(names)
    ]
    annotation = {
        "sceneId": scan_id,
        "segGroups": groups,
        "segmentsFile": f"scannet.{scan_id}_vh_clean_2.0.010000.segs.json",
    }
    (root / f"{scan_id}.aggregation.json").write_text(json.dumps(annotation))
    axes = " ".join(f"{v:g}" for v in np.eye(4).ravel())
    (root / f"{scan_id}.txt").write_text(f"axisAlignment = {axes}\nsceneType = Apartment\n")
    written = write_stream(root / f"{scan_id}.sens", plan, blocks, random)
    return (
        f"{len(vertices)} vertices, {len(faces)} faces, {plan.frames} frames of "
        f"{plan.size_px[0]}x{plan.size_px[1]} with depth ({written / 1e6:.0f} MB)"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A solid box that stands on the floor."""

    center_m: np.ndarray[Any, Any]
    extent_m: np.ndarray[Any, Any]
    yaw_rad: float


def furniture(plan: Plan, random: np.random.Generator) -> list[Block]:
    """One block in each of the first cells of a shuffled grid."""
    columns, rows = plan.cells
    blocks = []
    for cell in random.permutation(columns * rows)[: plan.objects]:
        extent = random.uniform((0.35, 0.3, 0.3), (0.65, 0.6, 1.2))
        middle = np.array([cell % columns + 0.5, cell // columns + 0.5, extent[2] / 2])
        blocks.append(Block(center_m=middle, extent_m=extent, yaw_rad=float(random.uniform(0, math.pi))))
    return blocks


def block_quads(block: Block) -> list[np.ndarray[Any, Any]]:
    """Sides and top: corner and two edges, (3, 3) each."""
    cos, sin = math.cos(block.yaw_rad), math.sin(block.yaw_rad)
    x, y, z = np.array([(cos, sin, 0), (-sin, cos, 0), (0, 0, 1)]) * block.extent_m[:, None]
    low = block.center_m - (x + y + z) / 2
    return [
        np.stack(quad)
        for quad in ((low, x, z), (low + x, y, z), (low + x + y, -x, z), (low + y, -y, z), (low + z, x, y))
    ]


def shell_quads(width_m: float, depth_m: float) -> list[np.ndarray[Any, Any]]:
    """Floor and four walls, seen from within."""
    low, x, y, z = (
        np.array(v, float) for v in ((0, 0, 0), (width_m, 0, 0), (0, depth_m, 0), (0, 0, HEIGHT_M))
    )
    return [
        np.stack(quad)
        for quad in ((low, x, y), (low, z, x), (low + x, z, y), (low + x + y, z, -x), (low + y, z, -y))
    ]


def gridded(
    quads: list[np.ndarray[Any, Any]], step_m: float
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Small triangles, welded: vertices (n, 3) and faces (m, 3)."""
    points, faces, base = [], [], 0
    for corner, a, b in quads:
        n, m = (max(1, math.ceil(np.linalg.norm(edge) / step_m)) for edge in (a, b))
        s, t = np.meshgrid(np.arange(n + 1) / n, np.arange(m + 1) / m, indexing="ij")
        points.append(corner + s.reshape(-1, 1) * a + t.reshape(-1, 1) * b)
        at = base + np.arange((n + 1) * (m + 1)).reshape(n + 1, m + 1)
        p, q, r, u = (i.ravel() for i in (at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]))
        faces += [np.stack([p, q, r], -1), np.stack([p, r, u], -1)]
        base += (n + 1) * (m + 1)
    every = np.concatenate(points)
    _, first, welded = np.unique(np.round(every, 6), axis=0, return_index=True, return_inverse=True)
    return every[first], welded.reshape(-1)[np.concatenate(faces)]


def write_stream(path: Path, plan: Plan, blocks: list[Block], random: np.random.Generator) -> int:
    """A ``.sens`` stream with jpeg pictures and zlib depth; the camera rests at each stop. Returns its bytes."""
    (width_m, depth_m), (width, height) = plan.cells, plan.size_px
    around = np.linspace(0, 2 * math.pi, plan.stops, endpoint=False)
    middle = np.array([width_m / 2, depth_m / 2])
    eye = np.column_stack(
        [
            middle + 0.3 * np.array(plan.cells) * np.column_stack([np.cos(around), np.sin(around)]),
            1.6 + 0 * around,
        ]
    )
    gaze = 2.4 * around  # the camera turns faster than it walks
    target = eye + np.column_stack([np.cos(gaze), np.sin(gaze), -0.45 + 0 * gaze])
    poses, K_px = look_at(eye, target), pinhole(plan.size_px, 60.0)
    looks = [
        RenderMesh(vertices_m=p, faces=f, color=tuple(random.uniform(0.1, 0.9, 3)), pattern="checker")
        for p, f in (
            gridded(quads, math.inf) for quads in [*map(block_quads, blocks), shell_quads(width_m, depth_m)]
        )
    ]
    stored = np.eye(4)
    stored[:3, :3] = K_px
    stored[:2, 2] -= 0.5  # ScanNet counts pixel centres as whole numbers
    with path.open("wb") as out:
        out.write(struct.pack("<IQ", 4, 4) + b"made")
        for matrix in (stored, np.eye(4), stored, np.eye(4)):
            out.write(matrix.astype("<f4").tobytes())
        out.write(struct.pack("<2i4IfQ", 2, 1, width, height, width, height, 1000.0, plan.frames))
        rest = plan.frames // plan.stops
        for stop, pose in enumerate(poses):
            shown = render(looks, pose[None], K_px, plan.size_px)
            far = shown.depth_m[0] + random.normal(0, DEPTH_NOISE_M, (height, width))
            steps = np.where(np.isfinite(far), 1000 * far, 0).round().astype("<u2")
            depth = zlib.compress(steps.tobytes(), 1)
            for i in range(stop * rest, (stop + 1) * rest if stop + 1 < plan.stops else plan.frames):
                if i == stop * rest:
                    buffer = io.BytesIO()
                    Image.fromarray(shown.rgb[0]).save(buffer, "JPEG", quality=90)
                    color = buffer.getvalue()
                out.write(pose.astype("<f4").tobytes())
                out.write(struct.pack("<4Q", 33_333 * i, 33_333 * i, len(color), len(depth)))
                out.write(color + depth)
        out.write(struct.pack("<Q", 0))
    return path.stat().st_size


if __name__ == "__main__":
    main()
