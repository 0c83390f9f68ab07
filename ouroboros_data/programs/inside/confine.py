"""Layers that a process puts around itself, with ctypes alone. None can be taken off again, also not by exec.

Sources: linux/landlock.h, linux/prctl.h, capabilities(7), the kernel's Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ouroboros_data.programs.inside import filters
else:
    import filters  # from this file's directory

_PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 22, 24, 38, 47
_CAP_AMBIENT_CLEAR_ALL, _CAP_VERSION_3, _SECCOMP_MODE_FILTER = 4, 0x20080522, 2
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446  # on every machine
_LANDLOCK_VERSION_FLAG, _LANDLOCK_PATH_BENEATH = 1, 1
_FS_EXECUTE, _FS_READ_FILE = 1 << 0, 1 << 2
# Rights over files by ABI 1 to 5 (REFER, TRUNCATE, IOCTL_DEV came later); connections from 4, scopes from 6 on.
_FS_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_NET_RIGHTS, _SCOPES = 0b11, 0b11

_libc = ctypes.CDLL(None, use_errno=True)


def close_inherited(keep: Iterable[int] = ()) -> None:
    """Close everything but standard input and output; standard error goes nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    start = 3
    for descriptor in [*sorted(keep), os.sysconf("SC_OPEN_MAX")]:
        os.closerange(start, descriptor)
        start = descriptor + 1


def limit(*, memory_bytes: int, cpu_s: int, files: int, processes: int | None = None) -> None:
    """Resource limits; ``processes=0`` also forbids threads (and is not binding for root)."""
    wanted = {
        "AS": memory_bytes,
        "CPU": cpu_s,
        "NOFILE": files,
        "FSIZE": 0,
        "CORE": 0,
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
    }
    if processes is not None:
        wanted["NPROC"] = processes
    for name, value in wanted.items():
        which = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def drop_privileges() -> None:
    """No new privileges, and none of the old: also root keeps no capability.

    Raises:
        OSError: The kernel refuses.
    """
    _checked("no_new_privs", _prctl(_PR_SET_NO_NEW_PRIVS, 1))
    for capability in range(64):
        if _prctl(_PR_CAPBSET_DROP, capability):
            break  # not allowed to, or no such capability: the exec below gains none either way
    _prctl(_PR_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL)
    header = ctypes.create_string_buffer(struct.pack("<Ii", _CAP_VERSION_3, 0))
    _checked("capset", _libc.capset(header, ctypes.create_string_buffer(24)))


def landlock(*, read: Iterable[str] = (), run: Iterable[str] = ()) -> int:
    """Forbid every use of files, connections and outside processes but these; returns the kernel's ABI.

    Raises:
        OSError: The kernel has no Landlock, or a file is missing.
    """
    abi = _libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_VERSION_FLAG)
    _checked("landlock", abi)
    rights = _FS_RIGHTS[min(abi, max(_FS_RIGHTS))]
    attributes = struct.pack("<QQQ", rights, _NET_RIGHTS if abi >= 4 else 0, _SCOPES if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = _libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    _checked("landlock", ruleset)
    try:
        for paths, access in ((read, _FS_READ_FILE), (run, _FS_READ_FILE | _FS_EXECUTE)):
            for path in paths:
                descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
                rule = struct.pack("<Qi", access, descriptor)
                added = _libc.syscall(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_PATH_BENEATH, rule, 0)
                _checked("landlock", added)
                os.close(descriptor)
        _checked("landlock", _libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return int(abi)


def filter_for(rules: filters.Rules) -> bytes:
    """The seccomp filter for this machine.

    Raises:
        OSError: There is no table for it, or this is not a 64-bit Python.
    """
    machine = platform.machine()
    if machine not in filters.NUMBERS or sys.maxsize < 2**32 or sys.byteorder != "little":
        raise OSError(f"seccomp: no table of system calls for {machine}")
    return filters.program(machine, rules)


def seccomp(rules: filters.Rules) -> None:
    """Let only these system calls through from here on.

    Raises:
        OSError: The kernel refuses, or there is no table for this machine.
    """
    program = ctypes.create_string_buffer(filter_for(rules))

    class Program(ctypes.Structure):
        _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    argument = Program((len(program) - 1) // 8, ctypes.cast(program, ctypes.c_void_p))
    _checked("seccomp", _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(argument)))


def call(name: str, *arguments: int) -> None:
    """Call a function of the C library (raises OSError)."""
    if getattr(_libc, name)(*(ctypes.c_long(a) for a in arguments)) == -1:
        raise OSError(ctypes.get_errno(), name)


def outcome(attempt: Callable[[], object]) -> str:
    """``allowed``, or the error that the attempt ran into."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "allowed"


def _prctl(what: int, *arguments: int) -> int:
    padded = [ctypes.c_ulong(a) for a in (*arguments, 0, 0, 0, 0)[:4]]
    return int(_libc.prctl(what, *padded))


def _checked(layer: str, result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{layer}: {os.strerror(ctypes.get_errno())}")
