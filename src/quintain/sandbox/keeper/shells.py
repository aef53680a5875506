"""Persistent interpreters: code goes in by one private descriptor, its status comes back by another, its output by a pipe.

A command's output therefore never ends a command, whatever it says; and programs do not inherit the private descriptors.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from .capture import Capture, Pipe
from .ground import Ground
from .loop import Loop, Timer

GRACE_S = 0.25
CODE_IN, STATUS_OUT = 198, 199
STATUS_LIMIT = 64 * 1024

# `$?` is what the command before left, restored by a function; not under `set -e`, where that would end the shell. LC_ALL: the
# length counts bytes. All on one line, because bash counts the lines of what it evaluates from its own.
BASH = (
    "__qs() { return $__qr; }; __qr=0; "
    f"while LC_ALL=C builtin read -r -u {CODE_IN} __qn __ql && LC_ALL=C IFS= builtin read -r -N $__ql -u {CODE_IN} __qc; do "
    f'case $- in *e*) ;; *) __qs ;; esac; builtin eval "$__qc" {CODE_IN}<&- {STATUS_OUT}>&-; __qr=$?; '
    f'builtin printf \'%s %s %s\\0\' "$__qn" "$__qr" "$PWD" >&{STATUS_OUT}; done'
)
WHOLE = b"# whole\n"
BASH_STATE = (
    "__qk=$?; __qt() { return $__qk; }; "
    "builtin shopt -p; builtin declare -p; builtin declare -f; builtin alias -p; builtin trap -p; builtin umask -p; "
    "builtin printf 'cd -- %q\\n' \"$PWD\"; builtin set +o; "
    f"builtin echo 'case $- in *e*) ;; *) __qt ;; esac'; builtin echo '{WHOLE.decode().strip()}'; "
    "case $- in *e*) ;; *) __qt ;; esac"
)
"""Prints commands that make another bash what this one is; the last line says that nothing is missing. `$?` stays what it was."""
STATE_LIMIT = 32 * 2**20
Done = Callable[[dict[str, Any], bytes], None]


@functools.cache
def python_driver() -> str:
    """Its source; to be read before the porter goes where it cannot be seen."""
    loader: Any = __spec__.loader
    return str(loader.get_data(os.path.join(os.path.dirname(__file__), "python_driver.py")), "utf-8")  # noqa: PTH118, PTH120


class Shell:
    """One interpreter, which is started when it is first needed and again after each end."""

    def __init__(self, loop: Loop, ground: Ground, kind: str) -> None:
        self._loop, self._ground, self.kind = loop, ground, kind
        self.pid = 0
        """In the outer namespace; 0 while there is none."""
        self._handle = self._code = self._status = -1
        self._output: Pipe | None = None
        self._received = b""
        self._to_send = b""
        self._count = 0
        self._cwd = ground.workdir
        self.inherited = b""
        """The state with which the next interpreter is to begin, as `BASH_STATE` printed it."""
        self._done: Done | None = None
        self._queue: list[Callable[[], None]] = []
        self._timer: Timer | None = None
        self._timed_out = self._lost = self._restarted = self._ending = False
        self._mark = self._oom = 0
        self._started = 0.0

    def run(self, code: str, *, timeout_s: float, limit: int, done: Done) -> None:
        """`done` gets the fields of the result, and the output. One after the other."""
        if self._done is not None:
            self._queue.append(lambda: self.run(code, timeout_s=timeout_s, limit=limit, done=done))
            return
        self.settle()
        self._restarted = self._lost and not self.pid
        if not self.pid:
            self._start()
        self._lost = False
        self._done, self._timed_out = done, False
        if self._output is not None:
            self._output.capture = Capture(limit)
        self._oom, self._mark = self._ground.oom_kills(), self._ground.outer.last()
        self._started = time.monotonic()
        self._timer = self._loop.later(timeout_s, self._time_is_up)
        self._send(code.encode("utf-8", "surrogateescape").replace(b"\0", b"") or b":")

    def warm(self) -> None:
        """Have an interpreter ready."""
        if not self.pid:
            self._start()

    def stop(self) -> None:
        """End the command that runs, as at its time limit: nobody waits for it any more."""
        if self._done is not None and not self._timed_out:
            self._time_is_up()

    def settle(self) -> None:
        """Take note of an end that has not been told yet."""
        if self.pid and os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            self._ended()

    def close(self) -> None:
        """End the interpreter; what runs in its background lives on."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    # -- its life

    def _start(self) -> None:
        code, self._code = os.pipe()
        self._status, status = os.pipe()
        output, printed = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            self.pid = self._ground.spawn(
                self._argv(),
                env=self._ground.env,
                cwd=self._cwd if os.path.isdir(self._cwd) else "/",  # noqa: PTH112
                stdio={0: nothing, 1: printed, 2: printed, CODE_IN: code, STATUS_OUT: status},
            )
        except OSError:
            for each in (self._code, self._status, output):
                os.close(each)
            raise
        finally:
            for each in (code, status, printed, nothing):
                os.close(each)
        os.set_blocking(self._code, False)
        os.set_blocking(self._status, False)
        self._received = self._to_send = b""
        self._ending = False
        self._output = Pipe(self._loop, output)
        self._handle = os.pidfd_open(self.pid)
        self._loop.reading(self._status, self._read_status)
        self._loop.reading(self._handle, self._ended)
        if self.inherited:
            quoted = b"'" + self.inherited.replace(b"'", b"'\\''") + b"'"
            self.inherited = b""
            # The state has the loop's own variables too; the number is set again, or the answer would go to another command.
            again = b"__qr=$?; __qn=%d; case $- in *e*) ;; *) __qs ;; esac" % (self._count + 1)
            self._send(b"builtin eval " + quoted + b" >/dev/null 2>&1; " + again)

    def _argv(self) -> list[str]:
        if self.kind == "python":
            return ["python3", "-u", "-c", python_driver(), str(CODE_IN), str(STATUS_OUT)]
        return ["bash", "--noprofile", "--norc", "-c", BASH, "bash"]

    def _ended(self) -> None:
        # Whoever ended it is of no interest; the number is free again once it is collected.
        code = self._ground.collect(self.pid)
        self._loop.reading(self._handle, None)
        self._loop.reading(self._status, None)
        self._loop.writing(self._code, None)
        for each in (self._handle, self._status, self._code):
            os.close(each)
        self.pid, self._lost = 0, True
        self._finish(code)

    # -- one command

    def _send(self, code: bytes) -> None:
        self._count += 1
        self._to_send += b"%d %d\n" % (self._count, len(code)) + code
        self._write()

    def _write(self) -> None:
        try:
            self._to_send = self._to_send[os.write(self._code, self._to_send) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._to_send = b""
        self._loop.writing(self._code, self._write if self._to_send else None)

    def _read_status(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._status, 65536)
            if not data:
                # It may have closed its end and still run; then the time limit ends it.
                self._loop.reading(self._status, None)
                return
            self._received = (self._received + data)[-STATUS_LIMIT:]
        while b"\0" in self._received:
            line, _, self._received = self._received.partition(b"\0")
            number, _, rest = line.partition(b" ")
            code, _, cwd = rest.partition(b" ")
            if self._ending:
                continue
            if number == b"%d" % self._count and code.isdigit():
                self._cwd = os.fsdecode(cwd) or self._cwd
                self._finish(int(code))

    def _time_is_up(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._end_command()

    def _end_command(self) -> None:
        """End what this command started; an interpreter that does not answer then is ended as well."""
        self._timed_out = True
        # Stopped meanwhile, lest a loop starts the next one for each that is ended.
        self._signal(signal.SIGSTOP)
        self._end_newer()
        if self.kind == "python":
            self._signal(signal.SIGINT)
        self._signal(signal.SIGCONT)
        self._timer = self._loop.later(GRACE_S, self._end_all)

    def _end_newer(self) -> None:
        self._ground.outer.end(lambda all_: self._ground.started_since(self._mark, {self.pid}, all_))

    def _end_all(self) -> None:
        self._ending = True
        self.close()
        self._end_newer()

    def _finish(self, code: int) -> None:
        done, self._done = self._done, None
        if self._timer is not None:
            self._timer.cancel()
        if done is None:
            return
        capture = None
        if self._output is not None:
            self._output.drain()
            capture, self._output.capture = self._output.capture, None
        self._restarted = self._restarted or (self._timed_out and not self.pid)
        self._lost = self._lost and not self._timed_out
        fields = {
            "exit_code": None if self._timed_out else code,
            "duration_s": time.monotonic() - self._started,
            "timed_out": self._timed_out,
            "oom": self._ground.oom_kills() > self._oom,
            "dropped_bytes": capture.dropped if capture else 0,
            "restarted": self._restarted,
        }
        done(fields, capture.kept if capture else b"")
        if self._queue:
            self._queue.pop(0)()
