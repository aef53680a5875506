"""The keeper's own mount namespace: a small root in memory, the host below ``/host``, and what all sandboxes share below ``/q``.

Nothing of it is visible on the host, and all of it is gone with the last process that is in it.

As root the keeper stays what it is, and sandboxes belong to `STRANGER`, a user that owns nothing on the host: root's files would
be theirs otherwise, ``/proc/sys`` among them. Without that privilege it becomes the root of a user namespace of its own, and
sandboxes belong to the user who runs it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import stat
from pathlib import Path

from . import kernel
from .owners import dead_folders, make_folder

STRANGER = 1_900_000_000
"""Between the numbers that distributions give to containers and 2**31."""
PREFIX = "quintain-root-"
Q = "/q"
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
# What programs need of /etc and what says nothing about the host; never its users, keys or services.
ETC = (
    "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "timezone", "mime.types", "magic", "protocols",
    "services", "ssl/certs", "ssl/openssl.cnf", "ca-certificates.conf", "pki/tls/certs", "pki/ca-trust/extracted",
    "crypto-policies", "R", "fonts", "ImageMagick-6", "matplotlibrc", "perl", "python3", "python3.11", "python3.12", "python3.13",
    "java-11-openjdk", "java-17-openjdk", "java-21-openjdk", "texmf", "terminfo", "OpenCL", "glvnd", "vulkan", "xml", "sgml",
    "inputrc", "nanorc", "os-release", "debian_version",
)  # fmt: skip
# R installs packages into ~/R only where that is there already; the usual working folder, as it is empty before anything is done.
FOLDERS = (
    "dev", "etc", "home/agent/R", "media", "mnt", "opt", "proc", "root", "run", "srv", "tmp", "usr",
    "var/cache", "var/lib", "var/log", "var/tmp", "workspace",
)  # fmt: skip
EPOCH = 1_704_067_200
"""2024-01-01 UTC: the time of these folders, so that listings are the same each day."""


class World:
    """Enters it; one per process."""

    def __init__(self) -> None:
        self.root = os.geteuid() == 0 and _is_first_namespace() and _may_mount()
        if os.geteuid() == 0 and _is_first_namespace() and not self.root:
            # What is loaded later may be closed to others than root.
            importlib.import_module(".bubbles", __package__)
            os.setgroups([])
            os.setresgid(STRANGER, STRANGER, STRANGER)
            os.setresuid(STRANGER, STRANGER, STRANGER)
        self.owner = STRANGER if self.root else 0
        """Of what is inside, as this process numbers users."""
        kernel.leave_keyring()
        self._unshare()
        self._move()
        self._users: dict[int, int] = {}
        self._build()

    def _unshare(self) -> None:
        uid, gid = os.geteuid(), os.getegid()
        kernel.unshare(kernel.NEWNS | (0 if self.root else kernel.NEWUSER))
        if not self.root:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
            Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
        kernel.mount("none", "/", flags=kernel.SLAVE | kernel.REC)

    def _move(self) -> None:
        """Make a file system in memory the root: what is mounted from here on has short names, and no folder on the host."""
        for dead in dead_folders(PREFIX):
            with contextlib.suppress(OSError):
                dead.rmdir()
        folder = str(make_folder(PREFIX))
        try:
            kernel.mount("quintain", folder, "tmpfs", kernel.NOSUID | kernel.NODEV, "mode=755,size=64m")
            kernel.mount("none", folder, flags=kernel.PRIVATE)
            os.mkdir(f"{folder}/host")  # noqa: PTH102
            kernel.pivot_root(folder, f"{folder}/host")
        except OSError:
            os.rmdir(folder)  # noqa: PTH106
            raise
        os.chdir("/")
        os.rmdir(f"/host{folder}")  # noqa: PTH106
        for name in os.listdir("/host"):  # noqa: PTH208
            with contextlib.suppress(FileExistsError):
                os.symlink(f"host/{name}", f"/{name}")  # noqa: PTH211

    def _build(self) -> None:
        for name in ("b", "s", "dev", "empty", "skeleton"):
            os.makedirs(f"{Q}/{name}")  # noqa: PTH103
        Path(f"{Q}/nothing").touch(0o444)
        os.chmod(f"{Q}/empty", 0o555)  # noqa: PTH101
        # Bound once, and shown read-only: the owner of a device's node could close it for the whole host otherwise.
        for name in DEVICES:
            Path(f"{Q}/dev/{name}").touch()
            with contextlib.suppress(OSError):
                kernel.bind(f"/host/dev/{name}", f"{Q}/dev/{name}", devices=True)
        for name, to in {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}.items():
            (Path(f"{Q}/dev") / name).symlink_to(f"/proc/self/{to}" if to.startswith("fd/") else to)
        for name in ("pts", "shm"):
            os.mkdir(f"{Q}/dev/{name}")  # noqa: PTH102
        self._build_skeleton(Path(f"{Q}/skeleton"))
        self._build_blank(Path(f"{Q}/blank"))

    def _build_blank(self, top: Path) -> None:
        """The root of namespaces that have no view yet: what the first process inside needs."""
        for name in ("dev", "proc", "view"):
            (top / name).mkdir(parents=True)
        for name in self.system_folders():
            if os.path.islink(f"/host/{name}"):  # noqa: PTH114
                (top / name).symlink_to(os.readlink(f"/host/{name}"))  # noqa: PTH115
            else:
                (top / name).mkdir()
                kernel.bind(f"/host/{name}", str(top / name))
        kernel.bind(f"{Q}/dev", str(top / "dev"), devices=True)

    def _build_skeleton(self, top: Path) -> None:
        for name in FOLDERS:
            (top / name).mkdir(parents=True, exist_ok=True)
        for name in ("tmp", "var/tmp"):
            (top / name).chmod(0o1777)
        (top / "root").chmod(0o700)
        (top / "var/run").symlink_to("/run")
        for name in self.system_folders():
            if os.path.islink(f"/host/{name}"):  # noqa: PTH114
                (top / name).symlink_to(os.readlink(f"/host/{name}"))  # noqa: PTH115
            else:
                (top / name).mkdir(exist_ok=True)
        (top / "etc/hosts").write_text("127.0.0.1 localhost sandbox\n::1 localhost\n")
        (top / "etc/hostname").write_text("sandbox\n")
        (top / "etc/resolv.conf").write_text("")
        (top / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
        for name in FOLDERS:
            os.utime(top / name, (EPOCH, EPOCH))
        self.give(top)
        self._copying = self._copy_settings(top)

    def _copy_settings(self, top: Path) -> int:
        """Start copying what is shown of ``/etc``, as the owner of what is inside: what that may not read is not shown.

        In a process of its own, because it is many hundred files, mostly links; `finish` waits for it.
        """
        pid = os.fork()
        if pid:
            return pid
        try:
            if self.owner:
                os.setgroups([])
                os.setresgid(self.owner, self.owner, self.owner)
                os.setresuid(self.owner, self.owner, self.owner)
            for name in ETC:
                for above in reversed(Path(name).parents[:-1]):
                    _make_like(f"/host/etc/{above}", f"{top}/etc/{above}")
                _copy(f"/host/etc/{name}", f"{top}/etc/{name}")
        finally:
            os._exit(1)

    def finish(self) -> None:
        """To be called before the first view is laid."""
        if self._copying:
            # Whoever collects all children may have had it already.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._copying, 0)
            self._copying = 0

    @staticmethod
    def system_folders() -> list[str]:
        """Of the host's programs: ``usr``, and ``bin``, ``lib`` … where they are no part of it."""
        return [name for name in sorted(os.listdir("/host")) if name == "usr" or name.startswith(("bin", "sbin", "lib"))]  # noqa: PTH208

    def give(self, top: Path) -> None:
        """Make a tree the property of those inside."""
        if self.owner:
            for folder, names, files in os.walk(top):
                for name in (".", *names, *files):
                    os.chown(f"{folder}/{name}", self.owner, self.owner, follow_symlinks=False)

    def own(self, path: str | int) -> None:
        if self.owner:
            os.chown(path, self.owner, self.owner)

    def users(self, owner: int) -> int | None:
        """A user namespace that exchanges `owner` and the owner of what is inside; None where none is needed."""
        if not self.owner or owner == self.owner:
            return None
        if owner not in self._users:
            self._users[owner] = _exchange(owner, self.owner)
        return self._users[owner]


