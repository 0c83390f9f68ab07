"""Child process that decodes with decord: requests as JSON lines on stdin, replies on stdout.

decord can hang in native code that holds the interpreter's lock (dmlc/decord #269, #373), and an open
reader that idles may grow to gigabytes (#157, #208). So it lives here: an alarm that no Python code needs to
handle ends the process, and no reader outlives its request.

A request is ``{"path", "indices", "timeout_s"}``, indices sorted; without any the first frame is sent. A reply is a JSON
line, ``{"error"}`` or ``{"frame_count", "fps", "shape"}``, followed by the frames' bytes.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

_TAIL = 16


def main() -> None:
    """Serve until stdin ends."""
    import decord

    out = sys.stdout.buffer
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, request["timeout_s"])
        _serve(decord, request, out)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _read(reader: Any, indices: list[int]) -> npt.NDArray[np.uint8]:
    # decord 0.6.0 gave frame n-3 for the last one when it skipped to it; read in a run, the tail was right.
    tail = range(max(0, len(reader) - _TAIL), len(reader))
    run = sorted({*indices, *tail}) if indices[-1] in tail else indices
    frames: npt.NDArray[np.uint8] = reader.get_batch(run).asnumpy()
    return frames if run is indices else frames[np.searchsorted(run, indices)]


def _serve(decord: Any, request: dict[str, Any], out: BinaryIO) -> None:
    try:
        reader = decord.VideoReader(request["path"], ctx=decord.cpu(0), num_threads=1)
        reply: dict[str, Any] = {"frame_count": len(reader), "fps": float(reader.get_avg_fps())}
        frames = _read(reader, request["indices"] or [0])
        reply["shape"] = list(frames.shape)
        body = frames.tobytes()
    except (decord.DECORDError, IndexError, RuntimeError, OSError) as error:
        reply, body = {"error": (str(error).strip().splitlines() or ["unknown"])[-1]}, b""
    out.write(json.dumps(reply).encode() + b"\n" + body)
    out.flush()


if __name__ == "__main__":
    main()
