"""What sandboxes wrote: files in memory, and layers of them that are frozen and shared."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from . import kernel

OPAQUE = "user.overlay.opaque"
DEPTH = 16
"""So many frozen layers under one sandbox are merged into one."""


class Disk:
    """A file system in memory that holds what sandboxes wrote; it ends with the last layer on it."""

    def __init__(self, path: str, size_mb: int | None) -> None:
        self.path, self.size_mb = path, size_mb
        self.users = self._generations = 0

    def acquire(self) -> Disk:
        self.users += 1
        return self

    def begin(self) -> str:
        """A folder for what is written next."""
        self._generations += 1
        folder = f"{self.path}/{self._generations}"
        os.makedirs(f"{folder}/r")  # noqa: PTH103
        return folder

    @staticmethod
    def uncover(generation: str) -> None:
        """Take the view away that was mounted there, if there is one."""
        with contextlib.suppress(OSError):
            kernel.unmount(f"{generation}/r")

    def release(self, generation: str) -> None:
        """One user less, whose folder goes as well."""
        self.users -= 1
        if self.users:
            self.uncover(generation)
            _delete(generation)
        else:
            kernel.unmount(self.path)
            os.rmdir(self.path)  # noqa: PTH106


class Frozen:
    """The written folders of one moment, by the target that they lie over; unchanged from now on. Made with one user.

    `uid` is that of the user inside, as ``/etc/passwd`` names it.
    """

    def __init__(self, disk: Disk, generation: str, uppers: dict[str, str], below: Frozen | None, uid: int) -> None:
        self.disk, self.generation, self.uppers, self.below, self.uid = disk, generation, uppers, below, uid
        self._users = 1

    def acquire(self) -> Frozen:
        self._users += 1
        return self

    def release(self) -> None:
        self._users -= 1
        if not self._users:
            self.disk.release(self.generation)
            if self.below is not None:
                self.below.release()

    @property
    def shared(self) -> str:
        """What was in ``/dev/shm``."""
        return f"{self.generation}/shm"

    @property
    def stack(self) -> list[Frozen]:
        """All layers down from here, this one first."""
        found: list[Frozen] = []
        each: Frozen | None = self
        while each is not None:
            found.append(each)
            each = each.below
        return found

    def chain(self, target: str) -> list[str]:
        """The folders for one target, the last one first."""
        return [each.uppers[target] for each in self.stack if target in each.uppers]


class Base:
    """A folder of the host that lies under sandboxes."""

    def __init__(self, path: str, take_away: Callable[[], None]) -> None:
        self.path, self.take_away = path, take_away
        self.users = 0


class Laid:
    """What a sandbox sees: mounted in the keeper's namespace, on the disk that it writes to, so that both go in one step."""

    def __init__(self, disk: Disk, generation: str, uid: int, below: Frozen | None) -> None:
        self.disk, self.generation, self.uid, self.below = disk, generation, uid, below
        self.uppers: dict[str, str] = {}
        self.bases: list[Base] = []
        self.view = -1
        """Descriptor of a copy of these mounts that is mounted nowhere; whoever takes it closes it."""

    @property
    def root(self) -> str:
        return f"{self.generation}/r"


def squash(top: Frozen) -> Frozen:
    """One layer that shows what a stack of them shows, made of links to their files. The stack loses a user."""
    generation = top.disk.begin()
    merged = Frozen(top.disk.acquire(), generation, {}, None, top.uid)
    for target in sorted({target for each in top.stack for target in each.uppers}):
        folder = f"{generation}/{len(merged.uppers)}"
        for number, source in enumerate(reversed(top.chain(target))):
            if number == 0:
                os.mkdir(folder)  # noqa: PTH102
            _take_over(source, folder)
            _merge(source, folder)
        merged.uppers[target] = folder
    import shutil

    shutil.copytree(top.shared, merged.shared, symlinks=True)
    _take_over(top.shared, merged.shared)
    top.release()
    return merged


def _merge(source: str, target: str, *, closed: bool = False) -> None:
    """Lay one written folder over another, in the way that overlayfs reads them.

    `closed`: nothing below shows through, so that there is nothing to be hidden; a mark for that would be listed as a file.
    """
    for entry in os.scandir(source):
        place = f"{target}/{entry.name}"
        before = _status(place)
        if not entry.is_dir(follow_symlinks=False):
            _remove(place, before)
            if not (closed and _is_whiteout(entry)):
                _link(entry.path, place)
            continue
        hides = _is_opaque(entry.path) or (before is not None and not stat.S_ISDIR(before.st_mode))
        if before is not None and hides:
            _remove(place, before)
        if before is None or hides:
            os.mkdir(place)  # noqa: PTH102
        _take_over(entry.path, place)
        if hides:
            os.setxattr(place, OPAQUE, b"y")
        _merge(entry.path, place, closed=closed or _is_opaque(place))


def _take_over(source: str, target: str) -> None:
    """Mode, owner and times of a folder."""
    status = os.stat(source)  # noqa: PTH116
    with contextlib.suppress(PermissionError):
        os.chown(target, status.st_uid, status.st_gid)
    os.chmod(target, stat.S_IMODE(status.st_mode))  # noqa: PTH101
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        status = os.lstat(source)
        if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
            import shutil

            shutil.copy2(source, target, follow_symlinks=False)
        else:
            os.mknod(target, status.st_mode, status.st_rdev)
        os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)


def _delete(folder: str) -> None:
    # Not with the module: it loads all compressors, and a keeper is started while somebody waits.
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _remove(path: str, status: os.stat_result | None) -> None:
    if status is None:
        return
    if stat.S_ISDIR(status.st_mode):
        _delete(path)
    else:
        Path(path).unlink()


def _is_whiteout(entry: os.DirEntry[str]) -> bool:
    status = entry.stat(follow_symlinks=False)
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _is_opaque(folder: str) -> bool:
    try:
        return os.getxattr(folder, OPAQUE) == b"y"
    except OSError:
        return False
