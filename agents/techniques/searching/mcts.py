"""Monte Carlo tree search over branches."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from quintain.agents.techniques.searching.attempts import closed
from quintain.agents.techniques.searching.numbers import counted
from quintain.agents.techniques.searching.proposing import Move, Proposals, Proposer, as_proposals, proposer_of
from quintain.agents.techniques.searching.valuing import ValueLike, as_value, valued
from quintain.errors import BudgetSpent, UsageError
from quintain.handle import Branch, EpisodeHandle
from quintain.ledger import current, purpose
from quintain.lifting import AgentLike
from quintain.spaces import Observation


@dataclass(eq=False)
class Node:
    """A state of the search."""

    proposer: Proposer | None = None
    parent: Node | None = None
    move: Move | None = None
    seen: Observation | None = None
    branch: Branch | None = None
    """At this state; None before its first visit, once its last child has taken it over, and where it was given up."""
    children: list[Node] = field(default_factory=list)
    visits: int = 0
    total: float = 0.0
    own: float = 0.0
    """Its value when it was first visited."""
    over: bool = False

    @property
    def mean(self) -> float:
        return self.total / self.visits if self.visits else 0.0

    @property
    def path(self) -> list[Node]:
        """From the root, which is left out, to this."""
        return [] if self.parent is None else [*self.parent.path, self]

    def urgency(self, child: Node, exploration: float) -> float:
        """PUCT: the child's mean value, if unvisited this node's, and more the larger its share and the fewer its visits."""
        assert child.move is not None
        value = child.mean if child.visits else self.mean
        return value + exploration * child.move.share * math.sqrt(self.visits) / (1 + child.visits)


class MCTS:
    """Grows a tree of branches, one state a simulation, and adopts the path of the most visits; until the episode is over.

    Selection is PUCT (Silver et al., Nature 550 (2017) 354-359, methods) with the moves' shares among the samples as priors; the
    value of a new state is backed up as a mean. A state costs one step, and one branch as long as it may grow.

    Args:
        agent, proposals, samples: where moves come from, as in `Beam`.
        value: in [0, 1], as in `Beam`.
        simulations: before each adoption.
        depth: moves ahead at most.
        exploration: the constant of PUCT.
        rollout: steps that the agent plays on from a new state, in a branch of their own, before it is valued.
        commit: moves of the path that are adopted before the next search; None: all.
        most_open: branches at a time; with more states, the oldest are given up, and their moves done again if needed.

    Raises:
        UsageError: when it plays, in a world without branches.
    """

    def __init__(
        self,
        agent: AgentLike | None = None,
        *,
        value: ValueLike,
        simulations: int = 32,
        depth: int = 16,
        samples: int = 3,
        proposals: Proposals | str | None = None,
        exploration: float = 1.25,
        rollout: int = 0,
        commit: int | None = None,
        most_open: int = 32,
    ) -> None:
        if not exploration >= 0 or rollout < 0:
            raise UsageError(f"exploration and rollout must not be negative, got {exploration} and {rollout}")
        self.agent, self.proposals, self.value = agent, as_proposals(agent, proposals), as_value(value)
        self.simulations, self.depth = counted(simulations=simulations), counted(depth=depth)
        self.samples, self.commit = counted(samples=samples), counted(commit=depth if commit is None else commit)
        self.most_open = counted(most_open=most_open)
        self.exploration, self.rollout = exploration, rollout

    async def play(self, episode: EpisodeHandle) -> None:
        episode.need("MCTS", branches=True)
        first = await proposer_of(self.agent, self.proposals, episode=episode, samples=self.samples, technique="MCTS")
        root = Node(proposer=first)
        try:
            while not episode.over:
                root = await self._advance(episode, root)
        finally:
            await first.close()

    async def close(self) -> None:
        await closed(self.value)

    async def _advance(self, episode: EpisodeHandle, root: Node) -> Node:
        """Search, and adopt what was found, also where the budget ran out in between; the root of the next search."""
        search = _Search(self, episode, root)
        try:
            try:
                for _ in range(self.simulations):
                    await search.simulate()
            except BudgetSpent:
                if root.visits:
                    await search.adopt()
                raise
            return await search.adopt()
        finally:
            await search.close()


class _Search:
    """One tree, and the branches that are open in it."""

    def __init__(self, settings: MCTS, episode: EpisodeHandle, root: Node) -> None:
        self.settings, self.episode, self.root = settings, episode, root
        root.seen = episode.observation
        self._open: list[Node] = []
        self._states = 0

    async def simulate(self) -> None:
        node, depth = self.root, 0
        while not node.over and depth < self.settings.depth:
            if not node.children:
                assert node.proposer is not None and node.seen is not None
                moves = await node.proposer.propose(node.seen)
                node.children = [Node(parent=node, move=move) for move in moves]
            node, depth = max(node.children, key=lambda child: node.urgency(child, self.settings.exploration)), depth + 1
            if not node.visits:
                await self._visit(node)
                break
        for each in (self.root, *node.path):
            each.visits += 1
            each.total += node.own

    async def _visit(self, node: Node) -> None:
        """Do the node's move, and value what comes of it."""
        parent, move = node.parent, node.move
        assert parent is not None and parent.proposer is not None and move is not None
        with purpose("branch"):
            node.branch = branch = await self._branch_at(parent, last=sum(not each.visits for each in parent.children) == 1)
            self._open.append(node)
            await branch.act(move.action)
            if len(self._open) > self.settings.most_open:
                await self._give_up(self._open[0])
        self._states += 1
        node.seen, node.over, node.proposer = branch.observation, branch.over, parent.proposer.fork()
        await node.proposer.took(move.action)
        node.own = await self._worth(branch, node.proposer)

    async def _branch_at(self, node: Node, *, last: bool) -> Branch:
        """A branch at this state; the state's own where nobody else will need that, else from the nearest that is open."""
        if last and node.branch is not None:
            branch, node.branch = node.branch, None
            self._open.remove(node)
            return branch
        *_, source = (each for each in (self.root, *node.path) if each.branch is not None or each is self.root)
        branch = await (source.branch or self.episode).branch()
        for each in node.path[len(source.path) :]:
            assert each.move is not None
            await branch.act(each.move.action)
        return branch

    async def _give_up(self, node: Node) -> None:
        self._open.remove(node)
        branch, node.branch = node.branch, None
        assert branch is not None
        await branch.close()

    async def _worth(self, branch: Branch, proposer: Proposer) -> float:
        settings, view = self.settings, self.episode.view
        if not settings.rollout or branch.over:
            return await valued(settings.value, view, branch.observation, branch.actions)
        player = proposer.one()
        with purpose("branch"):
            aside = await branch.branch()
        async with aside:
            for _ in range(settings.rollout):
                move = (await player.propose(aside.observation))[0]
                with purpose("branch"):
                    await aside.act(move.action)
                await player.took(move.action)
                if aside.over:
                    break
            return await valued(settings.value, view, aside.observation, aside.actions)

    async def adopt(self) -> Node:
        """Do the path of the most visits, of equals that of the higher mean; the root of a search from there."""
        node, depth = self.root, 0
        while depth < self.settings.commit and any(child.visits for child in node.children):
            node, depth = max(node.children, key=lambda each: (each.visits, each.total)), depth + 1
        current().note("mcts", moves=depth, visits=node.visits, value=node.mean, states=self._states)
        if node.branch is not None:
            await self.episode.adopt(node.branch)
        else:
            for each in node.path:
                assert each.move is not None
                await self.episode.act(each.move.action)
        found = Node(node.proposer)
        found.children = [Node(parent=found, move=child.move) for child in node.children]
        return found

    async def close(self) -> None:
        for node in list(self._open):
            await self._give_up(node)
