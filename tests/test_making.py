from __future__ import annotations

from pathlib import Path

import pytest
from counter_world import HERE, counter_task

import quintain
from quintain.core import EvaluatorSpec, Task
from quintain.errors import TaskError, UsageError
from quintain.making import find_tasks, list_tasks, load_evaluator, load_task


def test_tasks_are_found_by_id_glob_suite_and_value() -> None:
    every = list_tasks("miniwob")
    assert "miniwob/click-test" in every
    assert set(list_tasks("miniwob/click-*")) == {each for each in every if each.startswith("miniwob/click-")}
    wanted = ["miniwob/click-test", "miniwob/click-test", counter_task()]
    assert [task.id for task in find_tasks(wanted)] == ["miniwob/click-test", "toy/count"]
    assert len(find_tasks("miniwob")) == len(every) == len(set(every))
    assert list_tasks("no-such-suite/*") == []


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ("miniwob/clik-test", "did you mean miniwob/click-test"),
        ("click-test", "no task matches 'click-test'.*quintain list tasks"),
        ("nosuch/thing", "no task matches"),
    ],
)
def test_an_unknown_task_offers_the_nearest(wanted: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        find_tasks(wanted)


def test_a_bad_id_says_what_an_id_looks_like() -> None:
    with pytest.raises(UsageError, match="looks like 'miniwob/click-test'"):
        load_task("click-test")
    with pytest.raises(UsageError, match="unknown task"):
        quintain.make("miniwob/clik-test")
    with pytest.raises(UsageError, match="unknown suite"):
        quintain.make("minwob/click-test")


def test_options_that_nobody_takes_are_named() -> None:
    with pytest.raises(UsageError, match=r"does not take these options: .*'colour'"):
        quintain.make(counter_task(), colour="red")
    task = counter_task().model_copy(update={"evaluator": EvaluatorSpec(id=f"{HERE}:Reached", options={"colour": 1})})
    with pytest.raises(UsageError, match="toy/count: evaluator .* does not take these options"):
        load_evaluator(task)
    with pytest.raises(UsageError, match="unknown evaluator 'nosuch'"):
        load_evaluator(counter_task().model_copy(update={"evaluator": EvaluatorSpec(id="nosuch")}))


def test_a_wrong_setup_is_found_when_the_environment_is_made() -> None:
    with pytest.raises(TaskError, match=r"setup\.targt"):
        quintain.make(Task(id="toy/wrong", env=f"{HERE}:CounterWorld", setup={"targt": 1}))


def test_files_are_named_relative_to_where_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(HERE).parent)
    with quintain.make(Task(id="toy/near", env="counter_world.py:CounterWorld")) as env:
        assert env.reset(seed=0)[0].text == "0"


def test_the_public_names_load_and_are_listed() -> None:
    import inspect

    for name in quintain.__all__:
        assert getattr(quintain, name) is not None
        assert not inspect.ismodule(getattr(quintain, name))
    assert set(quintain.__all__) == {"__version__", *quintain._HOME_OF}
    assert set(dir(quintain)) == set(quintain.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        quintain.nosuch  # noqa: B018
