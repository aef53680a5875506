"""The MiniWoB++ suite against the pages of the installed package."""

import importlib.util
import re
from pathlib import Path

import pytest

import quintain
from quintain.agents.null import NullAgent
from quintain.core import Limits
from quintain.spaces import Click
from quintain.tasks.browser.miniwob import pages, suite, suite_125, suite_held_out, suite_timed

HTML = Path(next(iter(importlib.util.find_spec("miniwob").submodule_search_locations))) / "html"
TASKS = suite().tasks
ENDS_BY_ITSELF = ("chase-circle", "moving-items")


def test_has_all_pages_of_the_package():
    shipped = {path.stem for path in (HTML / "miniwob").glob("*.html")}
    assert {page["name"] for page in pages() if page["category"] != "flight"} == shipped
    assert len(TASKS) == 133
    assert all((HTML / page["page"]).is_file() for page in pages())


def test_125_are_those_with_browsergym_facts():
    rows = [page for page in pages() if "split" in page]
    assert list(suite_125().tasks) == [f"miniwob/{page['name']}" for page in rows]
    assert len(rows) == 125
    assert [sum(page["split"] == split for page in rows) for split in ("train", "test")] == [62, 63]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page["name"])
def test_time_limit_is_the_one_in_the_page(page):
    found = re.search(r"core\.EPISODE_MAX_TIME = (\d+)", (HTML / page["page"]).read_text("utf-8"))
    assert page["limit_ms"] == (int(found.group(1)) if found else 10_000)


def test_pages_with_test_data_are_the_held_out_ones():
    reading = {page["name"] for page in pages() if "WOB_DATA_MODE" in (HTML / page["page"]).read_text("utf-8")}
    from_data = {"flight.AA", "flight.Alaska"}
    assert {task_id.split("/")[1] for task_id in suite_held_out().tasks} == reading | from_data


def test_variants_name_what_they_are_versions_of():
    for variant in (*suite_timed().tasks.values(), *suite_held_out().tasks.values()):
        assert variant.meta.version_of in TASKS


def play(task, agent, seed):
    env = quintain.make(task, observe=("elements",))
    try:
        observation, _ = env.reset(seed=seed)
        agent.reset(env.environment.view, seed)
        over = False
        while not over:
            observation, _, terminated, truncated, _ = env.step(agent.act(observation))
            over = terminated or truncated
        return env.environment.score
    finally:
        env.close()


@pytest.mark.parametrize("task_id", TASKS)
def test_doing_nothing_scores_nothing(task_id):
    task = TASKS[task_id]
    if task_id.split("/")[1] not in ENDS_BY_ITSELF:
        task = task.model_copy(update={"limits": Limits(steps=2)})
    score = play(task, NullAgent(), 1)
    assert (score.value, score.passed) == (0.0, False)


def test_large_seeds_are_told_apart():
    env = quintain.make("miniwob/enter-text-dynamic", observe=("elements",))
    try:
        goals = {env.reset(seed=seed)[0].goal for seed in (0, 1, 2**32, 2**53, 2**53 + 1, 2**63 - 1)}
        assert len(goals) == 6
        assert env.reset(seed=2**62)[0].goal == env.reset(seed=2**62)[0].goal
    finally:
        env.close()


def test_page_shows_neither_reward_nor_start_cover():
    env = quintain.make("miniwob/click-test", observe=("elements", "screenshot"))
    try:
        observation, _ = env.reset(seed=1)
        text = observation.elements.text(only_visible=False)
        assert "Click Me!" in text
        assert not any(word in text for word in ("reward", "START", "Time left", "Episodes"))
        assert observation.screenshot.shape == (210, 160, 3)
        button = observation.elements.one(role="button")
        observation, reward, terminated, _, _ = env.step(Click(target=button.ref))
        assert (reward, terminated) == (1.0, True)
        assert "START" not in observation.elements.text(only_visible=False)
    finally:
        env.close()


def test_goal_fields_come_from_the_goal():
    env = quintain.make("miniwob/login-user", observe=("elements",))
    try:
        observation, _ = env.reset(seed=3)
        assert set(observation.goal_fields) == {"username", "password"}
        assert all(f'"{value}"' in observation.goal for value in observation.goal_fields.values())
    finally:
        env.close()


def test_flight_page_is_served_and_ready():
    env = quintain.make("miniwob/flight.AA", observe=("elements",))
    try:
        observation, _ = env.reset(seed=1)
        assert observation.goal.startswith("Book a flight. ")
        assert observation.goal_fields["Departure City"] in observation.goal
        assert any(each.attributes.get("name") == "segments[0].origin" for each in observation.elements)
        assert "Raw query" not in observation.elements.text()
    finally:
        env.close()


def test_leaving_the_page_ends_the_episode_without_reward():
    env = quintain.make("miniwob/click-test", observe=("elements",))
    try:
        env.reset(seed=1)
        _, reward, terminated, _, info = env.step({"kind": "reload"})
        assert (reward, terminated) == (0.0, True)
        assert info["score"].reason == "the task page was left"
    finally:
        env.close()


def test_timed_variant_runs_out_in_page_time_and_discounts():
    env = quintain.make(suite_timed().tasks["miniwob-timed/click-test"], observe=("elements",))
    try:
        observation, _ = env.reset(seed=1)
        env.step({"kind": "wait", "seconds": 4})
        _, reward, terminated, _, info = env.step(Click(target=observation.elements.one(role="button").ref))
        assert terminated
        assert 0.3 < reward == info["score"].parts["discounted"] < 0.65
        env.reset(seed=1)
        _, reward, terminated, _, info = env.step({"kind": "wait", "seconds": 11})
        assert (reward, terminated, info["score"].reason) == (0.0, True, "timed out")
    finally:
        env.close()


def test_held_out_variant_uses_the_test_data():
    env = quintain.make("miniwob-held-out/click-test-transfer", observe=("elements",))
    try:
        assert env.reset(seed=1)[0].goal == "Click button TWO."
    finally:
        env.close()
