"""The agents inside a technique: each lives as if it were alone in the episode."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from quintain.agents.techniques.choosing import Candidate, canonical, said
from quintain.agents.techniques.seeds import derived
from quintain.core import Agent, TaskView, Usage
from quintain.errors import AgentError, BudgetSpent, InfrastructureError, UsageError, one_line
from quintain.ledger import current, purpose
from quintain.lifting import AgentLike, build
from quintain.spaces import Action, Observation, parse_action


def copies(agent: AgentLike, n: int, *, technique: str, **config: Any) -> list[Agent]:
    """`n` agents that share nothing; an agent that is given as an object is copied."""
    if n < 1:
        raise UsageError(f"{technique}: {n} agents are none; give at least 1")
    made = []
    for index in range(n):
        thing = _copied(agent, technique) if index else agent
        each = build(thing, **config)
        if not isinstance(each, Agent):
            raise UsageError(f"{technique}: {type(each).__name__} owns its loop; give an agent with reset and act")
        made.append(each)
    return made


def _copied(agent: AgentLike, technique: str) -> AgentLike:
    if isinstance(agent, (str, Mapping, type, functools.partial)) or inspect.isroutine(agent):
        return agent  # Each call of it makes another.
    try:
        return copy.deepcopy(agent)
    except Exception as error:
        name = type(agent).__name__
        raise UsageError(f"{technique}: {name} cannot be copied ({one_line(error)}); give its id, class or maker") from None


class Members:
    """Agents side by side, shown the same observations, asked at once; those that are synchronous in their order.

    Each is reset with a seed of its own, and told once what was done where that was not what it proposed last: before its next
    turn, when it is certain.
    """

    def __init__(self, agents: Sequence[Agent]) -> None:
        self.agents = list(agents)
        self._forget()

    def _forget(self) -> None:
        self._proposed: dict[int, str] = {}
        self._done: Action | str | None = None

    async def reset(self, task: TaskView, seed: int) -> None:
        self._forget()
        calls = (functools.partial(each.reset, task, derived(seed, index)) for index, each in enumerate(self.agents))
        await asyncio.gather(*(_called(call) for call in calls))

    async def propose(self, observation: Observation, *, what: str | None = "sample") -> list[Candidate]:
        """What each would do, in their order; who fails is left out and noted. `what` is the purpose; None: the caller's.

        Raises:
            AgentError: all failed.
            BudgetSpent: nobody proposed anything before the budget was spent.
            InfrastructureError: one of them could not be asked.
        """
        await self._tell()
        with purpose(what) if what else nullcontext():
            found = await asyncio.gather(*(self._proposal(index, observation) for index in range(len(self.agents))))
        candidates = [each for each in found if isinstance(each, Candidate)]
        failures = {index: each for index, each in enumerate(found) if not isinstance(each, Candidate)}
        for index, failure in failures.items():
            if isinstance(failure, InfrastructureError):
                raise failure
            current().note("proposal failed", by=index, error=one_line(failure))
        self._proposed = {each.by: canonical(each.action) for each in candidates}
        if not candidates:
            raise _joint(list(failures.values()))
        return candidates

    async def _proposal(self, index: int, observation: Observation) -> Candidate | BaseException:
        agent = self.agents[index]
        try:
            action = await _called(functools.partial(agent.act, observation))
            return Candidate(_read(action), by=index, said=said(agent))
        except (Exception, SystemExit) as error:
            return error

    def done(self, action: Action | str) -> None:
        """What was done in this step; the last call of a step holds."""
        self._done = action

    async def finish(self, observation: Observation) -> None:
        await self._tell()
        await self._each("finish", observation)

    async def _tell(self) -> None:
        done, self._done = self._done, None
        if done is not None and not isinstance(done, str):  # Call text would mean nothing to agents that gave actions.
            # Who failed has nothing that could be taken back.
            others = [index for index, proposal in self._proposed.items() if proposal != canonical(done)]
            await self._each("took", done, among=others)

    async def _each(self, method: str, *arguments: Any, among: Sequence[int] | None = None) -> None:
        """Call an optional method; one that fails keeps none of the others from it."""
        chosen = self.agents if among is None else [self.agents[index] for index in among]
        calls = [functools.partial(getattr(each, method), *arguments) for each in chosen if callable(getattr(each, method, None))]
        for result in await asyncio.gather(*(_called(call) for call in calls), return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def close(self) -> None:
        await self._each("close")

    @property
    def keep_books(self) -> bool:
        """Whether one of them says itself what it spent."""
        return any(callable(getattr(each, "usage", None)) for each in self.agents)

    def usage(self) -> Usage:
        """The sum over those that say; unknown in one is unknown in the sum."""
        known = [getattr(each, "usage", None) for each in self.agents]
        said: list[Usage] = [each() for each in known if callable(each)]
        tokens, usd = [each.tokens for each in said], [each.usd for each in said]
        return Usage(
            tokens=None if None in tokens else sum(each or 0 for each in tokens),
            usd=None if None in usd else sum(each or 0.0 for each in usd),
        )


async def _called(call: Callable[[], Any]) -> Any:
    result = call()
    return await result if inspect.isawaitable(result) else result


def _read(action: object) -> Action | str:
    """A proposal as the environment would read it; text that is no JSON stays, for the world to read."""
    if isinstance(action, str) and not action.lstrip().startswith("{"):
        return action
    read = parse_action(action)
    read.model_dump_json()  # Half of a surrogate pair raises here, and could not be stored either.
    return read


def _joint(failures: Sequence[BaseException]) -> Exception:
    """One error for all of them."""
    for each in failures:
        if isinstance(each, BudgetSpent):
            return each
    if len(failures) == 1 and isinstance(failures[0], AgentError):
        return failures[0]
    return AgentError(f"all {len(failures)} agents failed, the first with {one_line(failures[0])}")
