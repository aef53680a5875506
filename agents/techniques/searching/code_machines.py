"""The three state machines of CodeMonkeys: testing, editing, selecting. Each is one conversation with a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quintain.agents.llm.model import Model
from quintain.agents.techniques.searching.dialogue import Dialogue, tagged
from quintain.agents.techniques.searching.repository import (
    EDIT_FORM,
    OPEN,
    SOLVED,
    Change,
    Ran,
    apply,
    changes,
    run_aside,
    written,
)
from quintain.errors import AgentError, BudgetSpent
from quintain.handle import Branch, EpisodeHandle
from quintain.ledger import purpose


@dataclass
class Sample:
    """What a pair of machines has come to."""

    test: str = ""
    vacuous: bool = False
    """The untouched repository passes the test."""
    changes: tuple[Change, ...] = ()
    failure: str = ""


class Machines:
    """What the machines of one episode share."""

    def __init__(
        self,
        model: Model,
        episode: EpisodeHandle,
        goal: str,
        context: str,
        *,
        rounds: int,
        timeout_s: float,
        temperature: float | None,
    ) -> None:
        self._model, self._episode = model, episode
        self._task = f"<task>\n{goal}\n</task>\n{context}"
        self._rounds, self._timeout_s, self._temperature = rounds, timeout_s, temperature

    async def sample(self, seed: int) -> Sample:
        """A test and an edit; what there is by then where the budget runs out or the model fails."""
        found = Sample()
        try:
            await self._test(found, seed)
            await self._edit(found, seed)
        except BudgetSpent:
            pass
        except AgentError as error:
            found.failure = str(error)
        return found

    async def _test(self, found: Sample, seed: int) -> None:
        """Write a script that shows the problem; run it; approve of it or write another."""
        talk = self._talk(TESTER, seed)
        answer = await talk.ask(f"{self._task}\n{ASK_TEST}")
        for left in reversed(range(self._rounds)):
            test = tagged(answer, "test")
            if test is not None:
                ran = await self._on_original(test)
                found.test, found.vacuous = test, ran.solved
                question = f"On the repository as it is your script gave {ran.shown()}\n{APPROVE_TEST}"
            elif found.test and tagged(answer, "done") is not None:
                return
            else:
                question = f"There is no script between <test> and </test>. {ASK_TEST}"
            if left:
                answer = await talk.ask(question)

    async def _edit(self, found: Sample, seed: int) -> None:
        """Edit; run the script before and after; approve, edit anew, or write another script."""
        talk = self._talk(EDITOR, seed)
        before = await self._on_original(found.test)
        answer = await talk.ask(
            f"{self._task}\nThis script is to end with {SOLVED} once the task is solved:\n<test>\n{found.test}\n</test>\n"
            f"Now it gives {before.shown()}\n{EDIT_FORM}"
        )
        for left in reversed(range(self._rounds)):
            made, test = tuple(changes(answer)), tagged(answer, "test")
            if tagged(answer, "done") is not None and found.changes and not made and test is None:
                return
            if bool(made) == (test is not None) or not (made or found.changes):
                question = f"{ASK_EDIT} {EDIT_FORM}"
            else:
                if test is not None:
                    before = await self._on_original(test)
                    found.test, found.vacuous = test, before.solved
                question = await self._tried(found, made or found.changes, before)
            if left:
                answer = await talk.ask(question)

    async def _tried(self, found: Sample, made: tuple[Change, ...], before: Ran) -> str:
        """Keep the edits if they can be made; what the machine is told of them."""
        with purpose("branch"):
            async with await self._episode.branch() as branch:
                if problem := await apply(branch, list(made)):
                    return f"The edits cannot be made: {problem}\n{EDIT_FORM}"
                after = await run_aside(branch, found.test, timeout_s=self._timeout_s)
        found.changes = made
        return f"Before the edits the script gives {before.shown()}\nWith them it gives {after.shown()}\n{APPROVE_EDIT}"

    async def select(self, samples: Sequence[Sample], branches: Sequence[Branch]) -> int:
        """Write scripts that tell the edits apart, see what they do, and choose; without a choice, the first."""
        talk = self._talk(SELECTOR, 0)
        shown = [f"<candidate number={at}>\n{written(each.changes)}\n</candidate>" for at, each in enumerate(samples)]
        example = f"A script that one of them came with:\n<test>\n{samples[0].test}\n</test>"
        answer = await talk.ask("\n".join([self._task, "These edits are candidates:", *shown, example, ASK_CHOICE]))
        for left in reversed(range(self._rounds)):
            choice, test = tagged(answer, "choice"), tagged(answer, "test")
            if test is None and choice is not None:
                number = choice.strip()
                return int(number) if number.isdigit() and int(number) < len(samples) else 0
            lines = [ASK_CHOICE]
            if test is not None:
                on_each = [await run_aside(branch, test, timeout_s=self._timeout_s) for branch in branches]
                seen = [f"With candidate {at}: {ran.shown()}" for at, ran in enumerate(on_each)]
                lines = [f"On the repository as it was: {(await self._on_original(test)).shown()}", *seen, ASK_CHOICE]
            if left:
                answer = await talk.ask("\n".join(lines))
        return 0

    def _talk(self, system: str, seed: int) -> Dialogue:
        return Dialogue(self._model, system, temperature=self._temperature, seed=seed)

    async def _on_original(self, test: str) -> Ran:
        return await run_aside(self._episode, test, timeout_s=self._timeout_s)


TESTER = "You write scripts that show whether a problem of a repository is solved. Think first, and give the script at the end."
EDITOR = "You solve problems of a repository by small edits. Think first, and give the edits at the end."
SELECTOR = "You choose the best of several solutions of a problem, by what scripts show of them."
ASK_TEST = (
    "Write a Python script, to be run in the repository's top folder, that prints what it finds and ends with exit code "
    f"{OPEN} while the task is unsolved and with {SOLVED} once it is. Do not solve the task. Give it between <test> and </test>."
)
APPROVE_TEST = (
    f"It should end with {OPEN} there. Answer <done></done> if it is right, else give another between <test> and </test>."
)
ASK_EDIT = "Give either edits, or one script between <test> and </test>, or, if the task is solved, <done></done>."
APPROVE_EDIT = (
    "Answer <done></done> if the task is solved. Else give all edits anew, against the repository as it was, or another script."
)
ASK_CHOICE = (
    "Either give a Python script between <test> and </test>, which is run on each candidate and shown to you, or name the best "
    "candidate: <choice>number</choice>."
)
