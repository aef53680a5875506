"""One browser process: its flags, its folder, its death.

Whatever happens to this Python process, the browser does not outlive it: a supervisor (supervisor.py) parents the browser and
reads a pipe whose other end only this process holds.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import fcntl
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, Literal, NamedTuple

from quintain.envs.browser.cdp import Connection
from quintain.envs.browser.discovery import Browser
from quintain.errors import EnvironmentFault, Unavailable

FOLDER_PREFIX: Final = "quintain-browser-"
Mode = Literal["deterministic", "virtual", "realtime"]

START_TIMEOUT_S: Final = 30.0
PIPE_SIZE: Final = 1 << 20
YOUNG_S: Final = 60.0

DISABLED_FEATURES: Final = (
    "IsolateOrigins",
    "site-per-process",
    "BackForwardCache",
    "ProactivelySwapBrowsingInstance",
    "PaintHolding",
    "Prerender2",
    "HttpsUpgrades",
    "LocalNetworkAccessChecks",
    "AcceptCHFrame",
    "Translate",
    "MediaRouter",
    "DialMediaRouteProvider",
    "OptimizationHints",
)
FLAGS: Final = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-startup-window",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-client-side-phishing-detection",
    "--disable-domain-reliability",
    "--disable-field-trial-config",
    "--disable-hang-monitor",
    "--disable-ipc-flooding-protection",
    "--disable-popup-blocking",
    "--disable-prompt-on-repost",
    "--disable-search-engine-choice-screen",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-pings",
    "--password-store=basic",
    "--log-level=3",
    # A page that is not looked at must run like one that is.
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    # The same pixels everywhere.
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
    "--disable-font-subpixel-positioning",
    "--disable-lcd-text",
    "--hide-scrollbars",
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
    # Isolated sites would put cross-site frames outside the page's virtual clock.
    "--disable-site-isolation-trials",
    "--disable-features=" + ",".join(DISABLED_FEATURES),
    # No name is looked up and no datagram leaves except through the context's proxy.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
)
VIRTUAL_FLAGS: Final = (
    # On a stopped clock the compositor's deadlines never come: without these it would wait for them instead of for the page.
    "--run-all-compositor-stages-before-draw",
    "--disable-new-content-rendering-timeout",
    # One renderer for each context (contexts never share one): the virtual clock is the renderer's, and in a second one it would
    # start again at the real time of day.
    "--renderer-process-limit=1",
)
DETERMINISTIC_FLAGS: Final = (
    "--disable-threaded-animation",
    "--disable-threaded-scrolling",
    "--disable-checker-imaging",
    "--disable-image-animation-resync",
    "--js-flags=--random-seed=1157259157",
)
SUPERVISOR: Final = Path(__file__).with_name("supervisor.py")


class Launch(NamedTuple):
    """What a browser process is started with. ``debug_port`` opens a DevTools port on 127.0.0.1 beside the pipe."""

    browser: Browser
    mode: Mode
    debug_port: bool = False
    scale: float = 1.0
    extra_flags: tuple[str, ...] = ()

    def flags(self, folder: Path) -> list[str]:
        """The command line after the program's name."""
        chosen = [*FLAGS, f"--user-data-dir={folder}"]
        if self.mode != "realtime":
            chosen += VIRTUAL_FLAGS
        if self.mode == "deterministic":
            chosen += DETERMINISTIC_FLAGS
        if self.debug_port:
            chosen += ["--remote-debugging-port=0", "--remote-debugging-address=127.0.0.1"]
        if self.scale != 1.0:
            chosen.append(f"--force-device-scale-factor={self.scale:g}")
        return [*chosen, *self.extra_flags]


