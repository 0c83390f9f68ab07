"""Attempts to get out of the jail from inside CPython, with no lint and no guard in front.

Each is the body of a program that holds the whole of CPython in its hands: ``real`` is the dict of builtins,
``imp`` imports, ``posix`` and ``ctypes`` are there, ``call(name, *args)`` calls the C library and raises OSError,
``raw(number, *args)`` is a bare system call. ``stopped`` is how the attempt has to end.
"""

from __future__ import annotations

import platform
import re
import textwrap

from ouroboros_data.programs.inside import filters

PREAMBLE = """
real = distance.__globals__["__builtins__"]
imp = real["__import__"]
sys, posix = imp("sys"), imp("posix")
ctypes, struct = sys.modules["ctypes"], sys.modules["struct"]
OSError, MemoryError, ImportError = real["OSError"], real["MemoryError"], real["ImportError"]
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    args = [a if isinstance(a, real["bytes"]) else ctypes.c_long(a) for a in args]
    if getattr(libc, name)(*args) == -1:
        raise OSError(ctypes.get_errno(), name)
def raw(number, *args):
    call("syscall", number, *args)
def frame(value):
    data = value if isinstance(value, real["bytes"]) else value.encode()
    return struct.pack("<I", len(data)) + data
""".replace("getattr(", 'real["getattr"](')

DENIED, KILLED, LATE = "denied", "crash", "timeout"

