"""CodeMonkeys and Lingma in a real sandbox, on a repository with a fault, judged by tests that nobody is shown."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quintain.agents.llm.model import Request
from quintain.agents.techniques.searching import CodeMonkeys, Lingma, SerialRetry
from quintain.agents.techniques.searching.dialogue import clipped, tagged
from quintain.agents.techniques.searching.repository import Change, changes, written
from quintain.agents.techniques.seeds import derived
from quintain.envs.repo.world import RepoWorld
from quintain.errors import Unavailable
from quintain.registry import load

there: Any = sys.modules[load(f"{Path(__file__).with_name('code_task.py')}:HiddenTests", what="code task").__module__]
Answers = Callable[[str, list[str], Request], str]


@pytest.fixture(autouse=True)
def sandboxed() -> None:
    try:
        RepoWorld()
    except Unavailable as error:
        pytest.skip(str(error))


def sample_of(request: Request) -> int:
    return next(number for number in range(10) if derived(0, "sample", number) == request.seed)


def samples(test_of: Callable[[int], str], repair_of: Callable[[int], str], choose: Callable[[str], str]) -> Answers:
    """Each sample writes a script that is wrong at first, and an edit; both are approved by the exit codes that come back."""

    def answers(system: str, said: list[str], request: Request) -> str:
        codes = there.exit_codes(said[-1])
        if "way in a repository" in system:
            return "".join(f"<file>{line}</file>" for line in said[0].splitlines() if line.endswith("middle.py"))
        if "write scripts" in system:
            if len(said) == 1:
                return "Let me see.\n<test>\nraise SystemExit(0)\n</test>"
            return "<done></done>" if codes == ["2"] else f"<test>\n{test_of(sample_of(request))}</test>"
        if "small edits" in system:
            if len(said) == 1:
                return str(there.edit("    pass", old="    no such line"))
            if "cannot be made" in said[-1]:
                return repair_of(sample_of(request))
            return "<done></done>" if codes[1] == "0" else str(there.edit(there.WHOLE))
        assert "choose the best" in system
        return choose(said[-1])

    return answers


def by_script(question: str) -> str:
    """Writes the strong script, and then takes the candidate that satisfies it."""
    codes = there.exit_codes(question)
    return f"<test>\n{there.STRONG}</test>" if not codes else f"<choice>{codes[1:].index('0')}</choice>"


async def test_votes_of_tests_and_a_selection_leave_the_edit_that_is_right() -> None:
    model = there.engineer(
        samples(
            lambda sample: there.WEAK if sample < 2 else there.STRONG,
            lambda sample: there.edit(there.HALF) if sample < 2 else there.edit(there.WHOLE),
            by_script,
        )
    )
    episode, environment = await there.play(CodeMonkeys(model, samples=3, rounds=5))
    assert episode.outcome == "ok", episode.failure
    assert episode.reward == 1.0 and environment.score.passed
    assert [step.action["kind"] for step in episode.steps] == ["edit", "submit"], "branches are no part of the episode"
    assert episode.steps[0].action["new"] == there.WHOLE
    stages = Counter(request.messages[0].content for request in model.requests)
    assert stages[next(stage for stage in stages if "choose the best" in str(stage))] == 2
    charges = {charge.what: charge for charge in episode.usage.charges}
    assert charges["judge"].calls == 2 and charges["propose"].calls == len(model.requests) - 2
    assert charges["branch"].calls == 0 and charges["branch"].steps > 30 and set(charges) == {"judge", "propose", "branch"}


async def test_more_votes_win_where_nobody_chooses() -> None:
    """The whole repair passes all scripts, the half one only the weak ones."""
    model = there.engineer(
        samples(
            lambda sample: there.STRONG if sample else there.WEAK,
            lambda sample: there.edit(there.WHOLE) if sample else there.edit(there.HALF),
            lambda question: "I cannot say.",
        )
    )
    episode, _ = await there.play(CodeMonkeys(model, samples=2, rounds=5, kept=1))
    assert episode.reward == 1.0
    assert not [request for request in model.requests if "choose the best" in str(request.messages[0].content)], "one is left"


async def test_a_wrong_choice_is_adopted_as_well_and_fails_the_hidden_tests() -> None:
    model = there.engineer(
        samples(
            lambda sample: there.WEAK,
            lambda sample: there.edit(there.WHOLE) if sample else there.edit(there.HALF),
            lambda question: "<choice>0</choice>",
        )
    )
    episode, environment = await there.play(CodeMonkeys(model, samples=2, rounds=5))
    assert episode.outcome == "ok" and episode.reward == 0.0 and episode.steps[0].action["new"] == there.HALF
    assert "AssertionError" in environment.score.reason


async def test_without_any_edit_the_agent_has_failed() -> None:
    model = there.engineer(lambda system, said, request: "I do not know.")
    episode, _ = await there.play(CodeMonkeys(model, samples=2, rounds=2))
    assert episode.outcome == "agent_error" and "none of 2 samples made an edit" in episode.failure.message


async def test_a_spent_budget_leaves_the_edits_that_there_are() -> None:
    answers = samples(lambda sample: there.WEAK, lambda sample: there.edit(there.HALF), by_script)
    model = there.engineer(answers)
    whole, _ = await there.play(CodeMonkeys(model, samples=4, rounds=5, at_once=1))
    assert whole.usage.tokens is not None
    episode, _ = await there.play(
        CodeMonkeys(there.engineer(answers), samples=4, rounds=5, at_once=1), tokens=whole.usage.tokens // 2
    )
    assert episode.outcome == "ok" and episode.steps[0].action["new"] == there.HALF
    assert episode.usage.tokens < whole.usage.tokens * 0.6


def pipeline(repairs: list[str]) -> Answers:
    """Reads the map for the function that the task names, and repairs it; goes on to the next repair when something is wrong."""

    def answers(system: str, said: list[str], request: Request) -> str:
        first, last = said[0], said[-1]
        if "Sum up" in last:
            return "<summary>Figures of lists; median is the one.</summary>"
        if "Name up to" in first:
            if len(said) > 1:
                return "none" if "return values[len(values) // 2]" in last else "<place>NOTES.md</place>"
            path = ""
            for line in first.splitlines():
                path = line if line.endswith(".py") else path
                if line.strip().startswith("def median"):
                    return f"<place>{path}:{line.split()[-1]}</place>"
        assert "median is the one" in first and "return values[len(values) // 2]" in first
        return repairs[len(said) // 2]

    return answers


async def test_lingma_understands_localises_and_patches() -> None:
    broken = there.edit("    return sorted(values")
    model = there.engineer(pipeline(["Hm.", broken, there.edit(there.HALF), there.edit(there.WHOLE)]))
    check = "python3 -B -c 'from figures.middle import median; v = [2, 1]; assert median(v) == 1.5 and v == [2, 1]'"
    episode, environment = await there.play(Lingma(model, test=check, rounds=4))
    assert episode.outcome == "ok", episode.failure
    assert environment.score.passed and [step.action["kind"] for step in episode.steps] == ["edit", "submit"]
    told = [str(request.messages[-1].content) for request in model.requests[-3:]]
    assert "no edit in your answer" in told[0] and "SyntaxError" in told[1] and "AssertionError" in told[2]
    assert {charge.what for charge in episode.usage.charges} == {"branch", "propose"}


async def test_lingma_keeps_the_last_edit_that_could_be_made() -> None:
    model = there.engineer(pipeline([there.edit(there.HALF), "Hm."]))
    episode, _ = await there.play(Lingma(model, test="false", rounds=2))
    assert episode.outcome == "ok" and episode.steps[0].action["new"] == there.HALF and episode.reward == 0.0


async def test_serial_retry_hears_what_a_command_of_the_world_found() -> None:
    command = "python3 -B -c 'from figures.middle import median; v = [2, 1]; assert median(v) == 1.5 and v == [2, 1]'"
    episode, environment = await there.play(SerialRetry(there.Mender, 3, {"command": command, "timeout_s": 60}))
    assert environment.score.passed and [step.action["new"] for step in episode.steps[:-1]] == [there.WHOLE]
    charges = {charge.what: charge for charge in episode.usage.charges}
    assert charges["attempt"].steps == 2 and charges["judge"].steps == 2, "two attempts and two checks"


def test_edits_are_read_as_they_are_written() -> None:
    made = [
        Change("a/b.py", "    x = 1\n\n    y = 2", "    x = 2"),
        Change("new.txt", "", "one\ntwo"),
        Change("c.py", "gone", ""),
    ]
    assert changes(f"I think so:\n{written(made)}\nDone.") == made
    assert changes('<edit path="x"> broken') == []


def test_what_stands_between_tags() -> None:
    assert tagged("a <test>\n  print(1)\n</test> b", "test") == "  print(1)"
    assert tagged("a <test> is <test>1</test>, or <test>2</test>", "test") == "2"
    assert tagged("nothing", "test") is None and tagged("<done></done>", "done") == ""
    assert len(clipped("x" * 1000, 100)) < 140 and clipped("short", 100) == "short"