class BrowserProcess:
    """A running browser and its connection. ``stop`` is synchronous, quick and idempotent; it also runs at exit."""

    def __init__(self, launch: Launch, folder: Path, pid: int, *, fds: list[int], connection: Connection) -> None:
        self.launch, self.folder, self.pid, self.connection = launch, folder, pid, connection
        self.fds, self._owner = fds, os.getpid()
        self.version = ""

    @classmethod
    async def start(cls, launch: Launch, *, timeout_s: float = START_TIMEOUT_S) -> BrowserProcess:
        """Start it and wait until it answers. Raises Unavailable, with what it said, when it does not."""
        _install_hooks()
        sweep()
        folder, lock = _locked_folder()
        process = _spawn(launch, folder, lock)
        _LIVE.add(process)
        try:
            answer = await process.connection.browser.send("Browser.getVersion", timeout_s=timeout_s)
        except EnvironmentFault as error:
            said = process.last_words()
            process.stop()
            raise Unavailable(f"{launch.browser.path} did not start: {error}; it said: {said or 'nothing'}") from error
        except BaseException:
            process.stop()
            raise
        process.version = answer["product"]
        return process

    async def debug_url(self, *, timeout_s: float = 10.0) -> str:
        """``http://127.0.0.1:PORT`` of a browser launched with ``debug_port``, for other clients such as Playwright."""
        file = self.folder / "DevToolsActivePort"
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                lines = file.read_text().split()
                if lines:
                    return f"http://127.0.0.1:{lines[0]}"
            await asyncio.sleep(0.01)
        raise EnvironmentFault(
            f"{self.launch.browser.path} opened no DevTools port in {timeout_s:g} s; launch it with debug_port"
        )

    def last_words(self) -> str:
        """The end of what the browser wrote to standard error, on one line."""
        with contextlib.suppress(OSError):
            return " ".join((self.folder / "stderr.log").read_text(errors="replace")[-600:].split())
        return ""

    def stop(self) -> None:
        """Kill the browser with all its children and delete its folder. A forked child that calls this changes nothing."""
        if self not in _LIVE or self._owner != os.getpid():
            return
        _LIVE.discard(self)
        with contextlib.suppress(RuntimeError):  # the event loop may be closed already
            self.connection.close()
        for fd in self.fds:
            os.close(fd)
        _reap(self.pid)
        shutil.rmtree(self.folder, ignore_errors=True)


# Needed to end every browser at exit and to let go of them in a forked child.
_LIVE: set[BrowserProcess] = set()
_HOOKED: set[str] = set()


def sweep() -> None:
    """Delete the folders of browsers whose Python process is gone; a live one holds a lock on a file in its folder."""
    for folder in Path(tempfile.gettempdir()).glob(FOLDER_PREFIX + "*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.getuid() and _abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _abandoned(folder: Path) -> bool:
    try:
        fd = os.open(folder / "lock", os.O_RDWR)
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime > YOUNG_S
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def _locked_folder() -> tuple[Path, int]:
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    draft = folder / "lock.draft"
    fd = os.open(draft, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    draft.rename(folder / "lock")  # a sweeper never sees the file without its lock
    return folder, fd


def _spawn(launch: Launch, folder: Path, lock: int) -> BrowserProcess:
    commands_out, commands_in = _pipe()
    answers_out, answers_in = _pipe()
    life_out, life_in = _pipe()
    program = launch.browser.path
    command = [sys.executable, "-I", "-S", str(SUPERVISOR), str(folder), program, *launch.flags(folder)]
    plumbing = [
        (os.POSIX_SPAWN_DUP2, life_out, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, str(folder / "stderr.log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, commands_out, 3),
        (os.POSIX_SPAWN_DUP2, answers_in, 4),
    ]
    pid = os.posix_spawn(sys.executable, command, os.environ, file_actions=plumbing, setsid=True)
    for fd in (commands_out, answers_in, life_out):
        os.close(fd)
    return BrowserProcess(launch, folder, pid, fds=[life_in, lock], connection=Connection(answers_out, commands_in))


def _pipe() -> tuple[int, int]:
    ends = os.pipe()
    # Above 10, so that putting an end on 3 or 4 in the child cannot overwrite another.
    lifted = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in ends]
    for fd in ends:
        os.close(fd)
    with contextlib.suppress(OSError):
        fcntl.fcntl(lifted[1], fcntl.F_SETPIPE_SZ, PIPE_SIZE)
    return lifted[0], lifted[1]


def _reap(pid: int, *, limit_s: float = 6.0) -> None:
    deadline = time.monotonic() + limit_s
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.001)


def _install_hooks() -> None:
    if not _HOOKED:
        _HOOKED.add("installed")
        atexit.register(stop_all)
        os.register_at_fork(after_in_child=_let_go)


def stop_all() -> None:
    """Stop every browser that this process started."""
    for process in tuple(_LIVE):
        process.stop()


def _let_go() -> None:
    # A child that kept these descriptors open would hide our death from the browser and the watchdog.
    for process in _LIVE:
        for fd in (*process.fds, *process.connection.fds):
            with contextlib.suppress(OSError):
                os.close(fd)
    _LIVE.clear()
