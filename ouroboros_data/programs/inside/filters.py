"""Seccomp filters as raw BPF: which system calls a confined process may make.

Lists are of what is allowed. Everything else fails with EPERM, so that a C library that tries something new
falls back or reports an error, and a crash keeps meaning a crash. What no harmless program calls (``DEADLY``),
another architecture's calls and x32 kill the process at once. Calls whose arguments lie behind a pointer, where
a filter cannot look, answer ENOSYS: libraries then use the older form, which is checked.

Sources: linux/seccomp.h, linux/filter.h, linux/audit.h; numbers from the kernel's system call tables.
"""

from __future__ import annotations

import struct

ALLOW, KILL_PROCESS, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS = 1, 38
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000
_LOAD, _JEQ, _JGE, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06  # BPF instruction codes
_NR, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

# fmt: off
NUMBERS: dict[str, dict[str, int]] = {
    "x86_64": {
        "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "mmap": 9, "mprotect": 10,
        "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "pread64": 17,
        "readv": 19, "writev": 20, "sched_yield": 24, "mremap": 25, "madvise": 28, "nanosleep": 35,
        "setitimer": 38, "getpid": 39, "clone": 56, "execve": 59, "exit": 60, "kill": 62, "fcntl": 72,
        "sigaltstack": 131, "prctl": 157, "arch_prctl": 158, "gettid": 186, "futex": 202,
        "sched_getaffinity": 204, "set_tid_address": 218, "restart_syscall": 219, "clock_gettime": 228,
        "clock_nanosleep": 230, "exit_group": 231, "tgkill": 234, "openat": 257, "newfstatat": 262,
        "ppoll": 271, "set_robust_list": 273, "prlimit64": 302, "getrandom": 318, "statx": 332, "rseq": 334,
        "clone3": 435, "openat2": 437, "faccessat2": 439,
        "ptrace": 101, "modify_ldt": 154, "pivot_root": 155, "chroot": 161, "acct": 163, "settimeofday": 164,
        "mount": 165, "umount2": 166, "swapon": 167, "reboot": 169, "iopl": 172, "ioperm": 173,
        "init_module": 175, "delete_module": 176, "clock_settime": 227, "kexec_load": 246, "add_key": 248,
        "request_key": 249, "keyctl": 250, "unshare": 272, "perf_event_open": 298, "open_by_handle_at": 304,
        "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "finit_module": 313,
        "kexec_file_load": 320, "bpf": 321, "execveat": 322, "userfaultfd": 323, "pidfd_send_signal": 424,
        "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428,
        "move_mount": 429, "fsopen": 430, "pidfd_open": 434, "pidfd_getfd": 438, "process_madvise": 440,
        "mount_setattr": 442,
    },
    "aarch64": {
        "read": 63, "write": 64, "close": 57, "fstat": 80, "lseek": 62, "mmap": 222, "mprotect": 226,
        "munmap": 215, "brk": 214, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139,
        "pread64": 67, "readv": 65, "writev": 66, "sched_yield": 124, "mremap": 216, "madvise": 233,
        "nanosleep": 101, "setitimer": 103, "getpid": 172, "clone": 220, "execve": 221, "exit": 93, "kill": 129,
        "fcntl": 25, "sigaltstack": 132, "prctl": 167, "gettid": 178, "futex": 98, "sched_getaffinity": 123,
        "set_tid_address": 96, "restart_syscall": 128, "clock_gettime": 113, "clock_nanosleep": 115,
        "exit_group": 94, "tgkill": 131, "openat": 56, "newfstatat": 79, "ppoll": 73, "set_robust_list": 99,
        "prlimit64": 261, "getrandom": 278, "statx": 291, "rseq": 293, "clone3": 435, "openat2": 437,
        "faccessat2": 439,
        "ptrace": 117, "pivot_root": 41, "chroot": 51, "acct": 89, "settimeofday": 170, "mount": 40,
        "umount2": 39, "swapon": 224, "reboot": 142, "init_module": 105, "delete_module": 106,
        "clock_settime": 112, "kexec_load": 104, "add_key": 217, "request_key": 218, "keyctl": 219,
        "unshare": 97, "perf_event_open": 241, "open_by_handle_at": 265, "setns": 268, "process_vm_readv": 270,
        "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "kexec_file_load": 294, "bpf": 280,
        "execveat": 281, "userfaultfd": 282, "pidfd_send_signal": 424, "io_uring_setup": 425,
        "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429, "fsopen": 430,
        "pidfd_open": 434, "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442,
    },
}

DEADLY = (
    "ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_open pidfd_getfd pidfd_send_signal "
    "mount umount2 pivot_root chroot move_mount open_tree fsopen mount_setattr open_by_handle_at unshare setns "
    "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key "
    "execveat init_module finit_module delete_module kexec_load kexec_file_load reboot swapon acct "
    "settimeofday clock_settime iopl ioperm modify_ldt"
).split()
_ABSENT = ("clone3", "openat2", "statx", "faccessat2")
# fmt: on

# A condition: argument number, mask, value. Arguments are 64 bits wide.
Condition = tuple[int, int, int]
Rules = dict[str, tuple[tuple[Condition, ...], ...]]
"""Per call the alternatives, of which one must hold in full; an empty alternative always holds."""

