"""Lingma's pipeline for repositories: understand the repository, localise the fault, patch it.

Stages after Ma et al., "Lingma SWE-GPT" (arXiv 2411.00622).
"""

from __future__ import annotations

import re
import shlex
from contextlib import AsyncExitStack

from quintain.agents.techniques.deciding.asking import Asker, ModelLike
from quintain.agents.techniques.searching.dialogue import Dialogue, all_tagged, clipped, tagged
from quintain.agents.techniques.searching.numbers import counted
from quintain.agents.techniques.searching.repository import EDIT_FORM, OUTPUT, Change, apply, changes, survey
from quintain.agents.techniques.seeds import derived
from quintain.errors import AgentError, BudgetSpent
from quintain.handle import Branch, EpisodeHandle
from quintain.ledger import current, purpose
from quintain.spaces import Bash

PLACE = re.compile(r"^(?P<path>[^:\n]+?)(?::(?P<first>\d+)-(?P<last>\d+))?$")
AROUND = 8
"""Lines that are shown before and after a place."""


class Lingma:
    """Solves a task in a repository in three stages, each with one conversation of `model`; submits without an answer.

    It reads a map of the files with their classes and functions and sums up what the repository does; names up to `places` places
    where the fault may be and sees their lines; then edits in a branch, where Python files that were changed must compile and
    `test`, if given, must pass, else it is told and edits anew, at most `rounds` times. The last edit that could be made stays.

    Args:
        model: a name, ``{"model": name, …}``, or a model.
        test: a command of the world's shell.

    Raises:
        UsageError: when it plays, in a world without branches, or without bash, write and edit.
    """

    def __init__(
        self,
        model: ModelLike,
        *,
        test: str = "",
        places: int = 5,
        rounds: int = 4,
        characters: int = 60_000,
        timeout_s: float = 120.0,
        temperature: float | None = None,
    ) -> None:
        self.asker = Asker(model, technique="Lingma")
        self.test, self.timeout_s, self.temperature = test, timeout_s, temperature
        self.places, self.rounds, self.characters = counted(places=places), counted(rounds=rounds), counted(characters=characters)

    async def play(self, episode: EpisodeHandle) -> None:
        episode.need("Lingma", branches=True, actions=("bash", "write", "edit"))
        goal = episode.observation.goal or episode.view.goal
        with purpose("branch"):
            aside = await episode.branch()
        async with aside:
            with purpose("propose"):
                understood = await self._understand(episode, aside, goal)
                located = await self._localise(episode, aside, f"<task>\n{goal}\n</task>\n{understood}")
        await self._patch(episode, f"<task>\n{goal}\n</task>\n{understood}\n{located}")
        await episode.submit()

    async def close(self) -> None:
        await self.asker.close()

    async def _understand(self, episode: EpisodeHandle, aside: Branch, goal: str) -> str:
        with purpose("branch"):
            seen = await survey(aside, limit=self.characters)
        said = await self._talk(episode, "understand").ask(
            f"<task>\n{goal}\n</task>\n<map>\n{seen}\n</map>\nSum up in at most ten sentences what this repository does, how it "
            "is built, and which parts the task is about, between <summary> and </summary>."
        )
        return f"<map>\n{seen}\n</map>\n<summary>\n{tagged(said, 'summary') or said}\n</summary>"

    async def _localise(self, episode: EpisodeHandle, aside: Branch, known: str) -> str:
        talk = self._talk(episode, "localise")
        ask = f"Name up to {self.places} places that have to be changed or read, each as <place>path:first-last</place> in lines."
        places = all_tagged(await talk.ask(f"{known}\n{ask}"), "place")
        lines = await self._lines(aside, places[: self.places])
        again = all_tagged(
            await talk.ask(f"There it says:\n{lines}\nIf that is not enough, name other places, else none."), "place"
        )
        return lines + ("\n" + await self._lines(aside, again[: self.places]) if again else "")

    async def _lines(self, aside: Branch, places: list[str]) -> str:
        shown = []
        for place in places:
            if (found := PLACE.match(place)) is None:
                continue
            path, first, last = shlex.quote(found["path"]), int(found["first"] or 1), int(found["last"] or 400)
            with purpose("branch"):
                seen = await aside.act(Bash(command=f"sed -n '{max(1, first - AROUND)},{last + AROUND}p' -- {path}"))
            shown.append(f'<lines of="{place}">\n{clipped(seen.text or "", self.characters // self.places)}\n</lines>')
        return "\n".join(shown) or "nothing"

    async def _patch(self, episode: EpisodeHandle, known: str) -> None:
        """Adopt the first edit with which nothing is wrong, else the last that could be made."""
        talk = self._talk(episode, "patch")
        question = f"{known}\nSolve the task. {EDIT_FORM}"
        kept: Branch | None = None
        spent: BudgetSpent | None = None
        async with AsyncExitStack() as stack:
            try:
                for number in range(self.rounds):
                    with purpose("propose"):
                        made = changes(await talk.ask(question))
                    branch, problem = await self._tried(episode, made, stack)
                    current().note("lingma", round=number, problem=problem)
                    kept = branch or kept
                    if not problem:
                        break
                    question = f"{problem}\nGive all edits anew, against the repository as it was. {EDIT_FORM}"
            except BudgetSpent as error:
                spent = error
            if kept is None:
                raise spent or AgentError(f"no edit could be made in {self.rounds} rounds")
            await episode.adopt(kept)

    async def _tried(self, episode: EpisodeHandle, made: list[Change], stack: AsyncExitStack) -> tuple[Branch | None, str]:
        """A branch with the edits, if they could be made, and what is wrong."""
        if not made:
            return None, "There is no edit in your answer."
        with purpose("branch"):
            branch = await stack.enter_async_context(await episode.branch())
            if problem := await apply(branch, made):
                await branch.close()
                return None, f"The edits cannot be made: {problem}"
            return branch, await self._checked(branch, sorted({each.path for each in made}))

    async def _checked(self, branch: Branch, paths: list[str]) -> str:
        """What is wrong with the branch; tried in another, so that nothing is left behind."""
        programs = " ".join(shlex.quote(path) for path in paths if path.endswith(".py"))
        compiled = f"""python3 -c 'import sys; [compile(open(path).read(), path, "exec") for path in sys.argv[1:]]' {programs}"""
        async with await branch.branch() as aside:
            for command in filter(None, (compiled if programs else "", self.test)):
                seen = await aside.act(Bash(command=command, timeout_s=self.timeout_s))
                if seen.exit_code != 0:
                    return f"`{command}` ended with {seen.exit_code}:\n{clipped(seen.text or seen.error or '', OUTPUT)}"
        return ""

    def _talk(self, episode: EpisodeHandle, stage: str) -> Dialogue:
        return Dialogue(self.asker.model, ROLE, temperature=self.temperature, seed=derived(episode.seed, stage))


ROLE = (
    "You are an engineer who solves problems of repositories: you understand first, then find the place, then make a small edit."
)
