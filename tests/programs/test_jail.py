"""The jail around Monty's worker: rules read by an interpreter of BPF, and everything else by trial."""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import hand_scenes as hand
import pydantic_monty as monty
import pytest

from ouroboros_data.cli_common import jail_overrides
from ouroboros_data.config import load_recipe
from ouroboros_data.errors import SandboxError
from ouroboros_data.manifest import manifest_of
from ouroboros_data.pipeline import build
from ouroboros_data.programs import api, jail
from ouroboros_data.programs.confinement import confinement
from ouroboros_data.programs.inside import filters
from ouroboros_data.programs.sandbox import SandboxPool

GOOD = 'def answer():\n    return number(distance(only("table"), only("tv")), "m")\n'
PID = 4711
M64, AT_FDCWD = (1 << 64) - 1, (-100) & (1 << 64) - 1


# --- the filters, by interpretation: also for the machine that this is not ---


def verdict(program: bytes, arch: int, number: int, *arguments: int) -> str:
    """Run a classic BPF program over a struct seccomp_data, as the kernel does (net/core/filter.c)."""
    padded = [a & M64 for a in (*arguments, 0, 0, 0, 0, 0, 0)[:6]]
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, arch, 0, *padded)
    code = [struct.unpack_from("<HBBI", program, at) for at in range(0, len(program), 8)]
    assert 0 < len(code) <= 4096, "BPF_MAXINSNS"
    accumulator, at = 0, 0
    while True:
        operation, yes, no, k = code[at]
        at += 1
        if operation == 0x20:
            assert k % 4 == 0 and k <= 60
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif operation == 0x54:
            accumulator &= k
        elif operation == 0x15:
            at += yes if accumulator == k else no
        elif operation == 0x35:
            at += yes if accumulator >= k else no
        elif operation == 0x06:
            action = {0x7FFF0000: "allow", 0x80000000: "kill"}.get(k)
            return action or {0x00050001: "EPERM", 0x00050026: "ENOSYS"}[k]
        else:
            raise AssertionError(f"instruction {operation:#x}")


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request):
    return request.param


def judge(machine, rules, call, *arguments):
    numbers = filters.NUMBERS[machine]
    number = call if isinstance(call, int) else numbers[call]
    return verdict(filters.program(machine, rules), filters.AUDIT_ARCH[machine], number, *arguments)