_ALL, _INT = (1 << 64) - 1, (1 << 32) - 1
_ANY: tuple[tuple[Condition, ...], ...] = ((),)
_WRITING = 0o3 | 0o100 | 0o1000 | 0o2000 | 0o20000000  # O_ACCMODE, O_CREAT, O_TRUNC, O_APPEND, O_TMPFILE
_W, _X = 2, 4  # PROT_WRITE, PROT_EXEC
# CLONE_ VM FS FILES SIGHAND THREAD SYSVSEM SETTLS PARENT_SETTID CHILD_CLEARTID; musl adds DETACHED, a no-op.
_THREAD, _DETACHED = 0x3D0F00, 0x400000
_PR_SET_NAME, _F_GETFD, _F_GETFL = 15, 1, 3


def monty_rules(pid: int) -> Rules:
    """What Monty's worker needs from its exec on: its loader, one thread, memory, and its three descriptors.

    ``execve`` has to be there for the start; Landlock (or an empty root) leaves nothing to run but the worker.
    """
    free = (
        "read futex pread64 readv close fstat newfstatat lseek munmap brk mremap madvise rt_sigaction rt_sigprocmask "
        "rt_sigreturn sigaltstack sched_yield sched_getaffinity nanosleep clock_nanosleep clock_gettime getpid gettid "
        "exit exit_group set_tid_address set_robust_list rseq restart_syscall getrandom poll ppoll arch_prctl execve"
    )
    rules = dict.fromkeys(free.split(), _ANY)
    rules["write"] = rules["writev"] = (((0, _ALL, 1),), ((0, _ALL, 2),))
    rules["openat"] = (((2, _WRITING, 0),),)
    rules["mmap"] = (((2, _X, 0),), ((2, _W, 0),))
    rules["mprotect"] = (((2, _X, 0),),)
    rules["clone"] = (((0, _ALL & ~_DETACHED, _THREAD),),)
    rules["prlimit64"] = (((0, _INT, 0), (2, _ALL, 0)),)  # its own limits, and only reading them
    rules["prctl"] = (((0, _ALL, _PR_SET_NAME),),)
    rules["fcntl"] = (((1, _ALL, _F_GETFD),), ((1, _ALL, _F_GETFL),))
    rules["kill"] = rules["tgkill"] = (((0, _INT, pid),),)
    return rules


def twin_rules(pid: int) -> Rules:
    """What a CPython that has everything loaded needs: memory, standard input and output, a timer."""
    free = (
        "munmap brk mremap madvise futex rt_sigprocmask rt_sigreturn sigaltstack getpid gettid clock_gettime "
        "restart_syscall exit exit_group"
    )
    rules = dict.fromkeys(free.split(), _ANY)
    rules["read"] = (((0, _ALL, 0),),)
    rules["write"] = (((0, _ALL, 1),),)
    rules["mmap"] = (((2, _X, 0), (4, _INT, _INT)),)  # not executable, and of no file
    rules["mprotect"] = (((2, _X, 0),),)
    rules["setitimer"] = (((0, _ALL, 0),),)
    rules["kill"] = rules["tgkill"] = (((0, _INT, pid),),)
    return rules


def program(machine: str, rules: Rules) -> bytes:
    """The filter for a machine (``platform.machine()``) as an array of ``struct sock_filter``.

    Raises:
        KeyError: There is no table for this machine.
    """
    numbers = NUMBERS[machine]
    out = [_op(_LOAD, _ARCH), _op(_JEQ, AUDIT_ARCH[machine], 1, 0), _return(KILL_PROCESS), _op(_LOAD, _NR)]
    if machine == "x86_64":
        out += [_op(_JGE, _X32_BIT, 0, 1), _return(KILL_PROCESS)]
    for name, alternatives in rules.items():
        if name in numbers:  # e.g. poll and arch_prctl are x86's alone
            out += _case(numbers[name], _check(alternatives))
    for name in DEADLY:
        if name in numbers:
            out += _case(numbers[name], [_return(KILL_PROCESS)])
    for name in _ABSENT:
        out += _case(numbers[name], [_return(ERRNO | ENOSYS)])
    return b"".join([*out, _return(ERRNO | EPERM)])


def _case(number: int, body: list[bytes]) -> list[bytes]:
    return [_op(_JEQ, number, 0, len(body)), *body]


def _check(alternatives: tuple[tuple[Condition, ...], ...]) -> list[bytes]:
    """Ends in a return whatever the arguments are: the accumulator no longer holds the number."""
    out: list[bytes] = []
    for conditions in alternatives:
        tests: list[list[bytes]] = []
        for argument, mask, value in conditions:
            for shift, offset in ((0, 0), (32, 4)):  # low word first: both machines are little-endian
                part = mask >> shift & _INT
                if part:
                    load = [_op(_LOAD, _ARGUMENTS + 8 * argument + offset)]
                    tests.append(load if part == _INT else [*load, _op(_AND, part)])
                    tests[-1].append(_op(_JEQ, value >> shift & part, 0, 0))
        body = [instruction for test in tests for instruction in test]
        # A failed comparison goes on behind this alternative's return.
        for i, instruction in enumerate(body):
            code, _, _, k = struct.unpack("<HBBI", instruction)
            if code == _JEQ:
                body[i] = _op(_JEQ, k, 0, len(body) - i)
        out += [*body, _return(ALLOW)]
        if not tests:
            return out
    return [*out, _return(ERRNO | EPERM)]


def _op(code: int, k: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, k)


def _return(value: int) -> bytes:
    return _op(_RETURN, value)
