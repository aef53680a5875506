"""Best of n and serial retry: what they are worth is known exactly, and so is what they cost."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.agents.techniques.choosing import Candidate
from quintain.agents.techniques.searching import BestOfN, CodeMonkeys, Lingma, SerialRetry
from quintain.core import Episode, TaskView
from quintain.errors import UsageError
from quintain.handle import EpisodeHandle
from quintain.registry import load
from quintain.spaces import Choose, Submit

guess: Any = sys.modules[load(f"{Path(__file__).with_name('guess_world.py')}:GuessWorld", what="guess").__module__]
P = 0.25
"""A guesser's chance among four numbers."""
EPISODES = 200


def sees_a_hit(view: TaskView, candidates: Sequence[Candidate]) -> int:
    """A perfect judge: the world says whether it was a hit."""
    return next((at for at, each in enumerate(candidates) if each.seen is not None and each.seen.text == "hit"), 0)


def hit(view: TaskView, candidate: Candidate) -> bool:
    return candidate.seen is not None and candidate.seen.text == "hit"


async def share(agent: Any, episodes: int) -> tuple[float, list[Episode]]:
    played = [await guess.play(agent, seed=seed) for seed in range(episodes)]
    assert all(each.outcome == "ok" for each in played)
    return sum(each.reward for each in played) / episodes, played


def margin(p: float, episodes: int) -> float:
    return 2.576 * math.sqrt(p * (1 - p) / episodes)


@pytest.mark.parametrize("n", [1, 2, 5])
async def test_with_a_perfect_judge_best_of_n_is_pass_at_n(n: int) -> None:
    found, _ = await share(BestOfN(guess.Guesser, n, sees_a_hit), EPISODES)
    exact = 1 - (1 - P) ** n
    assert abs(found - exact) < margin(exact, EPISODES), (found, exact)


async def test_a_random_choice_is_pass_at_one() -> None:
    found, _ = await share(BestOfN(guess.Guesser, 5, "random"), EPISODES)
    assert abs(found - P) < margin(P, EPISODES), found


@pytest.mark.parametrize("at_once", [1, 4])
async def test_attempts_side_by_side_are_the_same_attempts(at_once: int) -> None:
    found, _ = await share(BestOfN(guess.Guesser, 4, sees_a_hit, at_once=at_once), 40)
    assert found == (await share(BestOfN(guess.Guesser, 4, sees_a_hit), 40))[0]


async def test_the_first_attempt_is_what_the_agent_alone_would_do() -> None:
    for seed in range(10):
        alone = await guess.play(guess.Guesser(), seed=seed)
        assert (await guess.play(BestOfN(guess.Guesser, 1), seed=seed)).steps[0].action == alone.steps[0].action


async def test_each_attempt_is_charged_and_the_episode_has_the_chosen_steps_only() -> None:
    _, played = await share(BestOfN(guess.Guesser, 3, "shortest"), 5)
    for episode in played:
        (charge,) = episode.usage.charges
        assert (charge.what, charge.calls, charge.tokens, charge.steps) == ("attempt", 6, 60, 3)
        assert charge.usd == pytest.approx(0.006) and [step.action["kind"] for step in episode.steps] == ["choose", "submit"]


async def test_no_attempt_is_begun_once_one_is_enough() -> None:
    episode = await guess.play(BestOfN(guess.Guesser, 6, "first"))
    assert episode.usage.charges[0].calls == 2


async def test_failed_attempts_are_chosen_only_where_all_failed() -> None:
    some = await guess.play(BestOfN(lambda: guess.Guesser(fails=0.5), 12, sees_a_hit), seed=1)
    assert some.outcome == "ok" and some.reward == 1.0
    none = await guess.play(BestOfN(lambda: guess.Guesser(fails=1.0), 3, sees_a_hit), seed=1)
    assert none.outcome == "agent_error" and none.failure is not None and "no idea" in none.failure.message


async def test_a_spent_budget_leaves_what_was_finished() -> None:
    episode = await guess.play(BestOfN(guess.Guesser, 50, sees_a_hit), seed=3, tokens=100)
    assert episode.outcome == "ok" and episode.usage.tokens == 100
    assert episode.steps[0].action["kind"] == "choose"


async def test_majority_votes_on_the_answers_of_attempts() -> None:
    _, played = await share(BestOfN(guess.Guesser, 5, "majority"), 10)
    assert all(each.answer in ("hit", "miss") for each in played)
    assert sum(each.answer == "miss" for each in played) >= 8