MONTY, TWIN = filters.monty_rules(PID), filters.twin_rules(PID)
THREAD = 0x3D0F00
WORKER_CASES = [
    ("read", (0,), "allow"), ("read", (3,), "allow"), ("write", (1,), "allow"), ("write", (2,), "allow"),
    ("write", (0,), "EPERM"), ("write", (3,), "EPERM"), ("write", (1 << 32 | 1,), "EPERM"), ("writev", (7,), "EPERM"),
    ("openat", (AT_FDCWD, 1, 0o2000000), "allow"), ("openat", (AT_FDCWD, 1, 0), "allow"),
    ("openat", (AT_FDCWD, 1, 1), "EPERM"), ("openat", (AT_FDCWD, 1, 2), "EPERM"), ("openat", (AT_FDCWD, 1, 0o100), "EPERM"),
    ("openat", (AT_FDCWD, 1, 0o1000), "EPERM"), ("openat", (AT_FDCWD, 1, 0o20200002), "EPERM"),
    ("mmap", (0, 4096, 3), "allow"), ("mmap", (0, 4096, 5), "allow"), ("mmap", (0, 4096, 7), "EPERM"), ("mmap", (0, 4096, 6), "EPERM"),
    ("mprotect", (0, 4096, 3), "allow"), ("mprotect", (0, 4096, 5), "EPERM"), ("mprotect", (0, 4096, 4), "EPERM"),
    ("clone", (THREAD,), "allow"), ("clone", (THREAD | 0x400000,), "allow"), ("clone", (17,), "EPERM"),
    ("clone", (THREAD & ~0x10000,), "EPERM"), ("clone", (THREAD | 0x10000000,), "EPERM"), ("clone", (THREAD | 1 << 40,), "EPERM"),
    ("prlimit64", (0, 3, 0, 99), "allow"), ("prlimit64", (0, 3, 99, 0), "EPERM"), ("prlimit64", (0, 3, 99 << 32, 0), "EPERM"),
    ("prlimit64", (1, 3, 0, 99), "EPERM"), ("prctl", (15,), "allow"), ("prctl", (4,), "EPERM"), ("prctl", (22,), "EPERM"),
    ("fcntl", (1, 3), "allow"), ("fcntl", (1, 4), "EPERM"), ("fcntl", (1, 0), "EPERM"),
    ("kill", (PID, 9), "allow"), ("kill", (1, 9), "EPERM"), ("kill", (M64, 9), "EPERM"), ("tgkill", (PID, 1, 6), "allow"),
    ("tgkill", (PID + 1, 1, 6), "EPERM"), ("execve", (1, 1, 1), "allow"), ("futex", (1,), "allow"), ("exit_group", (0,), "allow"),
    ("setitimer", (0,), "EPERM"),
]  # fmt: skip
TWIN_CASES = [
    ("read", (0,), "allow"), ("read", (1,), "EPERM"), ("read", (3,), "EPERM"), ("read", (1 << 32,), "EPERM"),
    ("write", (1,), "allow"), ("write", (2,), "EPERM"), ("write", (0,), "EPERM"), ("openat", (AT_FDCWD, 1, 0), "EPERM"),
    ("mmap", (0, 4096, 3, 0x22, M64), "allow"), ("mmap", (0, 4096, 3, 0x22, 0xFFFFFFFF), "allow"),
    ("mmap", (0, 4096, 3, 2, 0), "EPERM"), ("mmap", (0, 4096, 5, 0x22, M64), "EPERM"), ("mprotect", (0, 1, 4), "EPERM"),
    ("mprotect", (0, 1, 3), "allow"), ("execve", (), "EPERM"), ("clone", (THREAD,), "EPERM"), ("clone", (17,), "EPERM"),
    ("setitimer", (0,), "allow"), ("setitimer", (1,), "EPERM"), ("kill", (PID, 6), "allow"), ("kill", (PID + 1, 6), "EPERM"),
    ("prctl", (15,), "EPERM"), ("newfstatat", (), "EPERM"), ("close", (0,), "EPERM"), ("prlimit64", (0, 3, 0), "EPERM"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "arguments", "expected"), WORKER_CASES)
def test_the_workers_filter(machine, call, arguments, expected):
    assert judge(machine, MONTY, call, *arguments) == expected


@pytest.mark.parametrize(("call", "arguments", "expected"), TWIN_CASES)
def test_the_twins_filter(machine, call, arguments, expected):
    assert judge(machine, TWIN, call, *arguments) == expected


@pytest.mark.parametrize("rules", [MONTY, TWIN], ids=["monty", "twin"])
def test_what_no_harmless_program_calls_kills_and_new_forms_are_absent(machine, rules):
    for name in filters.DEADLY:
        if name in filters.NUMBERS[machine]:
            assert judge(machine, rules, name) == "kill", name
    for name in ("clone3", "openat2", "statx", "faccessat2"):
        assert judge(machine, rules, name) == "ENOSYS", name


def test_other_architectures_and_x32_are_killed(machine):
    program = filters.program(machine, MONTY)
    others = {"i386": 0x40000003, "arm": 0x40000028, "riscv64": 0xC00000F3} | filters.AUDIT_ARCH
    del others[machine]
    for arch in others.values():
        for number in (0, 1, 63, 64, 93, 231):
            assert verdict(program, arch, number) == "kill"
    if machine == "x86_64":
        for number in (0x40000000, 0x40000000 | 1, 0x40000000 | 520, 0xFFFFFFFF):
            assert judge(machine, MONTY, number) == "kill"


def test_everything_that_is_not_listed_fails(machine):
    numbers = set(filters.NUMBERS[machine].values())
    for rules in (MONTY, TWIN):
        for number in range(700):
            if number not in numbers:
                assert judge(machine, rules, number, *[0] * 6) == "EPERM", number


