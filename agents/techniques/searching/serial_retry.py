"""Attempts one after the other, each told what was wrong with the last."""

from __future__ import annotations

from typing import Literal

from quintain.agents.techniques.searching.attempts import Attempt, attempt, closed, commit, seed_of
from quintain.agents.techniques.searching.checks import CheckLike, Verdict, as_check
from quintain.agents.techniques.searching.copies import copy_of
from quintain.agents.techniques.searching.numbers import counted
from quintain.errors import BudgetSpent, UsageError
from quintain.handle import EpisodeHandle
from quintain.ledger import current, purpose
from quintain.lifting import AgentLike
from quintain.spaces import Message


class SerialRetry:
    """Plays attempts in fresh copies of the world until a check is satisfied, and adopts that one.

    The feedback of the check stands as a message in each observation of the next attempt.

    Args:
        agent: whatever `quintain.lifting.build` takes; each attempt has a copy with a seed of its own.
        check: ``claim`` (the agent submitted), ``{"command": …}`` (its exit code), ``{"model": …}`` (a critic), or a function.
        otherwise: which of the attempts that came to their end is adopted where none satisfied.
        told: whether feedback is handed on at all.

    Raises:
        UsageError: when it plays, in a world without `copies`.
    """

    def __init__(
        self,
        agent: AgentLike,
        tries: int = 3,
        check: CheckLike = "claim",
        *,
        otherwise: Literal["last", "first"] = "last",
        told: bool = True,
        steps: int | None = None,
    ) -> None:
        if otherwise not in ("last", "first"):
            raise UsageError(f"otherwise={otherwise!r} is unknown; choose from last, first")
        self.agent, self.check, self.steps = agent, as_check(check), steps
        self.tries, self.otherwise, self.told = counted(tries=tries), otherwise, told

    async def play(self, episode: EpisodeHandle) -> None:
        episode.need("serial retry", copies=True)
        kept: Attempt | None = None
        said = ""
        try:
            for number in range(self.tries):
                made, verdict = await self._try(episode, number, said)
                left, kept = (kept, made) if kept is None or verdict.good or self._better(made, kept) else (made, kept)
                if left is not None:
                    await left.branch.close()
                if verdict.good or made.spent:
                    break
                said = verdict.feedback if self.told else ""
            assert kept is not None
            await commit(episode, kept)
        finally:
            if kept is not None:
                await kept.branch.close()

    def _better(self, made: Attempt, kept: Attempt) -> bool:
        """Of two that will not do: one that came to its end, else the one that was asked for."""
        return made.finished > kept.finished or (made.finished == kept.finished and self.otherwise == "last")

    async def close(self) -> None:
        await closed(self.check)

    async def _try(self, episode: EpisodeHandle, number: int, said: str) -> tuple[Attempt, Verdict]:
        told = (Message(role="user", text=said),) if said else ()
        with purpose("attempt"):
            branch = await episode.attempt()
            agent = copy_of(self.agent)
            try:
                seed = seed_of(episode.seed, number)
                made = await attempt(branch, agent, episode=episode, seed=seed, told=told, steps=self.steps)
                verdict = await self._verdict(episode, made)
            except BaseException:
                await branch.close()
                raise
            finally:
                await closed(agent)
        current().note("serial retry", attempt=number, good=verdict.good, feedback=verdict.feedback)
        return made, verdict

    async def _verdict(self, episode: EpisodeHandle, made: Attempt) -> Verdict:
        if not made.finished:
            return Verdict(False, f"An earlier attempt failed. {made.failure}".strip())
        try:
            with purpose("judge"):
                return await self.check.verdict(episode.view, made)
        except BudgetSpent:
            return Verdict(True)  # There is no further attempt to be had.