def _copy(source: str, target: str) -> None:
    """A file, a link, or a folder with all that is in it; what is not there or may not be read is left out."""
    with contextlib.suppress(OSError):
        status = os.lstat(source)
        if stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(source), target)  # noqa: PTH115, PTH211
        elif stat.S_ISREG(status.st_mode):
            with open(source, "rb") as given, open(target, "xb") as copy:  # noqa: PTH123
                os.sendfile(copy.fileno(), given.fileno(), 0, status.st_size)
                os.fchmod(copy.fileno(), stat.S_IMODE(status.st_mode))
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
        elif stat.S_ISDIR(status.st_mode):
            names = os.listdir(source)  # noqa: PTH208
            _make_like(source, target)
            for name in names:
                _copy(f"{source}/{name}", f"{target}/{name}")
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _make_like(source: str, target: str) -> None:
    with contextlib.suppress(OSError):
        os.mkdir(target)  # noqa: PTH102
        os.chmod(target, stat.S_IMODE(os.stat(source).st_mode) | stat.S_IRWXU)  # noqa: PTH101, PTH116


def _is_first_namespace() -> bool:
    return Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]


def _may_mount() -> bool:
    status = Path("/proc/self/status").read_text()
    effective = int(status.partition("CapEff:")[2].split()[0], 16)
    return bool(effective >> 21 & 1)


def _exchange(one: int, other: int) -> int:
    low, high = sorted((one, other))
    end = 2**32 - 1
    between, above = low + 1, high + 1
    extents = [(0, 0, low), (low, high, 1), (between, between, high - between), (high, low, 1), (above, above, end - above)]
    text = "".join(f"{inside} {outside} {count}\n" for inside, outside, count in extents if count)
    ready, go = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            kernel.unshare(kernel.NEWUSER)
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            os.write(go, b".")
            signal.pause()
        finally:
            os._exit(1)
    try:
        os.read(ready, 1)
        for kind in ("uid", "gid"):
            Path(f"/proc/{child}/{kind}_map").write_text(text)
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(ready)
        os.close(go)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
