"""32 uniform frames of a 1,500-frame 640x480 H.264 video, by each reader there is; a counter in the picture checks them.

Run: ``python benchmarks/frames.py`` compares what is installed. With ``--others``, readers that cannot live in the
same environment get one of their own below ``--venvs`` (decord2 has decord's module name; torchcodec brings torch, and
finds its FFmpeg in PyAV's wheel). Every reader runs in a process of its own; they take turns, each read opens the file
anew, and nothing else is timed. Prints the median wall and CPU time, how many frames were the right ones, and wall
time as a multiple of the fastest exact reader's that is not ours (the median over the turns, as load comes and goes).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

FRAMES, SIZE_PX, PICKED, REPEATS = 1500, (640, 480), 32, 9
GROUPS = (12, 250)
BITS, CELL_PX = 11, 32
OURS = "ours"
OTHERS = {
    "decord2": ["decord2", "numpy"],
    "torchcodec": ["torch==2.13.0", "torchcodec==0.12.0", "av==18.1.0", "numpy"],
}
READERS = (OURS, "ours, decord", "PyAV, in order", "PyAV, seek each", "decord", *OTHERS)
LIBRARIES = ("avcodec", "avdevice", "avfilter", "avformat", "avutil", "swresample", "swscale")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--others", action="store_true", help="install decord2 and torchcodec, each in a venv"
    )
    arguments.add_argument("--venvs", type=Path, default=Path(tempfile.gettempdir()) / "ouroboros_readers")
    arguments.add_argument("--serve", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.serve:
        serve(given.serve)
        return
    indices = [round(i * (FRAMES - 1) / (PICKED - 1)) for i in range(PICKED)]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        workers: dict[str, Worker] = {}
        for name in READERS:
            worker = Worker(name, given.venvs, install=given.others)
            stack.callback(worker.close)
            if worker.missing:
                print(f"{name}: left out, {worker.missing}")
            else:
                workers[name] = worker
        for group in GROUPS:
            path = folder / f"every_{group}.mp4"
            write(path, group)
            print(f"\nkey frame every {group} frames, {path.stat().st_size / 1e6:.1f} MB")
            compare(workers, path, indices)


def compare(workers: dict[str, Worker], path: Path, indices: list[int]) -> None:
    """All readers in turn, from another one on each time, so that none always follows the same one."""
    names, runs = list(workers), {name: [] for name in workers}  # type: dict[str, list[dict[str, Any]]]
    for repeat in range(REPEATS + 1):
        for name in names[repeat % len(names) :] + names[: repeat % len(names)]:
            reply = workers[name].ask({"path": str(path), "indices": indices})
            if repeat:  # the first one fills the page cache and starts children
                runs[name].append(reply)
    exact = {name: min(sum(map(int.__eq__, run["numbers"], indices)) for run in runs[name]) for name in names}
    walls = {name: [run["wall_s"] for run in runs[name]] for name in names}
    rivals = [name for name in names if exact[name] == PICKED and not name.startswith(OURS)]
    best = min(rivals, key=lambda name: statistics.median(walls[name]))
    for name in names:
        ratio = statistics.median(mine / its for mine, its in zip(walls[name], walls[best], strict=True))
        cpu_s = statistics.median(run["cpu_s"] for run in runs[name])
        print(
            f"  {name:16} wall {1e3 * statistics.median(walls[name]):5.0f} ms  {ratio:.2f}x"
            f"  cpu {1e3 * cpu_s:5.0f} ms  exact {exact[name]}/{PICKED}"
            + ("  <- fastest exact one that is not ours" if name == best else "")
        )


class Worker:
    """A process that reads frames by one reader; ``missing`` says why there is none."""

    def __init__(self, name: str, venvs: Path, *, install: bool) -> None:
        python, environment, self.missing = sys.executable, dict(os.environ), ""
        self.process: subprocess.Popen[str] | None = None
        if name in OTHERS:
            place = venvs / name
            if not install and not (place / "whole").exists():
                self.missing = "not installed (--others installs it in a venv)"
                return
            python, environment = installed(place, OTHERS[name]), environment_of(place)
        command = [python, str(Path(__file__).resolve()), "--serve", name]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        )
        self.missing = self.ask({}).get("error", "")

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One reply to one request."""
        assert self.process and self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        reply: dict[str, Any] = json.loads(line) if line else {"error": "its process ended"}
        if request and "error" in reply:
            raise SystemExit(reply["error"])
        return reply

    def close(self) -> None:
        """End the process."""
        if self.process:
            self.process.communicate()