async def test_agents_that_own_their_loop_are_attempts_as_well() -> None:
    async def loop(episode: EpisodeHandle) -> str:
        seen = await episode.act(Choose(index=1))
        return seen.text or ""

    def plain(episode: Any) -> None:
        episode.act(Choose(index=1))
        episode.submit(episode.observation.text)

    for inner in (loop, plain, BestOfN(guess.Guesser, 2, sees_a_hit)):
        episode = await guess.play(BestOfN(inner, 2, sees_a_hit), seed=4)
        assert episode.outcome == "ok", episode.failure
        assert episode.answer == ("hit" if episode.reward else "miss")


@pytest.mark.parametrize("tries", [1, 3])
async def test_serial_retry_with_a_perfect_check_is_geometric(tries: int) -> None:
    found, played = await share(SerialRetry(guess.Guesser, tries, hit), EPISODES)
    exact = 1 - (1 - P) ** tries
    assert abs(found - exact) < margin(exact, EPISODES), (found, exact)
    attempts = [sum(each.steps for each in episode.usage.charges) for episode in played]
    mean = sum(k * P * (1 - P) ** (k - 1) for k in range(1, tries)) + tries * (1 - P) ** (tries - 1)
    spread = math.sqrt(sum((each - mean) ** 2 for each in attempts) / EPISODES)
    assert abs(sum(attempts) / EPISODES - mean) <= 2.576 * spread / math.sqrt(EPISODES)


async def test_the_next_attempt_hears_what_was_wrong() -> None:
    guess.HEARD.clear()
    checks = iter([False, True])
    await guess.play(SerialRetry(guess.Guesser, 3, lambda view, candidate: next(checks)))
    assert set(guess.HEARD) == {"An earlier attempt was not good enough."}
    guess.HEARD.clear()
    await guess.play(SerialRetry(guess.Guesser, 3, lambda view, candidate: False, told=False))
    assert not guess.HEARD


@pytest.mark.parametrize(("otherwise", "kept"), [("last", 2), ("first", 0)])
async def test_without_a_good_attempt_one_is_adopted_still(otherwise: Any, kept: int) -> None:
    seen: list[Any] = []

    def never(view: TaskView, candidate: Candidate) -> bool:
        seen.append(candidate.before[0])
        return False

    episode = await guess.play(SerialRetry(guess.Guesser, 3, never, otherwise=otherwise), seed=8)
    assert len(seen) == 3 and episode.steps[0].action["index"] == seen[kept].index
    assert isinstance(episode.steps[1].action, dict) and episode.answer is not None


async def test_the_agents_own_claim_is_enough() -> None:
    episode = await guess.play(SerialRetry(guess.Guesser, 5))
    assert episode.usage.charges[0].calls == 2


@pytest.mark.parametrize("agent", [BestOfN("null", 2, "first"), SerialRetry("null", 2)])
async def test_a_world_without_copies_is_refused(agent: Any) -> None:
    episode = await guess.play(agent, world=guess.LonelyWorld)
    assert episode.failure is not None and "toy/guess: this world has no `copies`" in episode.failure.message
    assert "\n" not in episode.failure.message
    assert (episode.failure.owner, episode.scorable, episode.steps) == ("task", False, ())


@pytest.mark.parametrize("agent", [CodeMonkeys(ScriptedModel([])), Lingma(ScriptedModel([]))])
async def test_a_world_without_a_shell_is_refused(agent: Any) -> None:
    episode = await guess.play(agent)
    assert episode.failure is not None and "takes no action bash, write, edit" in episode.failure.message
    assert not episode.usage.charges


async def test_a_command_needs_a_shell() -> None:
    episode = await guess.play(SerialRetry(guess.Guesser, 2, {"command": "true"}))
    assert episode.failure is not None and "this world has no shell" in episode.failure.message


@pytest.mark.parametrize(
    "make",
    [
        lambda: BestOfN("null", 0),
        lambda: BestOfN("null", 2, "best"),
        lambda: BestOfN("null", 2, at_once=0),
        lambda: SerialRetry("null", 2, "surely"),
        lambda: SerialRetry("null", 2, otherwise="none"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused_at_once(make: Any) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert "\n" not in str(caught.value)


async def test_answers_of_a_submitting_attempt_are_given_in_the_episode() -> None:
    episode = await guess.play(BestOfN(guess.Guesser, 2, "first"))
    assert isinstance(Submit.model_validate(episode.steps[-1].action), Submit) and episode.answer in ("hit", "miss")
