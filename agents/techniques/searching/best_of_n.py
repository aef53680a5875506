"""Several attempts at an episode, of which a selector picks one."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from quintain.agents.techniques.choosing import Selector, choose
from quintain.agents.techniques.searching.attempts import Attempt, attempt, closed, commit, seed_of, waited
from quintain.agents.techniques.searching.copies import copy_of
from quintain.agents.techniques.searching.numbers import counted
from quintain.agents.techniques.searching.selecting import SelectorLike, attempt_selector
from quintain.agents.techniques.searching.side_by_side import side_by_side
from quintain.agents.techniques.seeds import derived
from quintain.errors import BudgetSpent
from quintain.handle import EpisodeHandle
from quintain.ledger import current, purpose
from quintain.lifting import AgentLike


class BestOfN:
    """Plays an episode `n` times in fresh copies of its world, by agents of different seeds, and adopts what is selected.

    Attempt 0 has the episode's own seed, so that it is what the agent alone would have done. Failed attempts are selected among
    only where all have failed. When the budget runs out, the attempts that were finished are chosen among without a model.

    Args:
        agent: whatever `quintain.lifting.build` takes.
        select: ``first``, ``shortest``, ``random``, ``majority``, ``judge`` …, a selector, or a function of the task's view and
            the candidates that gives an index. `options` are its arguments: ``model=…``.
        at_once: attempts that are played side by side.
        steps: of an attempt at most; None leaves it to the task.

    Raises:
        UsageError: when it plays, in a world without `copies`.
    """

    def __init__(
        self,
        agent: AgentLike,
        n: int = 4,
        select: SelectorLike = "majority",
        *,
        at_once: int = 1,
        steps: int | None = None,
        **options: Any,
    ) -> None:
        self.agent, self.steps = agent, steps
        self.n, self.at_once = counted(n=n), counted(at_once=at_once)
        self.selector: Selector = attempt_selector(select, **options)

    async def play(self, episode: EpisodeHandle) -> None:
        episode.need("best of n", copies=True)
        if callable(reset := getattr(self.selector, "reset", None)):
            await waited(reset(episode.view, derived(episode.seed, "select")))
        async with AsyncExitStack() as stack:
            made = await self._attempts(episode, stack)
            chosen = await self._chosen(episode, [each for each in made if each.finished] or made)
            for each in made:
                if each is not chosen:
                    await each.branch.close()
            await commit(episode, chosen)

    async def close(self) -> None:
        await closed(self.selector)

    async def _attempts(self, episode: EpisodeHandle, stack: AsyncExitStack) -> list[Attempt]:
        """In the order of their seeds; once one is enough, or broken off, none is begun."""
        enough = getattr(self.selector, "enough", None)
        made: dict[int, Attempt] = {}

        async def one(number: int) -> None:
            if any(each.spent or (callable(enough) and enough(each.candidate(0))) for each in made.values()):
                return
            made[number] = await self._attempt(episode, number, stack)

        await side_by_side([partial(one, number) for number in range(self.n)], at_once=self.at_once)
        return [made[number] for number in sorted(made)]

    async def _attempt(self, episode: EpisodeHandle, number: int, stack: AsyncExitStack) -> Attempt:
        with purpose("attempt"):
            branch = await stack.enter_async_context(await episode.attempt())
            agent = copy_of(self.agent)
            try:
                return await attempt(branch, agent, episode=episode, seed=seed_of(episode.seed, number), steps=self.steps)
            finally:
                await closed(agent)

    async def _chosen(self, episode: EpisodeHandle, played: list[Attempt]) -> Attempt:
        try:
            with purpose("judge"):
                candidates = [each.candidate(by) for by, each in enumerate(played)]
                picked = await choose(self.selector, episode.view, episode.observation, candidates)
        except BudgetSpent:
            picked = next((at for at, each in enumerate(played) if each.submitted), 0)
        current().note("best of n", chosen=picked, of=len(played))
        return played[picked]
