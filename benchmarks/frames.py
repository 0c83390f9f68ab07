"""32 uniform frames of a 1,500-frame 640x480 H.264 video, by each reader; a barcode in the picture checks them.

Run: ``python benchmarks/frames.py``. Prints wall and CPU time of this process and its children, each per read with
the file opened anew, and how they compare with the first reader's.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from ouroboros_data.errors import SceneError
from ouroboros_data.ids import rng
from ouroboros_data.media.reader import Backend, open_reader

FRAMES, SIZE_PX, PICKED, REPEATS = 1500, (640, 480), 32, 5
BITS, CELL_PX = 11, 32


def main() -> None:
    indices = [round(i * (FRAMES - 1) / (PICKED - 1)) for i in range(PICKED)]
    with tempfile.TemporaryDirectory() as folder:
        for group in (250, 30):
            path = Path(folder) / f"every_{group}.mp4"
            write(path, group)
            print(f"key frame every {group} frames, {path.stat().st_size / 1e6:.1f} MB")
            first = 0.0
            backends: tuple[Backend, ...] = ("av", "decord")
            for backend in backends:
                try:
                    wall_s, cpu_s, exact = measure(path, backend, indices)
                except SceneError as error:
                    print(f"  {backend:7} {error}")
                    continue
                first = first or wall_s
                print(
                    f"  {backend:7} wall {1e3 * wall_s:6.0f} ms ({wall_s / first:.2f}x)"
                    f"  cpu {1e3 * cpu_s:6.0f} ms  exact {exact}/{PICKED}"
                )


def measure(path: Path, backend: Backend, indices: list[int]) -> tuple[float, float, int]:
    walls, cpus, exact = [], [], PICKED
    for repeat in range(REPEATS + 1):
        wall, cpu = time.perf_counter(), cpu_s()
        with open_reader(path, backend) as reader:
            frames = reader.read(indices)
        if repeat:  # the first one starts the child process and fills the page cache
            walls.append(time.perf_counter() - wall)
            cpus.append(cpu_s() - cpu)
        exact = min(exact, sum(decoded(f) == i for f, i in zip(frames, indices, strict=True)))
    return statistics.median(walls), statistics.median(cpus), exact


def cpu_s() -> float:
    """CPU time of this process and of its living children (Linux)."""
    total = time.process_time()
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def write(path: Path, group: int) -> None:
    with av.open(str(path), "w") as container:
        options = {"preset": "veryfast", "crf": "20", "g": str(group)}
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height = SIZE_PX
        stream.pix_fmt = "yuv420p"
        for image in pictures():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


def pictures() -> Iterator[np.ndarray]:
    """A texture that pans, with the frame's number as a barcode along the top."""
    width, height = SIZE_PX
    coarse = rng("benchmark").integers(0, 255, (height // 16, 4 * width // 16, 3), dtype=np.uint8)
    texture = coarse.repeat(16, 0).repeat(16, 1)
    for number in range(FRAMES):
        left = number % (3 * width)
        image = texture[:, left : left + width].copy()
        for bit in range(BITS):
            image[:CELL_PX, bit * CELL_PX : (bit + 1) * CELL_PX] = 255 * (number >> bit & 1)
        yield image


def decoded(image: np.ndarray) -> int:
    centers = image[CELL_PX // 2, CELL_PX // 2 : BITS * CELL_PX : CELL_PX].mean(-1) > 127
    return sum(int(on) << bit for bit, on in enumerate(centers))


if __name__ == "__main__":
    main()