# name: (how it has to end, body)
ESCAPES: dict[str, tuple[str, str]] = {
    "reads a file": (DENIED, 'posix.open("/etc/passwd", posix.O_RDONLY)'),
    "reads its own code": (DENIED, 'posix.open(sys.modules["twin"].__file__, posix.O_RDONLY)'),
    "reads through io": (DENIED, 'real["open"]("/etc/hostname").read()'),
    "reads the parent's environment": (DENIED, 'posix.open("/proc/%d/environ" % PARENT, posix.O_RDONLY)'),
    "reads its own maps": (DENIED, 'posix.open("/proc/self/maps", posix.O_RDONLY)'),
    "writes a file": (DENIED, 'posix.open("TMP/escaped", posix.O_WRONLY | posix.O_CREAT, 0o600)'),
    "makes an unnamed file": (DENIED, 'posix.open("TMP", posix.O_RDWR | 0o20200000, 0o600)'),
    "makes a file in memory": (DENIED, 'call("memfd_create", b"x", 0)'),
    "makes a directory": (DENIED, 'posix.mkdir("TMP/escaped")'),
    "removes a file": (DENIED, 'posix.unlink("TMP/kept")'),
    "renames a file": (DENIED, 'posix.rename("TMP/kept", "TMP/escaped")'),
    "links a file": (DENIED, 'posix.symlink("TMP/kept", "TMP/escaped")'),
    "changes rights": (DENIED, 'posix.chmod("TMP/kept", 0o777)'),
    "truncates a file": (DENIED, 'posix.truncate("TMP/kept", 0)'),
    "looks at a file's size": (DENIED, 'posix.stat("TMP/kept")'),
    "lists a directory": (DENIED, 'posix.listdir("/")'),
    "opens a terminal": (DENIED, 'posix.open("/dev/tty", posix.O_RDWR)'),
    "makes a network socket": (DENIED, 'call("socket", 2, 1, 0)'),
    "makes a local socket": (DENIED, 'call("socket", 1, 1, 0)'),
    "makes a raw socket": (DENIED, 'call("socket", 17, 3, 0)'),
    "makes a netlink socket": (DENIED, 'call("socket", 16, 3, 0)'),
    "makes a pair of sockets": (DENIED, 'call("socketpair", 1, 1, 0, ctypes.addressof((ctypes.c_int * 2)()))'),
    "makes a pipe": (DENIED, "posix.pipe()"),
    "forks": (DENIED, "posix.fork() or posix._exit(0)"),
    "vforks": (DENIED, 'call("vfork")'),
    "spawns": (DENIED, 'posix.posix_spawn("/bin/true", ["true"], {})'),
    "runs another program": (DENIED, 'posix.execv("/bin/sh", ["sh", "-c", "touch TMP/escaped"])'),
    "runs a shell through libc": (DENIED, 'if libc.system(b"touch TMP/escaped"):\n    raise OSError(1, "no shell")'),
    "starts a thread": ("runtime", 'imp("_thread").start_new_thread(real["print"], ())'),
    "signals its parent": (DENIED, "posix.kill(PARENT, 9)"),
    "signals its parent's group": (DENIED, "posix.killpg(PARENT, 9)"),
    "signals everybody": (DENIED, "posix.kill(-1, 0)"),
    "takes over the alarm": (DENIED, 'imp("_signal").signal(14, imp("_signal").SIG_IGN)'),
    "raises its limits": (DENIED, 'call("setrlimit", 7, ctypes.addressof((ctypes.c_ulong * 2)(64, 64)))'),
    "becomes another user": (DENIED, "posix.setuid(12345)"),
    "takes another filter": (DENIED, 'call("prctl", 22, 2, 0, 0, 0)'),
    "makes itself readable": (DENIED, 'call("prctl", 4, 1, 0, 0, 0)'),
    "maps writable code": (DENIED, 'call("mmap", 0, 4096, 7, 0x22, -1, 0)'),
    "maps a descriptor": (DENIED, 'call("mmap", 0, 4096, 1, 2, 0, 0)'),
    "makes its heap executable": (
        DENIED,
        "b = ctypes.create_string_buffer(8192)\ncall('mprotect', ctypes.addressof(b) & ~4095, 4096, 7)",
    ),
    "talks to the terminal": (DENIED, 'posix.write(2, b"\\x1b[2J")'),
    "reads descriptor 3": (DENIED, "posix.read(3, 10)"),
    "copies a descriptor": (DENIED, "posix.dup2(1, 2)"),
    "passes control requests": (DENIED, 'call("ioctl", 0, 0x5412, 0)'),
    "changes its root": (KILLED, 'posix.chroot("/tmp")'),
    "makes a namespace": (KILLED, 'call("unshare", 0x10000000)'),
    "mounts": (KILLED, 'call("mount", b"none", b"/tmp", b"tmpfs", 0, 0)'),
    "traces its parent": (KILLED, 'call("ptrace", 16, PARENT, 0, 0)'),
    "reads its parent's memory": (KILLED, 'call("process_vm_readv", PARENT, 0, 0, 0, 0, 0)'),
    "sets up io_uring": (KILLED, "raw(425, 1, 0)"),
    "opens a handle on its parent": (KILLED, "raw(434, PARENT, 0)"),
    "loads a BPF program": (KILLED, 'raw(NR_bpf, 0, 0, 0)'),
    "uses the kernel's keyring": (KILLED, 'raw(NR_keyctl, 0, 0, 0)'),
    "uses an x32 call": (KILLED, "raw(0x40000000 + 39)"),
    "imports what is not loaded": ("runtime", 'imp("socket")'),
    "loads a library": ("runtime", 'ctypes.CDLL("libutil.so.1")'),
    "takes a gigabyte": ("runtime", 'real["bytearray"](10**9)'),
    "takes memory bit by bit": ("runtime|timeout", 'x = []\nwhile True:\n    x.append(real["bytearray"](10**7))'),
    "crashes the interpreter": (KILLED, "ctypes.string_at(0)"),
    "leaves": (KILLED, "posix._exit(0)"),
    "leaves loudly": (KILLED, "posix.abort()"),
    "kills itself": (KILLED, "posix.kill(posix.getpid(), 9)"),
    "loops": (LATE, "while True:\n    pass"),
    "switches the alarm off and loops": (LATE, 'imp("_signal").setitimer(0, 0)\nwhile True:\n    pass'),
    "blocks the alarm and loops": (LATE, 'imp("_signal").pthread_sigmask(0, [14])\nwhile True:\n    pass'),
    "floods its output": (KILLED, 'while True:\n    posix.write(1, b"a" * 65536)'),
    "announces four gigabytes": (KILLED, 'posix.write(1, b"\\xff\\xff\\xff\\xff")\nwhile True:\n    posix.write(1, b"a" * 65536)'),
    "announces and says nothing": (LATE, 'posix.write(1, b"\\x10\\0\\0\\0")\nimp("_signal").setitimer(0, 0)\nwhile True:\n    pass'),
    "answers what is no JSON": (KILLED, 'posix.write(1, frame("{"))'),
    "answers in another's place": (
        KILLED,
        'r = [f for f in sys._current_frames().values()][0]\n'
        'while "request" not in r.f_locals:\n    r = r.f_back\n'
        'batch = r.f_locals["request"]["batch"]\n'
        'index = r.f_locals["request"]["sources"].index([s for s in r.f_locals["request"]["sources"] if "99.0" in s][0])\n'
        "for i in (0, 1):\n"
        '    posix.write(1, frame(\'["%s", %d, ["ok", "number", 99.0, "m", null]]\' % (batch, index + i)))',
    ),
}  # fmt: skip


def program(body: str, *, parent: int, directory: str) -> str:
    """The text of an attempt; it answers with 0 where it got through, and with the error number where not."""
    numbers = filters.NUMBERS[platform.machine()]
    body = re.sub(r"\bNR_(\w+)", lambda m: str(numbers[m[1]]), body)
    body = body.replace("PARENT", str(parent)).replace("TMP", directory)
    lines = f"{PREAMBLE}\ntry:\n{textwrap.indent(body, '    ')}\nexcept OSError as e:\n    if e.errno is None:\n        raise\n    return number(e.errno, 'count')\nreturn number(0, 'count')"
    return "def answer():\n" + textwrap.indent(lines, "    ") + "\n"
