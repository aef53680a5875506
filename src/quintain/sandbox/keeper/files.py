"""What a porter does with files: it is inside, so that links lead nowhere else, and what is no regular file is not used."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .frames import BODY_LIMIT

BATCH = 4 * 2**20
MODE = 0o644
Entry = tuple[str, os.stat_result]


def read(path: str, limit: int) -> bytes:
    """A regular file of at most `limit` bytes."""
    # Not blocking: the opening of a pipe would wait for somebody who writes into it.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY), "rb") as file:
        _check_regular(path, os.fstat(file.fileno()))
        data = file.read(min(limit, BODY_LIMIT) + 1)
    if len(data) > min(limit, BODY_LIMIT):
        raise OSError(errno.EFBIG, f"longer than {limit} bytes", path)
    return data


def write(path: str, data: bytes, mode: int | None, *, append: bool = False) -> None:
    """Without a mode, a file that is there keeps its own, and another one gets `MODE`."""
    folder = os.path.dirname(path)  # noqa: PTH120
    flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | (os.O_APPEND if append else 0)
    try:
        file = os.open(path, flags, MODE if mode is None else mode)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        file = os.open(path, flags, MODE if mode is None else mode)
    try:
        _check_regular(path, os.fstat(file))
        if not append:
            os.ftruncate(file, 0)
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        if mode is not None:
            with contextlib.suppress(PermissionError):
                os.fchmod(file, mode)
    finally:
        os.close(file)


def put(target: str, entries: Sequence[dict[str, Any]], body: bytes) -> None:
    """Make folders, links and files, or append to files, as the entries of one batch say; `body` has the files' content."""
    at = 0
    for entry in entries:
        path = os.path.join(target, entry["path"]) if entry["path"] else target  # noqa: PTH118
        if entry["kind"] == "folder":
            os.makedirs(path, exist_ok=True)  # noqa: PTH103
            with contextlib.suppress(PermissionError):
                os.chmod(path, entry["mode"] | stat.S_IRWXU)  # noqa: PTH101
        elif entry["kind"] == "link":
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)  # noqa: PTH108
            os.symlink(entry["to"], path)  # noqa: PTH211
        else:
            write(path, body[at : at + entry["size"]], entry["mode"], append=entry["more"])
            at += entry["size"]


class Walk:
    """Regular files below a folder, in a stable order, within limits; `left` says what was passed over, and why."""

    def __init__(self, root: str, limits: dict[str, int], only: Sequence[str]) -> None:
        self.left: dict[str, str] = {}
        self._root, self._limits = root, limits
        self._only = [re.compile(pattern_to_regex(each)) for each in only]
        self._files = self._bytes = 0

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Relative path and content of each."""
        status = os.stat(self._root)  # noqa: PTH116
        if not stat.S_ISDIR(status.st_mode):
            name = os.path.basename(self._root)  # noqa: PTH119
            yield from self._take(name, self._root, status)
            return
        yield from self._folder(os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), "", 1)

    def _folder(self, folder: int, prefix: str, depth: int) -> Iterator[tuple[str, bytes]]:
        try:
            for name in sorted(os.listdir(folder)):
                path = prefix + name
                try:
                    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    if stat.S_ISDIR(status.st_mode):
                        if depth >= self._limits["depth"]:
                            self.left[path] = f"deeper than {self._limits['depth']} folders"
                            continue
                        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
                        yield from self._folder(inner, path + "/", depth + 1)
                    elif not self._only or any(each.fullmatch(path) for each in self._only):
                        yield from self._take(path, name, status, folder)
                except OSError as error:
                    self.left[path] = error.strerror or "unreadable"
                if len(self.left) > self._limits["files"]:
                    return
        finally:
            os.close(folder)

    def _take(self, path: str, name: str, status: os.stat_result, folder: int | None = None) -> Iterator[tuple[str, bytes]]:
        refused = self._refusal(status)
        if refused:
            self.left[path] = refused
            return
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | (0 if folder is None else os.O_NOFOLLOW)
        with os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as file:
            # It may be another one by now.
            refused = self._refusal(os.fstat(file.fileno()))
            data = b"" if refused else file.read(self._limits["file_bytes"] + 1)
        if refused or len(data) > self._limits["file_bytes"]:
            self.left[path] = refused or "grew while it was read"
            return
        self._files += 1
        self._bytes += len(data)
        yield path, data

    def _refusal(self, status: os.stat_result) -> str:
        if not stat.S_ISREG(status.st_mode):
            return KINDS.get(stat.S_IFMT(status.st_mode), "no regular file")
        if status.st_size > self._limits["file_bytes"]:
            return f"{status.st_size} bytes, more than {self._limits['file_bytes']}"
        if self._files >= self._limits["files"]:
            return f"more than {self._limits['files']} files"
        if self._bytes + status.st_size > self._limits["total_bytes"]:
            return f"more than {self._limits['total_bytes']} bytes together"
        return ""


KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def batches(walk: Walk, send: Callable[[list[dict[str, Any]], bytes], None]) -> list[str]:
    """Send what a walk finds in pieces of about `BATCH` bytes; the paths."""
    names: list[str] = []
    entries: list[dict[str, Any]] = []
    body = bytearray()
    for path, data in walk:
        names.append(path)
        entries.append({"path": path, "size": len(data)})
        body += data
        if len(body) >= BATCH:
            send(entries, bytes(body))
            entries, body = [], bytearray()
    if entries:
        send(entries, bytes(body))
    return names


def pattern_to_regex(pattern: str) -> str:
    """A glob over relative paths: ``*`` and ``?`` stay within one folder, ``**`` does not."""
    regex, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            regex, at = regex + "(?:.*/)?", at + 3
        elif pattern.startswith("**", at):
            regex, at = regex + ".*", at + 2
        elif pattern[at] == "[" and (end := pattern.find("]", at + 2)) > 0:
            inner = pattern[at + 1 : end].replace("\\", "\\\\")
            regex, at = regex + "[" + ("^" + inner[1:] if inner.startswith("!") else inner) + "]", end + 1
        else:
            regex += {"*": "[^/]*", "?": "[^/]"}.get(pattern[at], re.escape(pattern[at]))
            at += 1
    return regex


def _check_regular(path: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, f"{KINDS.get(stat.S_IFMT(status.st_mode), 'something')}, not a regular file", path)
