"""Gymnasium's own `make`, `make_vec` and `spec`, by id."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import gymnasium
import pytest
from gymnasium.envs import registration

import quintain.gym_ids
from quintain.errors import UsageError
from quintain.faces import GymEnv, VecEnv
from quintain.spaces import Noop

ID = "quintain/miniwob/click-test"


def test_a_task_is_made_by_id() -> None:
    env = gymnasium.make(ID, seed=3)
    assert isinstance(env.unwrapped, GymEnv)
    assert env.unwrapped.task.id == "miniwob/click-test"
    assert env.spec is not None and env.spec.id == ID
    env.close()


def test_the_spec_is_found_stored_and_made_again() -> None:
    spec = gymnasium.spec(ID)
    assert spec.namespace == "quintain/miniwob"
    assert (spec.name, spec.version) == ("click-test", None)
    again = registration.EnvSpec.from_json(spec.to_json())
    assert again == spec
    gymnasium.make(again).close()


@pytest.mark.parametrize("mode", ["vector_entry_point", "sync"])
def test_vector_environments_are_made_by_id(mode: str) -> None:
    vec = gymnasium.make_vec(ID, num_envs=2, vectorization_mode=mode)
    assert vec.num_envs == 2
    assert isinstance(vec, VecEnv) == (mode == "vector_entry_point")
    vec.close()
    assert isinstance(gymnasium.make_vec(ID, num_envs=1), VecEnv)


@pytest.mark.parametrize("mode", ["vector_entry_point", "async"])
def test_real_pages_are_stepped_side_by_side_also_in_forked_processes(mode: str) -> None:
    with quintain.make("miniwob/click-test") as alone:
        alone.reset(seed=3)
        vec = gymnasium.make_vec(ID, num_envs=2, vectorization_mode=mode)
        try:
            observations, _ = vec.reset(seed=3)
            assert observations[0] == alone.reset(seed=3)[0]
            observations, rewards, *_ = vec.step((Noop(), Noop()))
            assert [each.step for each in observations] == [1, 1]
            assert list(rewards) == [0.0, 0.0]
        finally:
            vec.close()
        assert alone.step(Noop()).observation.step == 1


def test_unknown_ids_offer_the_nearest() -> None:
    for find in (gymnasium.make, gymnasium.spec, gymnasium.make_vec):
        with pytest.raises(UsageError, match="unknown task 'miniwob/clik-test'; did you mean miniwob/click-test"):
            find("quintain/miniwob/clik-test")  # type: ignore[operator]


def test_all_other_ids_are_read_as_before() -> None:
    assert registration.parse_env_id("CartPole-v1") == (None, "CartPole", 1)
    assert registration.parse_env_id("ALE/Pong-v5") == ("ALE", "Pong", 5)
    assert registration.parse_env_id("my:space/a.b") == ("my:space", "a.b", None)
    for malformed in ("a/b/c", "a b", "quintain/", "/x", "quintain//x", "quintain/a/"):
        with pytest.raises(gymnasium.error.Error, match="Malformed"):
            registration.parse_env_id(malformed)
    gymnasium.make("CartPole-v1").close()
    with pytest.raises(gymnasium.error.Error):
        gymnasium.make("NoSuchThing-v1")


def test_our_ids_have_no_version() -> None:
    assert registration.parse_env_id("quintain/a/b-v2") == ("quintain/a", "b-v2", None)
    assert registration.parse_env_id("quintain/a/b/c+d") == ("quintain/a/b", "c+d", None)


def test_all_tasks_can_be_entered_into_the_registry() -> None:
    quintain.gym_ids.register("miniwob/click-*")
    quintain.gym_ids.install()
    assert {"quintain/miniwob/click-test", "quintain/miniwob/click-link"} <= set(gymnasium.registry)


def run(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.parametrize("imports", ["import gymnasium, quintain", "import quintain, gymnasium"])
def test_an_import_suffices(imports: str) -> None:
    assert "click-test" in run(f"{imports}\nprint(gymnasium.make('{ID}').unwrapped.task.id)")


def test_importing_beside_gymnasium_loads_no_task_and_no_model() -> None:
    code = "import gymnasium, sys; import quintain; print(*sorted(sys.modules))"
    assert [name for name in run(code).split() if name.startswith(("quintain", "pydantic"))] == ["quintain", "quintain.gym_ids"]
