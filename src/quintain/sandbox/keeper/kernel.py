"""Linux calls for which Python 3.11 has no function."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Collection

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
ALL_NAMESPACES = NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET

RDONLY, NOSUID, NODEV, NOEXEC, BIND, MOVE, REC = 0x1, 0x2, 0x4, 0x8, 0x1000, 0x2000, 0x4000
PRIVATE, SLAVE = 0x40000, 0x80000
DETACH = 2

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP = 1, 4, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 36, 38, 47, 4
CAP_LAST = 63

# x86-64 and arm64 have the same numbers for these, as all architectures for calls that are younger than 2019.
_OPEN_TREE, _MOVE_MOUNT, _CLOSE_RANGE, _OPENAT2, _MOUNT_SETATTR = 428, 429, 436, 437, 442
_KEYCTL = {"x86_64": 250, "aarch64": 219}.get(os.uname().machine)
_AT_EMPTY_PATH, _AT_FDCWD, _AT_RECURSIVE, _OPEN_TREE_CLONE, _MOVE_FLAGS = 0x1000, -100, 0x8000, 1, 0x4 | 0x10
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV, _ATTR_IDMAP = 0x1, 0x2, 0x4, 0x100000
_RESOLVE_IN_ROOT, _CLOSE_RANGE_CLOEXEC = 0x10, 0x4
_LAST, _OPEN_MAX = 2**31 - 1, 1024
_SIOCSIFFLAGS, _SIOCSIFADDR, _IFF_UP = 0x8914, 0x8916, 0x1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _check(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def setns(descriptor: int, flags: int) -> None:
    _check(_libc.setns(descriptor, flags), "setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    names = os.fsencode(source), os.fsencode(target), kind.encode() or None
    result = _libc.mount(*names, ctypes.c_ulong(flags), os.fsencode(options))
    _check(result, f"mount {kind or source} on {target}")


def unmount(target: str) -> None:
    """Take it and all that is mounted below out of sight; it ends when nobody uses it any more."""
    _check(_libc.umount2(os.fsencode(target), DETACH), f"unmount {target}")


def pivot_root(new: str, old: str) -> None:
    _check(_libc.pivot_root(os.fsencode(new), os.fsencode(old)), "pivot_root")


def bind(source: str, target: str, *, writable: bool = False, devices: bool = False, users: int | None = None) -> None:
    """Show a file or folder, with what is mounted below it, at `target`; no set-user-id programs there, and no devices.

    `users`: a user namespace, by which owners are renamed (an *idmapped* mount); OSError where the file system cannot.
    """
    tree = detached(source)
    try:
        attributes = _ATTR_NOSUID | (0 if devices else _ATTR_NODEV) | (0 if writable else _ATTR_RDONLY)
        packed = struct.pack("=QQQQ", attributes | (0 if users is None else _ATTR_IDMAP), 0, 0, users or 0)
        flags = _AT_RECURSIVE | _AT_EMPTY_PATH
        _check(_libc.syscall(_MOUNT_SETATTR, tree, b"", flags, packed, len(packed)), f"mount_setattr {source}")
        attach(tree, target)
    finally:
        os.close(tree)


def detached(path: str) -> int:
    """A copy of what is mounted at `path` and below, that is mounted nowhere; it can be passed on and attached elsewhere."""
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    return _check(_libc.syscall(_OPEN_TREE, _AT_FDCWD, os.fsencode(path), flags), f"open_tree {path}")


def attach(tree: int, target: str) -> None:
    _check(_libc.syscall(_MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(target), _MOVE_FLAGS), f"move_mount {target}")


def open_below(root: int, path: str, flags: int) -> int:
    """Open as a process would whose root is `root`: no link and no ``..`` leads out of it."""
    packed = struct.pack("=QQQ", flags | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT)
    return _check(_libc.syscall(_OPENAT2, root, os.fsencode(path), packed, len(packed)), path)


def close_all_but(kept: Collection[int]) -> None:
    """Descriptors that a forked child has no business with."""
    first, closed = 0, True
    for each in (*sorted(kept), _LAST):
        closed = (first == each or _close_range(first, each - 1, 0)) and closed
        first = each + 1
    if not closed:
        for name in set(os.listdir("/proc/self/fd")) - {str(each) for each in kept}:  # noqa: PTH208
            with contextlib.suppress(OSError):
                os.close(int(name))


def close_on_exec(first: int) -> None:
    """No descriptor from that number on is inherited by programs."""
    if not _close_range(first, _LAST - 1, _CLOSE_RANGE_CLOEXEC):
        # A process may stand where no /proc shows it.
        for descriptor in range(first, _OPEN_MAX):
            with contextlib.suppress(OSError):
                os.set_inheritable(descriptor, False)


def _close_range(first: int, last: int, flags: int) -> bool:
    """False where the kernel is older than 5.9, or 5.11 with flags."""
    return bool(_libc.syscall(_CLOSE_RANGE, first, last, flags) == 0)


def prctl(option: int, value: int = 0, third: int = 0) -> None:
    _check(_libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(third), 0, 0), f"prctl {option}")


def drop_privileges() -> None:
    """No capability now or later, no set-user-id program; what this process starts cannot get any back."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(CAP_LAST + 1):
        if _libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) < 0:
            break
    version_3, nothing = struct.pack("=II", 0x20080522, 0), bytes(24)
    _check(_libc.capset(version_3, nothing), "capset")
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_DUMPABLE, 0)


def leave_keyring() -> None:
    """A keyring of its own: keys of the harness's login session stay out of reach."""
    if _KEYCTL is not None:
        _libc.syscall(_KEYCTL, 1, None)  # KEYCTL_JOIN_SESSION_KEYRING; a kernel without keyrings has none to leave


def set_loopback(up: bool) -> None:
    """In the network namespace of the calling thread; when down it has no address either, so that nobody waits for an answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP if up else 0))
        if not up:
            fcntl.ioctl(control, _SIOCSIFADDR, struct.pack("16sHHI8x", b"lo", socket.AF_INET, 0, 0))