def installed(place: Path, packages: list[str]) -> str:
    """Python of a venv with these packages, made if it is not there."""
    python, whole = place / "bin/python", place / "whole"
    if not whole.exists():
        print(f"installing {' '.join(packages)} in {place} ...", flush=True)
        venv.create(place, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "-qq", *packages], check=True)
        whole.touch()
    return str(python)


def environment_of(place: Path) -> dict[str, str]:
    """The environment in which FFmpeg's libraries of that venv's PyAV, if it has one, go by their usual names."""
    shared = next(place.glob("lib/*/site-packages/av.libs"), None)
    if shared is None:
        return dict(os.environ)
    (place / "ffmpeg").mkdir(exist_ok=True)
    for library in LIBRARIES:
        for file in shared.glob(f"lib{library}-*.so.*"):
            link = place / "ffmpeg" / f"lib{library}.so.{file.name.split('.so.')[1].split('.')[0]}"
            link.unlink(missing_ok=True)
            link.symlink_to(file)
    return {**os.environ, "LD_LIBRARY_PATH": f"{place / 'ffmpeg'}:{shared}"}


def serve(name: str) -> None:
    """Answer requests on stdin; the first one, which is empty, asks whether the reader is there."""
    try:
        read = reader(name)
    except (ImportError, OSError, RuntimeError) as error:
        print(json.dumps({"error": str(error).strip().splitlines()[0]}), flush=True)
        return
    for line in sys.stdin:
        request, reply = json.loads(line), {}
        if request:
            wall, cpu = time.perf_counter(), cpu_s()
            frames = read(request["path"], request["indices"])
            reply = {"wall_s": time.perf_counter() - wall, "cpu_s": cpu_s() - cpu}
            reply["numbers"] = [decoded(frame) for frame in frames]
        print(json.dumps(reply), flush=True)


def reader(name: str) -> Callable[[str, list[int]], Sequence[np.ndarray]]:
    """Reads frames of a file, each (height, width, 3)."""
    if name.startswith(OURS):
        from ouroboros_data.media.reader import open_reader

        if name != OURS:
            import decord  # noqa: F401 - is it there?

        def ours(path: str, indices: list[int]) -> Sequence[np.ndarray]:
            with open_reader(path, "av" if name == OURS else "decord") as opened:
                return opened.read(indices)

        return ours
    if name.startswith("PyAV"):
        import av

        return lambda path, indices: by_pyav(av, path, indices, seek="seek" in name)
    if name == "torchcodec":
        from torchcodec.decoders import VideoDecoder

        def torchcodec(path: str, indices: list[int]) -> Sequence[np.ndarray]:
            return VideoDecoder(path, dimension_order="NHWC").get_frames_at(indices).data.numpy()

        return torchcodec
    from decord import VideoReader

    return lambda path, indices: VideoReader(path).get_batch(indices).asnumpy()


def by_pyav(av: Any, path: str, indices: list[int], *, seek: bool) -> list[np.ndarray]:
    """As one writes it without an index: frames of a steady rate, counted or told by their time stamps."""
    out = []
    with av.open(path) as container:
        stream = container.streams.video[0]
        if not seek:
            wanted, last = set(indices), max(indices)
            for number, frame in enumerate(container.decode(stream)):
                if number in wanted:
                    out.append(frame.to_ndarray(format="rgb24"))
                if number == last:
                    break
            return out
        ticks = 1 / (stream.average_rate * stream.time_base)
        for index in indices:
            at = stream.start_time + round(index * ticks)
            container.seek(at, stream=stream)
            out.append(next(f for f in container.decode(stream) if f.pts >= at).to_ndarray(format="rgb24"))
    return out


def cpu_s() -> float:
    """CPU time of this process and of its living children (Linux)."""
    total = time.process_time()
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def write(path: Path, group: int) -> None:
    import av

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
    coarse = np.random.default_rng(0).integers(0, 255, (height // 16, 4 * width // 16, 3), dtype=np.uint8)
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
