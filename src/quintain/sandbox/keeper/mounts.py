"""What a sandbox sees, laid out by the keeper: one overlay for the root and one for each layer's target, and binds over them.

What is written goes into a `Disk`. Freezing leaves the written folders where they are and makes them lower layers of whatever
comes next, so that its cost does not depend on their size.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import kernel
from .layers import DEPTH, Base, Disk, Frozen, Laid, squash
from .world import Q, World


class Mounter:
    def __init__(self, world: World) -> None:
        self._world = world
        self._numbers = itertools.count(1)
        self._bases: dict[tuple[str, int, int], Base] = {}
        self._user_layers: dict[tuple[int, int, str], str] = {}

    def lay(self, plan: dict[str, Any], below: Frozen | None, *, same_disk: bool) -> Laid:
        """Mount all that a plan asks for, over the layers that it starts from."""
        self._world.finish()
        disk = (below.disk if below and same_disk else self._new_disk(plan["limits"]["disk_mb"])).acquire()
        laid = Laid(disk, disk.begin(), plan["uid"], below.acquire() if below else None)
        try:
            self._lay_layers(laid, plan)
            self._lay_rest(laid, plan)
            laid.view = kernel.detached(laid.root)
        except BaseException:
            self.clear(laid)
            raise
        return laid

    def clear(self, laid: Laid) -> None:
        """Take a view away; what was written goes unless it was frozen."""
        if laid.generation:
            laid.disk.release(laid.generation)
        if laid.below is not None:
            laid.below.release()
        for base in laid.bases:
            self._release(base)
        laid.bases = []

    def freeze(self, laid: Laid) -> Frozen:
        """What was written becomes a layer; the view, which must not be used any more, is still to be cleared."""
        laid.disk.uncover(laid.generation)
        frozen = Frozen(laid.disk, laid.generation, dict(laid.uppers), laid.below, laid.uid)
        laid.generation, laid.below = "", None
        return squash(frozen) if len(frozen.stack) > DEPTH else frozen

    def copy(self, laid: Laid) -> tuple[Frozen, list[str]]:
        """A layer that will be a copy of what was written, and the command that makes it so."""
        disk = self._new_disk(laid.disk.size_mb).acquire()
        frozen = Frozen(disk, disk.begin(), {}, laid.below.acquire() if laid.below else None, laid.uid)
        pairs = [(f"{laid.generation}/shm", frozen.shared)]
        for number, (target, upper) in enumerate(laid.uppers.items()):
            frozen.uppers[target] = f"{frozen.generation}/{number}"
            pairs.append((upper, frozen.uppers[target]))
        # A file that goes while it is copied is none of this moment's; all that belongs to the sandbox stands still.
        return frozen, ["/bin/sh", "-c", " && ".join(f"cp -a -- {source} {copy}" for source, copy in pairs)]

    # -- layers

    def _new_disk(self, size_mb: int | None) -> Disk:
        path = f"{Q}/s/d{next(self._numbers)}"
        os.mkdir(path)  # noqa: PTH102
        size = f"size={size_mb}m,nr_inodes={max(4096, size_mb * 256)}" if size_mb else "size=50%"
        kernel.mount("quintain", path, "tmpfs", kernel.NOSUID | kernel.NODEV, f"mode=755,{size}")
        return Disk(path, size_mb)

    def _lay_layers(self, laid: Laid, plan: dict[str, Any]) -> None:
        sources: dict[str, list[str]] = {"/": []}
        for layer in plan["layers"]:
            sources.setdefault(layer["target"], []).append(layer["source"])
        if not sources["/"]:
            sources["/"].append("")
        for target in sorted(sources):
            lowers = laid.below.chain(target) if laid.below else []
            for source in reversed(sources[target]):
                lowers.append(self._base(laid, source, whole=target == "/") if source else f"{Q}/skeleton")
            own = sources[target] == [""]
            if own:
                lowers.insert(-1, self._users(plan))
            self._overlay(laid, target, lowers)
            if own and laid.below is not None and laid.below.uid != laid.uid:
                # Those of the one before may have been changed.
                self._write_users(f"{laid.uppers['/']}/etc", plan)

    def _overlay(self, laid: Laid, target: str, lowers: list[str]) -> None:
        number = len(laid.uppers)
        upper, work = f"{laid.generation}/{number}", f"{laid.generation}/w{number}"
        for each in (upper, work):
            os.mkdir(each, 0o755)  # noqa: PTH102
            self._world.own(each)
        options = f"lowerdir={':'.join(lowers)},upperdir={upper},workdir={work},userxattr"
        # A folder that is not there yet is made in the overlay below, so that it belongs to those inside.
        place = laid.root if target == "/" else self.place(laid, target)
        kernel.mount("quintain", place, "overlay", kernel.NOSUID | kernel.NODEV, options)
        laid.uppers[target] = upper

    def _base(self, laid: Laid, source: str, *, whole: bool) -> str:
        """A short name for a folder of the host, under which its files belong to those inside.

        `whole`: it is a root file system, which may belong to another where that cannot be changed.
        """
        status = os.stat(source)  # noqa: PTH116
        key = (source, status.st_dev, status.st_ino)
        base = self._bases.get(key)
        if base is None:
            path = f"{Q}/b/{next(self._numbers)}"
            take_away = self._show(source, path, self._world.users(status.st_uid), whole)
            base = self._bases[key] = Base(path, take_away)
        base.users += 1
        laid.bases.append(base)
        return base.path

    def _show(self, source: str, path: str, owners: int | None, whole: bool) -> Callable[[], None]:
        """Make it appear under that name; what takes it away again."""
        if owners is None:
            os.symlink(source, path)  # noqa: PTH211
            return lambda: os.unlink(path)  # noqa: PTH108
        os.mkdir(path)  # noqa: PTH102
        try:
            kernel.bind(source, path, users=owners)
        except OSError:
            # Not every file system can rename owners: overlayfs, on which most containers stand, cannot.
            if whole:
                os.rmdir(path)  # noqa: PTH106
                return self._show(source, path, None, whole)
            kernel.mount("quintain", path, "tmpfs", kernel.NOSUID | kernel.NODEV, "mode=755,size=50%")
            run = f'cp -a -- "$0"/. {path} && chown -R -h {self._world.owner}:{self._world.owner} {path}'
            if os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", run, source], os.environ), 0)[1]:
                kernel.unmount(path)
                os.rmdir(path)  # noqa: PTH106
                raise OSError(errno.ENOSPC, "a layer could be neither shown nor copied", source) from None

        def take_away() -> None:
            kernel.unmount(path)
            os.rmdir(path)  # noqa: PTH106

        return take_away

    def _release(self, base: Base) -> None:
        base.users -= 1
        if not base.users:
            self._bases = {key: each for key, each in self._bases.items() if each is not base}
            base.take_away()

    def _users(self, plan: dict[str, Any]) -> str:
        """A layer that says who is who inside; a root file system that came as a layer keeps its own."""
        key = plan["uid"], plan["gid"], plan["env"]["HOME"]
        if key not in self._user_layers:
            folder = f"{Q}/b/{next(self._numbers)}"
            os.mkdir(folder)  # noqa: PTH102
            self._world.own(folder)
            self._write_users(f"{folder}/etc", plan)
            self._user_layers[key] = folder
        return self._user_layers[key]

    def _write_users(self, folder: str, plan: dict[str, Any]) -> None:
        uid, gid = plan["uid"], plan["gid"]
        top = Path(folder)
        top.mkdir()
        user = "" if uid == 0 else f"agent:x:{uid}:{gid}::{plan['env']['HOME']}:/bin/bash\n"
        group = "" if gid == 0 else f"agent:x:{gid}:\n"
        (top / "passwd").write_text(f"root:x:0:0:root:/root:/bin/bash\n{user}nobody:x:65534:65534::/nonexistent:/bin/false\n")
        (top / "group").write_text(f"root:x:0:\n{group}nogroup:x:65534:\n")
        self._world.give(top)

    # -- what lies over the layers

    def _lay_rest(self, laid: Laid, plan: dict[str, Any]) -> None:
        # A root file system may have one already, which is another's. What belongs to nobody else is not copied to the disk.
        workdir = self.place(laid, plan["workdir"])
        if os.stat(workdir).st_uid != self._world.owner:  # noqa: PTH116
            self._world.own(workdir)
        self.place(laid, plan["env"]["HOME"])
        if not any(layer["target"] == "/" for layer in plan["layers"]):
            for name in self._world.system_folders():
                if not os.path.islink(f"/host/{name}"):  # noqa: PTH114
                    kernel.bind(f"/host/{name}", self.place(laid, f"/{name}"))
        self._lay_devices(laid)
        for each in plan["mounts"]:
            self._lay_mount(laid, each)
        for path in plan["hidden"]:
            self._hide(laid, path)

    def _lay_devices(self, laid: Laid) -> None:
        self.place(laid, "/proc")
        kernel.bind(f"{Q}/dev", self.place(laid, "/dev"), devices=True)
        flags = kernel.NOSUID | kernel.NOEXEC
        kernel.mount("devpts", self.place(laid, "/dev/pts"), "devpts", flags, "newinstance,ptmxmode=0666,mode=620")
        shared = f"{laid.generation}/shm"
        if laid.below is not None and os.listdir(laid.below.shared):  # noqa: PTH208
            copying = os.posix_spawn("/bin/sh", ["sh", "-c", f"cp -a -- {laid.below.shared} {shared}"], os.environ)
            if os.waitpid(copying, 0)[1]:
                raise OSError(errno.ENOSPC, "the files in /dev/shm could not be copied")
        else:
            os.mkdir(shared)  # noqa: PTH102
            self._world.own(shared)
            os.chmod(shared, 0o1777)  # noqa: PTH101
        kernel.bind(shared, self.place(laid, "/dev/shm"), writable=True)

    def _lay_mount(self, laid: Laid, each: dict[str, Any]) -> None:
        status = os.stat(each["source"])  # noqa: PTH116
        target = self.place(laid, each["target"], folder=stat.S_ISDIR(status.st_mode))
        owners = self._world.users(status.st_uid)
        if owners is not None and not each.get("devices"):
            with contextlib.suppress(OSError):
                kernel.bind(each["source"], target, writable=each["writable"], users=owners)
                return
        kernel.bind(each["source"], target, writable=each["writable"], devices=each.get("devices", False))

    def _hide(self, laid: Laid, path: str) -> None:
        root = os.open(laid.root, os.O_PATH | os.O_CLOEXEC)
        try:
            found = kernel.open_below(root, path, os.O_PATH)
        except OSError:
            return
        finally:
            os.close(root)
        folder = stat.S_ISDIR(os.fstat(found).st_mode)
        kernel.bind(f"{Q}/empty" if folder else f"{Q}/nothing", f"/proc/self/fd/{found}")
        os.close(found)

    def place(self, laid: Laid, path: str, *, folder: bool = True) -> str:
        """Where `path` is: made if it is not there, by a name that no link from inside can turn elsewhere.

        The descriptor behind the name stays open for the one mount that follows, and is closed by the next call.
        """
        if self._placed >= 0:
            os.close(self._placed)
            self._placed = -1
        root = os.open(laid.root, os.O_PATH | os.O_CLOEXEC)
        with contextlib.suppress(OSError):
            found = kernel.open_below(root, path, os.O_PATH)
            if stat.S_ISDIR(os.fstat(found).st_mode) == folder:
                os.close(root)
                self._placed = found
                return f"/proc/self/fd/{found}"
            os.close(found)
        parts = [part for part in path.split("/") if part]
        here = os.dup(root)
        try:
            for number, part in enumerate(parts, 1):
                last = number == len(parts)
                below = self._step(root, here, "/".join(parts[:number]), part, folder=folder or not last)
                os.close(here)
                here = below
        except BaseException:
            os.close(here)
            raise
        finally:
            os.close(root)
        self._placed = here
        return f"/proc/self/fd/{here}"

    _placed = -1

    def _step(self, root: int, here: int, path: str, name: str, *, folder: bool) -> int:
        try:
            found = kernel.open_below(root, path, os.O_PATH)
        except OSError:
            found = -1
        if found >= 0 and stat.S_ISDIR(os.fstat(found).st_mode) == folder:
            return found
        if found >= 0:
            os.close(found)
        # Nothing, a link into nothing, or something of the wrong kind that was put there.
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISDIR(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode):
                os.rmdir(name, dir_fd=here)
            else:
                os.unlink(name, dir_fd=here)
        if folder:
            os.mkdir(name, 0o755, dir_fd=here)
        else:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644, dir_fd=here))
        self._own_at(here, name)
        return kernel.open_below(root, path, os.O_PATH)

    def _own_at(self, here: int, name: str) -> None:
        if self._world.owner:
            os.chown(name, self._world.owner, self._world.owner, dir_fd=here, follow_symlinks=False)
