"""CodeMonkeys for repositories: samples that write a test and an edit against each other, votes of the tests, a last choice.

Stages and limits after Ehrlich et al., "CodeMonkeys: Scaling Test-Time Compute for Software Engineering" (arXiv 2501.14723).
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import NamedTuple

from quintain.agents.techniques.deciding.asking import Asker, ModelLike
from quintain.agents.techniques.searching.code_machines import Machines, Sample
from quintain.agents.techniques.searching.dialogue import Dialogue, all_tagged
from quintain.agents.techniques.searching.numbers import counted
from quintain.agents.techniques.searching.repository import Change, apply, run_aside, shown, survey
from quintain.agents.techniques.searching.side_by_side import side_by_side
from quintain.agents.techniques.seeds import derived
from quintain.errors import AgentError, BudgetSpent
from quintain.handle import Branch, EpisodeHandle
from quintain.ledger import current, purpose


class Edited(NamedTuple):
    """An edit that was made in a branch, and how many tests of the samples it passes."""

    sample: Sample
    branch: Branch
    votes: int


class CodeMonkeys:
    """Solves a task in a repository by `samples` pairs of state machines, and adopts the edit that tests and a selection leave.

    Of each sample one machine writes a script that shows the problem, the other edits the code until script and edit agree; what
    a script does is seen by its exit code, in branches that leave nothing behind. Then every script votes on every edit, at most
    `kept` edits stay, and a third machine writes scripts to tell these apart and chooses. Submits without an answer.

    Args:
        model: a name, ``{"model": name, …}``, or a model.
        rounds: answers that a machine may give.
        files: that the samples are shown, chosen by the model from a map of the repository.
        characters: of the map, and of the files together.
        at_once: samples side by side.

    Raises:
        UsageError: when it plays, in a world without branches, or without bash, write and edit.
    """

    def __init__(
        self,
        model: ModelLike,
        *,
        samples: int = 10,
        rounds: int = 8,
        kept: int = 3,
        files: int = 6,
        characters: int = 60_000,
        timeout_s: float = 120.0,
        temperature: float | None = 0.5,
        at_once: int = 2,
    ) -> None:
        self.asker = Asker(model, technique="CodeMonkeys")
        self.samples, self.rounds, self.kept = counted(samples=samples), counted(rounds=rounds), counted(kept=kept)
        self.files, self.characters, self.at_once = counted(files=files), counted(characters=characters), counted(at_once=at_once)
        self.timeout_s, self.temperature = timeout_s, temperature

    async def play(self, episode: EpisodeHandle) -> None:
        episode.need("CodeMonkeys", branches=True, actions=("bash", "write", "edit"))
        goal = episode.observation.goal or episode.view.goal
        machines = Machines(
            self.asker.model, episode, goal, await self._context(episode, goal), rounds=self.rounds, timeout_s=self.timeout_s,
            temperature=self.temperature,
        )  # fmt: skip
        jobs = [partial(machines.sample, derived(episode.seed, "sample", number)) for number in range(self.samples)]
        with purpose("propose"):
            samples = await side_by_side(jobs, at_once=self.at_once)
        if not any(sample.changes for sample in samples):
            why = next((f": {each.failure}" for each in samples if each.failure), "")
            raise AgentError(f"none of {len(samples)} samples made an edit{why}")
        async with AsyncExitStack() as stack:
            edited = await self._voted(episode, samples, stack)
            picked = await self._picked(machines, edited)
            current().note("code monkeys", votes=[each.votes for each in edited], picked=picked)
            await episode.adopt(edited[picked].branch)
        await episode.submit()

    async def close(self) -> None:
        await self.asker.close()

    async def _context(self, episode: EpisodeHandle, goal: str) -> str:
        with purpose("branch"):
            async with await episode.branch() as aside:
                seen = await survey(aside, limit=self.characters)
                with purpose("propose"):
                    answer = await Dialogue(self.asker.model, READER).ask(
                        f"<task>\n{goal}\n</task>\n<map>\n{seen}\n</map>\nName up to {self.files} files that one has to read to "
                        "solve the task, the most important first, each as <file>relative/path</file>."
                    )
                paths = list(dict.fromkeys(all_tagged(answer, "file")))[: self.files]
                return f"<map>\n{seen}\n</map>\n{await shown(aside, paths, limit=self.characters)}"

    async def _voted(self, episode: EpisodeHandle, samples: list[Sample], stack: AsyncExitStack) -> list[Edited]:
        """The different edits, most votes first, at most `kept`; their branches close with `stack`."""
        different: dict[tuple[Change, ...], Sample] = {}
        for each in samples:
            if each.changes:
                different.setdefault(each.changes, each)
        # A script that the untouched repository passes tells no edit from any other.
        tests = [each.test for each in samples if each.test and not each.vacuous]
        found = []
        for sample in different.values():
            with purpose("branch"):
                branch = await episode.branch()
                stack.push_async_callback(branch.close)
                await apply(branch, list(sample.changes))
            votes = 0
            if len(different) > 1:
                for test in tests:
                    votes += (await run_aside(branch, test, timeout_s=self.timeout_s)).solved
            found.append(Edited(sample, branch, votes))
            found.sort(key=lambda each: -each.votes)
            if len(found) > self.kept:
                await found.pop().branch.close()
        return found

    async def _picked(self, machines: Machines, edited: list[Edited]) -> int:
        if len(edited) == 1:
            return 0
        try:
            with purpose("judge"):
                return await machines.select([each.sample for each in edited], [each.branch for each in edited])
        except BudgetSpent:
            return 0


READER = "You are an engineer who knows how to find one's way in a repository."
