"""The bubblewrap backend: namespaces and overlays of the kernel, for root and for everybody else, without any service."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from quintain.errors import SandboxLost, Unavailable, one_line

from .keeping import Keeper, keeper, running_keeper
from .kept import KeptSandbox
from .plans import bubble_plan, gpu_mounts
from .spec import SandboxCapabilities, SandboxSpec

MISSING = "bubblewrap: unavailable because the program bwrap is missing; install it: apt-get install bubblewrap"
SWITCHES = (
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
    ("/proc/sys/user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"),
)


class BubbleHouse:
    """The keeper of this process."""

    async def keeper(self, spec: SandboxSpec) -> Keeper:
        return await running_keeper("bubble")

    def plan(self, spec: SandboxSpec, facts: dict[str, Any]) -> dict[str, Any]:
        return bubble_plan(spec, cgroup=facts["controllers"])

    async def enter(self) -> None: ...

    async def leave(self) -> None: ...


def open(spec: SandboxSpec, capabilities: SandboxCapabilities) -> KeptSandbox:
    return KeptSandbox(spec, house=BubbleHouse(), capabilities=capabilities)


def capabilities() -> SandboxCapabilities:
    """What is really enforced here, found out by opening a sandbox; remembered for this process.

    Raises:
        Unavailable: what is missing or forbidden, and how to change that.
    """
    if shutil.which("bwrap") is None:
        raise Unavailable(MISSING)
    with _lock:
        return _probe(os.getpid())


_lock = threading.Lock()


@functools.cache
def _probe(_: int) -> SandboxCapabilities:
    try:
        facts = keeper("bubble").facts
        found = _declared(facts)
        _apart(_try(found))
    except (Unavailable, SandboxLost, OSError) as error:
        raise Unavailable(f"bubblewrap: unavailable because {_reason(one_line(error))}") from error
    return found


async def _try(declared: SandboxCapabilities) -> None:
    async with open(SandboxSpec(), declared) as sandbox:
        # What overlayfs cannot do without extended attributes of the file system that is written to.
        result = await sandbox.exec("mkdir -p /home/agent/x && rm -r /home/agent && mkdir -p /home/agent && ls -A /home/agent")
    if result.exit_code or result.stdout:
        raise Unavailable(f"an overlay does not work here: {result.text.strip() or 'a folder made anew shows old content'}")


def _apart(work: Coroutine[Any, Any, None]) -> None:
    """Run on a loop of its own, wherever this is called."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="quintain-probe")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def _reason(text: str) -> str:
    """What is most likely behind a failure, with what to do about it."""
    for switch, value, remedy in SWITCHES:
        # Root is bound by the last one only.
        if _content(switch) == value and (os.geteuid() or "max_" in switch):
            return f"user namespaces are forbidden ({switch} is {value}); as root: {remedy}"
    if "overlay" in text and not _has_overlay():
        return f"the kernel has no overlayfs; as root: modprobe overlay ({text})"
    if "unshare" in text or "Operation not permitted" in text:
        return f"user namespaces are forbidden here, as they are in most containers; allow them, or use Docker ({text})"
    return text


def _has_overlay() -> bool:
    return "\toverlay" in (_content("/proc/filesystems") or "")


def _content(path: str) -> str | None:
    try:
        return Path(path).read_text().strip("\n")
    except OSError:
        return None


def _declared(facts: dict[str, Any]) -> SandboxCapabilities:
    groups, version = facts["controllers"], facts["cgroup"]
    gpus = [mount for mount in gpu_mounts(SandboxSpec()) if mount.source.name.startswith("nvidia")]
    by_group = f"control groups, version {version}"
    none = "no control group may be made here"
    notes = {
        "isolation": "own user, process, network, ipc, uts and cgroup namespaces; no capabilities; the kernel is the host's",
        "memory": f"{by_group}; what is written to files counts too, so that the cap is memory_mb + disk_mb"
        if "memory" in groups
        else f"{none}: seen 10 times a second, and the largest process ended when all together are over the limit; what "
        "hides from that is ended, too",
        "pids": by_group if "pids" in groups else "RLIMIT_NPROC within the sandbox's user namespace",
        "cpus": by_group if "cpu" in groups else f"{none}: a share of a CPU is rounded up to a whole one",
        "disk": "files are held in memory, in a file system of that size; a restored or forked sandbox may write as much again",
        "networks": "the allow-list is a proxy outside, for HTTP and CONNECT; nothing else leaves",
        "users": "one at a time: a command as another user is refused, a reset or a fork with another uid is not",
        "gpu": "shown where it is asked for, and shared with all others on this machine; what it holds is not limited"
        if gpus
        else "this machine has none (there is no /dev/nvidia*); what would use one runs on the CPU",
        "root": "a name only: without capabilities, and as powerless outside as any other uid",
        "files": "the owner of a layer or mount is the user inside; where the host's file system cannot rename owners, layers are"
        " copied and mounts show what everybody may read"
        if facts["privileged"]
        else "files of layers that belong to others than the one who runs this cannot be changed inside",
    }
    return SandboxCapabilities(
        backend="bubblewrap",
        isolation="namespace",
        networks=("none", "loopback", "allow-list"),
        memory="cgroup" if "memory" in groups else "watchdog",
        pids="cgroup" if "pids" in groups else "rlimit",
        cpus="cgroup" if "cpu" in groups else "affinity",
        disk="filesystem",
        root=True,
        snapshot=True,
        fork=True,
        gpu=bool(gpus),
        notes=notes,
    )
