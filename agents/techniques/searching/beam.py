"""Beam search over branches."""

from __future__ import annotations

from dataclasses import dataclass

from quintain.agents.techniques.searching.attempts import closed
from quintain.agents.techniques.searching.numbers import counted
from quintain.agents.techniques.searching.proposing import Move, Proposals, Proposer, as_proposals, proposer_of
from quintain.agents.techniques.searching.valuing import ValueLike, as_value, valued
from quintain.handle import Branch, EpisodeHandle
from quintain.ledger import current, purpose
from quintain.lifting import AgentLike


@dataclass(eq=False)
class _Ray:
    """One of the futures that are kept."""

    branch: Branch
    proposer: Proposer
    value: float


class Beam:
    """Keeps the `width` best of all moves from the kept branches, `depth` moves ahead, and adopts the best; until the end.

    A branch that is over stays among the kept with its value. Of equal values the one found first is better. At most
    ``2 width + 1`` branches are open at a time. Width 1 and depth 1 is greedy one-step lookahead.

    Args:
        agent: proposes `samples` moves in each branch, equal ones counting once; whatever `quintain.lifting.build` takes that has
            `reset` and `act`, and can be copied with its memory.
        value: of a branch for whoever sees its last observation: a function (view, observation, actions) -> float, where it is
            found (``module:function``), or a model that gives grades: ``{"model": name}``.
        proposals: instead of an agent, a function (view, observation) -> moves, or where it is found.
        merge: branches of one length whose last observations are equal count once; for worlds that show their whole state.

    Raises:
        UsageError: when it plays, in a world without branches.
    """

    def __init__(
        self,
        agent: AgentLike | None = None,
        *,
        value: ValueLike,
        width: int = 3,
        depth: int = 4,
        samples: int = 3,
        proposals: Proposals | str | None = None,
        merge: bool = False,
    ) -> None:
        self.agent, self.proposals, self.value = agent, as_proposals(agent, proposals), as_value(value)
        self.merge = merge
        self.width, self.depth, self.samples = counted(width=width), counted(depth=depth), counted(samples=samples)

    async def play(self, episode: EpisodeHandle) -> None:
        episode.need("beam", branches=True)
        proposer = first = await proposer_of(self.agent, self.proposals, episode=episode, samples=self.samples, technique="beam")
        try:
            while not episode.over:
                proposer = await self._advance(episode, proposer)
        finally:
            await first.close()

    async def close(self) -> None:
        await closed(self.value)

    async def _advance(self, episode: EpisodeHandle, proposer: Proposer) -> Proposer:
        """Search, and adopt the best; who proposes from there."""
        rays: list[_Ray] = []
        try:
            await self._children(episode, None, proposer, await proposer.propose(episode.observation), kept=rays)
            for _ in range(self.depth - 1):
                if all(ray.branch.over for ray in rays):
                    break
                rays = await self._deeper(episode, rays)
            best = rays[0]
            current().note("beam", value=best.value, depth=len(best.branch.actions), open=len(rays))
            await episode.adopt(best.branch)
            return best.proposer
        finally:
            for ray in rays:
                await ray.branch.close()

    async def _deeper(self, episode: EpisodeHandle, rays: list[_Ray]) -> list[_Ray]:
        kept = [ray for ray in rays if ray.branch.over]
        going = [ray for ray in rays if not ray.branch.over]
        try:
            while going:
                moves = await going[0].proposer.propose(going[0].branch.observation)
                await self._children(episode, going[0].branch, going[0].proposer, moves, kept=kept)
                going.pop(0)
        except BaseException:
            for ray in (*kept, *going):
                await ray.branch.close()
            raise
        return kept

    async def _children(
        self, episode: EpisodeHandle, parent: Branch | None, proposer: Proposer, moves: list[Move], *, kept: list[_Ray]
    ) -> None:
        """Try each move, the last one in the parent's own branch; what is not among the best is closed at once."""
        for number, move in enumerate(moves, 1):
            with purpose("branch"):
                branch = parent if parent is not None and number == len(moves) else await (parent or episode).branch()
                ray = _Ray(branch, proposer.fork(), 0.0)
                kept.append(ray)
                await branch.act(move.action)
            if self.merge and any(each.branch.observation == branch.observation for each in kept[:-1]):
                await kept.pop().branch.close()
                continue
            await ray.proposer.took(move.action)
            ray.value = await valued(self.value, episode.view, branch.observation, branch.actions)
            kept.sort(key=lambda each: -each.value)
            if len(kept) > self.width:
                await kept.pop().branch.close()