def test_rules_name_calls_that_the_tables_have(machine):
    x86_only = {"poll", "arch_prctl"}
    for rules in (MONTY, TWIN):
        assert set(rules) - set(filters.NUMBERS[machine]) <= (x86_only if machine == "aarch64" else set())
        assert not set(rules) & set(filters.DEADLY)


@pytest.mark.parametrize(
    ("machine_", "header"),
    [
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        ("aarch64", "/usr/include/asm-generic/unistd.h"),
    ],
)
def test_numbers_are_the_kernels(machine_, header):
    if not Path(header).is_file():
        pytest.skip(f"{header} is not installed")
    text = Path(header).read_text()
    found = {n: int(v) for n, v in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)}
    renamed = {"newfstatat": "fstatat"}  # the generic table's name
    for name, number in filters.NUMBERS[machine_].items():
        assert found.get(name, found.get(renamed.get(name, ""))) == number, name


def test_a_filter_that_is_wrong_is_seen():
    """The interpreter above tells filters apart."""
    loose = {**MONTY, "write": ((),)}
    assert judge("x86_64", loose, "write", 3) == "allow"
    assert judge("x86_64", MONTY, "write", 3) == "EPERM"


# --- the jail itself ---


@pytest.fixture(scope="module")
def holds():
    report = jail.probe("auto")
    if not report.holds:
        pytest.skip(f"the jail does not hold here: {report.problem}")
    return report


def test_what_a_process_inside_tried(holds):
    assert set(holds.layers) == {"privileges", "landlock", "seccomp"}
    assert len(holds.tried) == 9
    assert set(holds.tried.values()) <= {"EPERM", "EACCES"}, holds.tried
    assert holds.tried["run another program"] == holds.tried["read a file"] == "EACCES"  # Landlock's
    assert holds.tried["make a socket"] == holds.tried["start a process"] == "EPERM"  # the filter's


def test_the_real_worker_is_inside(holds):
    with (
        jail.Launcher(strict=True) as launcher,
        monty.Monty(max_processes=1, binary_path=launcher.path) as pool,
    ):
        with pool.checkout() as session:
            assert session.feed_run("6 * 7") == 42
            seen = jail.observed(session.worker_pid)
            assert jail.problem_of(seen) == "" and seen["program"] == "monty"
            place = Path(f"/proc/{session.worker_pid}")
            limits = dict(re.findall(r"^(Max [a-z ]+?)\s{2,}(\d+)\s", (place / "limits").read_text(), re.M))
            assert int(limits["Max address space"]) == 512 << 20
            assert limits["Max file size"] == limits["Max core file size"] == "0"
            assert int(limits["Max open files"]) <= 16
            assert (place / "environ").read_bytes() == b""
            assert (place / "cwd").readlink() == Path("/")
            assert (place / "fd/2").readlink() == Path("/dev/null")
            assert os.getsid(session.worker_pid) == session.worker_pid != os.getsid(0)


