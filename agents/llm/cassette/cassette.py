"""Record what a model answered, and replay it exactly: without the model, its packages, a network or a key.

A call is known by its request, its model's name, and how often the same was asked before *in the same attempt at an episode*: so
a cassette is exact under parallel workers, retries and resumed runs. Episodes go by the key of their ledger: task, seed and the
agent's name in the run. The files are those of `tapes`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from quintain.agents.llm.booking import noted
from quintain.agents.llm.cassette import tapes
from quintain.agents.llm.cassette.missed import why
from quintain.agents.llm.model import Answer, BadAnswer, Model, ModelRefused, ModelUnreachable, Request
from quintain.errors import InfrastructureError, UsageError
from quintain.ledger import Ledger, current, opened

FAILURES = {each.__name__: each for each in (ModelUnreachable, ModelRefused, BadAnswer)}


class CassetteMiss(InfrastructureError):
    """A request that was not recorded. It says nothing about the agent: the episode is left unscored."""


class Recorded:
    """A model whose answers, failures and cancelled calls are written to a cassette, as they come.

    What is recorded again comes beside what is there, and counts in its place. A process that is killed loses the calls in
    flight.
    """

    def __init__(self, model: Model, path: str | Path) -> None:
        self.name, self.abilities = model.name, model.abilities
        self._model, self._cassette = model, Path(path).absolute()
        self._attempts = _Attempts(self._cassette, self.name)

    async def answer(self, request: Request) -> Answer:
        """See `Model.answer`. Raises `InfrastructureError` where the cassette cannot be written."""
        current().check()
        attempt = self._attempts.current()
        return await attempt.asked(attempt.calls.begun(self.name, request), self._model, request)

    async def close(self) -> None:
        await self._model.close()


class Replayed:
    """A model that answers from a cassette; failures fail again, and a cancelled call waits until it is cancelled again.

    The last attempt at an episode is the one that is replayed. `name` is the recorded model's and may be left out where there is
    one. What is not in the cassette raises `CassetteMiss`; where not `strict`, `model` is asked, and a new attempt is recorded.

    Raises:
        UsageError: no cassette, no such model in it, or several and no name; not strict without a model.
    """

    def __init__(self, path: str | Path, *, name: str = "", strict: bool = True, model: Model | None = None) -> None:
        if not strict and model is None:
            raise UsageError("a replay that is not strict needs the model that it asks for what is missing")
        self._cassette = Path(path).absolute()
        self._model = None if strict else model
        if self._model is not None:
            self.name, self.abilities = self._model.name, self._model.abilities
        else:
            self.name, self.abilities = _recorded_model(self._cassette, name)
        self._attempts = _Attempts(self._cassette, self.name)

    async def answer(self, request: Request) -> Answer:
        """See `Model.answer`; `CassetteMiss` beside."""
        current().check()
        attempt = self._attempts.current()
        call = attempt.calls.begun(self.name, request)
        found = attempt.recorded(call)
        if found is not None:
            return await _again(found, request)
        if self._model is None:
            raise CassetteMiss(f"cassette {self._cassette}: {why(call, attempt.episode, attempt.all(), self._cassette)}")
        return await attempt.asked(call, self._model, request)

    async def close(self) -> None:
        if self._model is not None:
            await self._model.close()


def _recorded_model(cassette: Path, name: str) -> tuple[str, Any]:
    models = tapes.read_models(cassette)
    if not models:
        raise UsageError(f"no cassette at {cassette}; record one with the option record={str(cassette)!r} of a model")
    if not name and len(models) == 1:
        name = next(iter(models))
    if name not in models:
        asked = f"has no recording of model {name!r}" if name else "holds several models; name one"
        raise UsageError(f"cassette {cassette} {asked}; there are {', '.join(models)}")
    return name, models[name]


async def _again(found: tapes.Recording, request: Request) -> Answer:
    try:
        if found.raised is None and found.answer is None:
            await asyncio.Event().wait()
    finally:
        current().charge(**found.spent.model_dump(exclude={"what"}))
    if found.raised is not None:
        raise FAILURES[found.raised.kind](found.raised.message)
    assert found.answer is not None
    return noted(found.model, request, found.answer)


class _Attempt:
    """One attempt at an episode: its calls so far, what was recorded of the last one, and the file of this one."""

    def __init__(self, cassette: Path, episode: str) -> None:
        self.episode = episode
        self.calls = tapes.Calls()
        self._cassette = cassette
        self._tape = tapes.Tape(cassette, episode)
        self._known: dict[tuple[str, int], tapes.Recording] | None = None
        self._replayed: list[tapes.Recording] = []
        self._writing = False

    def all(self) -> list[tapes.Recording]:
        if self._known is None:
            self._known = {(each.key, each.occurrence): each for each in tapes.read(self._cassette, self.episode)}
        return list(self._known.values())

    def recorded(self, call: tapes.Call) -> tapes.Recording | None:
        self.all()
        assert self._known is not None
        found = self._known.get((call.key, call.occurrence))
        if found is not None:
            self._keep(found)
        return found

    async def asked(self, call: tapes.Call, model: Model, request: Request) -> Answer:
        heard = _Listening(current())
        try:
            with opened(heard):
                answer = await model.answer(request)
        except tuple(FAILURES.values()) as error:
            raised = tapes.Raised.model_validate({"kind": type(error).__name__, "message": str(error)})
            self._write(call, model, call.ended(heard.total, raised=raised))
            raise
        except asyncio.CancelledError:
            self._write(call, model, call.ended(heard.total))
            raise
        self._write(call, model, call.ended(heard.total, answer=answer))
        return answer

    def _keep(self, replayed: tapes.Recording) -> None:
        """The file of an attempt that goes on with the model is whole: it holds what was replayed, too."""
        if self._writing:
            self._tape.write(replayed)
        else:
            self._replayed.append(replayed)

    def _write(self, call: tapes.Call, model: Model, recording: tapes.Recording) -> None:
        tapes.write_model(self._cassette, model.name, model.abilities)
        if not self._writing:
            self._writing = True
            for each in self._replayed:
                self._tape.write(each)
        self._tape.write(recording, call.pictures)


class _Listening(Ledger):
    """Hands everything on to the ledger of the episode, and keeps what one call charged."""

    def __init__(self, episode: Ledger) -> None:
        super().__init__(episode.limits, key=episode.key)
        self._episode = episode

    def charge(self, **spent: Any) -> None:
        super().charge(**spent)
        self._episode.charge(**spent)

    def check(self) -> None:
        self._episode.check()

    def note(self, kind: str, **data: Any) -> None:
        self._episode.note(kind, **data)


class _Attempts:
    """Of one model, the attempt that belongs to the ledger that is open; all models of an episode share it."""

    def __init__(self, cassette: Path, model: str) -> None:
        self._cassette, self._model = cassette, model
        self._outside = _Attempt(cassette, f"outside {model}")
        """Of calls that belong to no episode."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _Attempts, (self._cassette, self._model)  # A copy elsewhere begins a file of its own.

    def current(self) -> _Attempt:
        ledger = current()
        if not ledger.key:
            return self._outside
        known = _OPEN.setdefault(ledger, {})
        if self._cassette not in known:
            known[self._cassette] = _Attempt(self._cassette, ledger.key)
        return known[self._cassette]


_OPEN: WeakKeyDictionary[Ledger, dict[Path, _Attempt]] = WeakKeyDictionary()
