"""Child process that decodes with decord: requests as JSON lines on stdin, replies on stdout.

decord can hang in native code that holds the interpreter's lock (dmlc/decord #269, #373), and an open
reader that idles may grow to gigabytes (#157, #208). So it lives here: an alarm that no Python code needs to
handle ends the process, and no reader outlives its request.

A request is ``{"path", "indices", "timeout_s"}``; without indices the first frame is sent. A reply is a JSON
line, ``{"error"}`` or ``{"frame_count", "fps", "shape"}``, followed by the frames' bytes.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any, BinaryIO


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


def _serve(decord: Any, request: dict[str, Any], out: BinaryIO) -> None:
    try:
        reader = decord.VideoReader(request["path"], ctx=decord.cpu(0), num_threads=1)
        reply: dict[str, Any] = {"frame_count": len(reader), "fps": float(reader.get_avg_fps())}
        frames = reader.get_batch(request["indices"] or [0]).asnumpy()
        reply["shape"] = list(frames.shape)
        body = frames.tobytes()
    except (decord.DECORDError, IndexError, RuntimeError, OSError) as error:
        reply, body = {"error": (str(error).strip().splitlines() or ["unknown"])[-1]}, b""
    out.write(json.dumps(reply).encode() + b"\n" + body)
    out.flush()


if __name__ == "__main__":
    main()
