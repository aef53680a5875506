"""Run a peer in its own virtual environment, driven call by call, so that its measurements interleave with ours.

A peer script imports `serve` from this file's text by path: it reads one JSON object a line and answers with one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

HERE = Path(__file__).resolve().parent
VENVS = HERE.parent / ".venvs"


class Peer:
    """A process that runs ``script`` under the Python of a virtual environment that holds ``requirements``."""

    def __init__(self, name: str, script: str, requirements: Sequence[str]) -> None:
        self.python = _environment(name, requirements)
        self.script = HERE / script
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Peer:
        self._process = subprocess.Popen(
            [self.python, str(self.script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def call(self, op: str, **arguments: Any) -> Any:
        """What the peer answers; raises RuntimeError with its own message when it failed."""
        assert self._process is not None and self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"op": op, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.script.name} died in {op!r}; run it by hand to see why")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self.script.name}: {op}: {answer['error']}")
        return answer["result"]


def serve(operations: dict[str, Callable[..., Any]]) -> None:
    """Answer calls on standard input until it ends; the peer's side."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the peer prints must not mix with the answers
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer: dict[str, Any] = {"result": operations[request.pop("op")](**request)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(answer) + "\n")
        out.flush()


def _environment(name: str, requirements: Sequence[str]) -> Path:
    folder = VENVS / name
    python, mark = folder / "bin" / "python", folder / "requirements.json"
    if not (mark.exists() and json.loads(mark.read_text()) == list(requirements)):
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
        mark.write_text(json.dumps(list(requirements)))
    return python
