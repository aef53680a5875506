"""Models that judge attempts and branches: what they are shown, what their answers do, and what they cost."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quintain.agents.llm.model import ModelUnreachable
from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.agents.techniques.searching import MCTS, Beam, BestOfN, SerialRetry
from quintain.agents.techniques.searching.copies import models_in, twin
from quintain.errors import UsageError
from quintain.registry import load
from quintain.rollout import rollout

guess: Any = sys.modules[load(f"{Path(__file__).with_name('guess_world.py')}:GuessWorld", what="guess").__module__]
maze: Any = sys.modules[load(f"{Path(__file__).with_name('maze_world.py')}:MazeWorld", what="maze").__module__]


def reader(says: Callable[[str], dict[str, Any]]) -> ScriptedModel:
    """A model that answers with JSON, by a function of the last text that it is shown."""
    return ScriptedModel(lambda request: json.dumps(says(str(request.messages[-1].content))))


def shown(model: ScriptedModel) -> list[str]:
    return [str(request.messages[-1].content) for request in model.requests]


def best_hit(text: str) -> dict[str, Any]:
    """The first candidate whose answer is a hit: what a judge sees of an attempt is enough for that."""
    numbered = re.findall(r"^\[(\d+)\](.*?)(?=^\[\d+\]|\Z)", text, re.DOTALL | re.MULTILINE)
    hits = [int(number) for number, shown in numbered if '"answer": "hit"' in shown]
    return {"reason": "", "best": hits[0] if hits else 1}


async def test_a_judge_reads_attempts_and_is_charged_as_judge() -> None:
    judge = reader(best_hit)
    plain = [await guess.play(BestOfN(guess.Guesser, 4, guess.Seeing()), seed=seed) for seed in range(12)]
    judged = [await guess.play(BestOfN(guess.Guesser, 4, "judge", model=judge), seed=seed) for seed in range(12)]
    assert [each.reward for each in judged] == [each.reward for each in plain], "it sees the hit as a perfect judge does"
    charges = [{charge.what: charge for charge in each.usage.charges} for each in judged]
    assert sum(each["judge"].calls for each in charges if "judge" in each) == len(shown(judge)) > 0
    assert all(each["attempt"].calls == 8 for each in charges)
    assert not any("reward" in text or "score" in text.lower() for text in shown(judge))


async def test_a_critics_word_ends_or_goes_on_and_is_handed_on() -> None:
    guess.HEARD.clear()
    critic = reader(lambda text: {"feedback": "Guess again.", "good": '"answer": "hit"' in text})
    for seed in range(10):
        episode = await guess.play(SerialRetry(guess.Guesser, 8, critic), seed=seed)
        assert episode.outcome == "ok"
    assert set(guess.HEARD) == {"A critic said of an earlier attempt: Guess again."}
    assert len(critic.requests) > 10


def grade(text: str) -> dict[str, Any]:
    row, column = map(int, re.findall(r"^(\d+) (\d+) \S$", text, re.MULTILINE)[-1])
    return {"reason": "by distance", "grade": 10 - 2 * (abs(row - 2) + abs(column - 2))}


@pytest.mark.parametrize("kind", [Beam, MCTS])
async def test_a_models_grades_lead_through_the_maze(kind: Any) -> None:
    model = reader(grade)
    options = {"width": 3, "depth": 4} if kind is Beam else {"simulations": 80, "depth": 6, "most_open": 100}
    env, _ = maze.maze()
    episode = await rollout(env, kind(value=model, proposals=maze.directions, **options), seed=1)
    assert episode.reward == 1.0, episode.failure
    charges = {charge.what: charge for charge in episode.usage.charges}
    assert charges["judge"].calls == len(model.requests) == charges["branch"].steps, "each state is graded once"


async def test_a_model_that_cannot_be_reached_is_no_failure_of_an_attempt() -> None:
    def unreachable(text: str) -> dict[str, Any]:
        raise ModelUnreachable("no connection")

    episode = await guess.play(SerialRetry(guess.Guesser, 3, reader(unreachable)))
    assert episode.failure is not None and episode.failure.owner == "infrastructure"


async def test_a_spent_budget_leaves_no_judge_and_adopts_what_was_submitted() -> None:
    episode = await guess.play(BestOfN(guess.Guesser, 3, "judge", model=reader(best_hit)), seed=2, tokens=60)
    assert episode.outcome == "ok" and episode.usage.tokens == 60 and episode.steps[0].action["kind"] == "choose"


def test_twins_share_models_and_nothing_else() -> None:
    class Holder:
        def __init__(self) -> None:
            self.model, self.memory, self.inner = reader(grade), [1], guess.Guesser()

    one = Holder()
    other = twin(one)
    assert other.model is one.model and models_in(one) == [one.model]
    other.memory.append(2)
    assert one.memory == [1] and other.inner is not one.inner


def test_what_cannot_be_copied_is_named() -> None:
    agent = guess.Guesser()
    agent.handle = (each for each in ())
    with pytest.raises(UsageError, match="'Guesser' cannot be copied"):
        twin(agent)