def test_inherited_descriptors_and_environment_stay_outside(holds, monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET", "hidden")
    secret = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(secret, True)
    try:
        with SandboxPool() as pool:
            assert pool.run(api.tables(hand.room(), None, hand.SHARE), [GOOD])[0].answer.value == 2.4
            worker = pool._checked_worker
            assert {fd.name for fd in Path(f"/proc/{worker}/fd").iterdir()} == {"0", "1", "2"}
            assert b"SECRET" not in Path(f"/proc/{worker}/environ").read_bytes()
    finally:
        os.close(secret)


def test_an_unjailed_worker_is_found_out(holds, monkeypatch):
    """A launcher that does nothing: the worker that it starts gets no program."""
    monkeypatch.setattr(jail, "launcher", lambda report: None)
    with SandboxPool() as pool, pytest.raises(SandboxError, match="not in its jail: seccomp is 0"):
        pool.run(api.tables(hand.room(), None, hand.SHARE), [GOOD])


def test_replaced_workers_are_jailed_and_checked_too(holds):
    tables = api.tables(hand.room(), None, hand.SHARE)
    with SandboxPool(alone_s=0.2) as pool:
        assert pool.run(tables, [GOOD])[0].ok
        first = pool._checked_worker
        os.kill(first, signal.SIGKILL)
        assert pool.run(tables, [GOOD])[0].answer.value == 2.4
        assert pool._checked_worker != first


def test_memory_is_bounded_by_the_system_too(holds):
    """Monty's own limit is switched off: the address space ends the program, not the machine."""
    with (
        jail.Launcher(strict=True) as launcher,
        monty.Monty(max_processes=1, binary_path=launcher.path) as pool,
    ):
        with (
            pool.checkout(limits={"max_feed_duration_secs": 20.0}) as session,
            pytest.raises(monty.MontyError),
        ):
            session.feed_run("x = []\nwhile True:\n    x.append('a' * 10_000_000)")
        with pool.checkout() as session:
            assert session.feed_run("1 + 1") == 2


@pytest.mark.parametrize(
    "call", ["ptrace", "unshare", "mount", "bpf", "io_uring_setup", "userfaultfd", "execveat", "keyctl"]
)
def test_deadly_calls_kill_for_real(holds, call):
    number = filters.NUMBERS[os.uname().machine][call]
    code = (
        "import sys, os; sys.path.insert(0, sys.argv[1]); import confine, filters, ctypes\n"
        "confine.drop_privileges(); confine.seccomp(filters.monty_rules(os.getpid()))\n"
        "assert ctypes.CDLL(None).getpid() == os.getpid()\n"
        f"ctypes.CDLL(None).syscall({number}, 0, 0, 0, 0)\nos.write(1, b'alive')"
    )
    done = subprocess.run(
        [*jail.python_command("-I"), "-c", code, str(jail.INSIDE)], capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGSYS and done.stdout == b""


# --- machines that have no jail ---

FORBIDDING = """
import ctypes, os, sys, json
sys.path.insert(0, {inside!r})
import confine, filters
# An outer filter, as a container's: these calls fail, everything else goes through.
body = [filters._op(0x20, 0)]
for number, error in {denied!r}:
    body += filters._case(number, [filters._return(filters.ERRNO | error)])
program = b"".join([*body, filters._return(filters.ALLOW)])
confine.filter_for = lambda rules: program
confine._checked("no_new_privs", confine._prctl(38, 1))
confine.seccomp({{}})
sys.path.insert(0, {tests!r})
import hand_scenes as hand
from ouroboros_data.cli_common import jail_overrides
from ouroboros_data.config import load_recipe
from ouroboros_data.errors import SandboxError
from ouroboros_data.manifest import manifest_of
from ouroboros_data.pipeline import build
from ouroboros_data.programs import api
from ouroboros_data.programs.confinement import confinement
from ouroboros_data.programs.sandbox import SandboxPool
GOOD = {good!r}
tables = api.tables(hand.room(), None, hand.SHARE)
told = {{"default": confinement()["os_jail"], "allowed": confinement(allow_unjailed=True)["os_jail"]}}
try:
    with SandboxPool() as pool:
        told["ran"] = pool.run(tables, [GOOD])[0].ok
except SandboxError as error:
    told["refused"] = str(error)
with SandboxPool(allow_unjailed=True) as pool:
    told["value"] = pool.run(tables, [GOOD])[0].answer.value
print(json.dumps(told))
"""
ENOSYS, EPERM = 38, 1


@pytest.mark.parametrize(
    ("denied", "layer"),
    [
        ([(444, ENOSYS)], "landlock"),
        ([(444, EPERM)], "landlock"),
        ([(446, EPERM)], "landlock"),
        # The filter of the outer jail is on by then, and these forbid another one.
        ([({"x86_64": 157, "aarch64": 167}.get(os.uname().machine, 0), EPERM)], "privileges"),
    ],
)
def test_without_the_jail_programs_are_refused_unless_allowed(holds, checkout, denied, layer):
    script = FORBIDDING.format(
        inside=str(jail.INSIDE), tests=str(checkout / "tests"), denied=denied, good=GOOD
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert f"{layer}: missing" in told["refused"] and "--allow-unjailed" in told["refused"]
    assert "ran" not in told and told["value"] == 2.4
    assert told["default"].startswith("none: ") and told["default"].endswith("so programs are not run")
    assert told["allowed"].startswith("none: ") and told["allowed"].endswith("programs ran all the same")


def test_a_launcher_that_does_not_start_is_no_jail(monkeypatch):
    monkeypatch.setattr(jail, "INSIDE", Path("/nowhere"))
    report = jail.probe.__wrapped__("auto")
    assert not report.holds and "launcher does not start" in report.problem


def test_other_systems_have_none(monkeypatch):
    monkeypatch.setattr(jail.sys, "platform", "darwin")
    assert "darwin" in jail.probe.__wrapped__("auto").problem


def test_none_is_refused_unless_allowed():
    with pytest.raises(SandboxError, match=r"programs\.jail: none"):
        SandboxPool(mode="none").__enter__()
    with SandboxPool(mode="none", allow_unjailed=True) as pool:
        assert pool.run(api.tables(hand.room(), None, hand.SHARE), [GOOD])[0].ok
    assert confinement("none", True)["os_jail"].startswith("none: switched off")


def test_confinement_says_what_holds(holds):
    facts = confinement()
    assert facts["os_jail"].startswith("holds; privileges: no_new_privs") and "1.4.0" in facts["engine"]
    assert "make a socket: EPERM" in facts["os_jail_tried"]
    assert all(isinstance(text, str) and text for text in facts.values())


def test_bubblewrap_where_it_is_present():
    report = jail.probe("bwrap")
    if not report.holds:
        assert "not installed" in report.problem or "bubblewrap" in report.problem
        with pytest.raises(SandboxError, match=r"bubblewrap|bwrap"):
            SandboxPool(mode="bwrap").__enter__()
        pytest.skip(report.problem)
    squares = (
        "def answer():\n    x = 3\n    for _ in range(200):\n        x = x * x\n    return number(1, 'count')"
    )
    with SandboxPool(mode="bwrap", alone_s=0.2) as pool:
        tables = api.tables(hand.room(), None, hand.SHARE)
        assert pool.run(tables, [GOOD])[0].answer.value == 2.4
        outer = pool._checked_worker
        inner = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
        # This one does not look at Monty's clock and has to be killed: bubblewrap and what is in it.
        assert pool.run(tables, [squares, GOOD])[1].answer.value == 2.4
        assert pool._checked_worker != outer and inner
        until = time.monotonic() + 10
        while time.monotonic() < until and Path(f"/proc/{inner[0]}/exe").exists():
            time.sleep(0.01)
        assert not Path(f"/proc/{inner[0]}/exe").exists()  # gone, or a zombie


def test_needed_files_are_those_of_the_loader():
    interpreter, libraries = jail.needed_files(jail.monty_binary())
    assert Path(interpreter).is_file() and any("libc" in name for name in libraries)
    with pytest.raises(SandboxError, match="no 64-bit Linux program"):
        jail.needed_files(__file__)


# --- how it is asked for ---


def test_options_of_the_command_line_become_the_recipes():
    plain = load_recipe("quickstart", jail_overrides(None, False)).programs
    assert (plain.jail, plain.allow_unjailed) == ("auto", False)
    asked = load_recipe("quickstart", jail_overrides("bwrap", True)).programs
    assert (asked.jail, asked.allow_unjailed) == ("bwrap", True)


def test_a_build_without_its_jail_stops_before_anything_is_written(tmp_path):
    recipe = load_recipe("quickstart", jail_overrides("none", False))
    with pytest.raises(SandboxError, match="without a jail"):
        build(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_manifest_records_it(holds):
    for allowed, begins in ((False, "holds"), (True, "none: switched off")):
        recipe = load_recipe("quickstart", jail_overrides("none" if allowed else None, allowed))
        manifest = manifest_of(recipe, [hand.room()], [], [], {}, None, [])
        assert manifest["confinement"]["os_jail"].startswith(begins)
        assert manifest["recipe"]["programs"]["allow_unjailed"] is allowed
