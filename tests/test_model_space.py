"""Model spaces by themselves, and in Gymnasium's vector environments with their default arguments."""

from __future__ import annotations

import copy
import os
import pickle
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import gymnasium
import numpy as np
import pytest
from counter_world import UP, make_counter, make_padded_counter
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from pydantic import BaseModel, Field, field_validator

from quintain.model_space import SLOT_BYTES, ModelSpace
from quintain.spaces import ACTIONS, Action, Choose, Click, Noop, Observation, Say, Wait


def actions() -> ModelSpace[Action]:
    return ModelSpace(*ACTIONS)


def test_samples_are_contained_and_repeat_under_a_seed() -> None:
    first, second = actions(), actions()
    first.seed(3), second.seed(3)
    drawn = [first.sample() for _ in range(200)]
    assert drawn == [second.sample() for _ in range(200)]
    assert all(each in first for each in drawn)
    assert {type(each) for each in drawn} == set(ACTIONS)


def test_examples_are_preferred_so_that_sampling_waits_for_moments_only() -> None:
    space = ModelSpace[Action](Wait, seed=0)
    assert max(space.sample().seconds for _ in range(100)) <= 1.0  # type: ignore[union-attr]


class Limited(BaseModel):
    low: Annotated[int, Field(gt=4, le=6)]
    high: Annotated[float, Field(ge=-2, lt=-1)]
    pair: tuple[int, str]
    table: dict[str, bool]
    several: list[int]

    @field_validator("low")
    @classmethod
    def _not_six(cls, value: int) -> int:
        if value == 6:
            raise ValueError("six")
        return value


def test_bounds_and_validators_hold_for_samples() -> None:
    space = ModelSpace[Limited](Limited, seed=0)
    for _ in range(50):
        drawn = space.sample()
        assert drawn.low == 5
        assert -2 <= drawn.high < -1


def test_only_the_models_are_contained() -> None:
    space = ModelSpace[Action](Click, Noop)
    assert Noop() in space
    assert Say(text="x") not in space
    assert {"kind": "noop"} not in space
    assert space.kinds == ("click", "noop")


def test_batches_survive_json() -> None:
    space = actions()
    space.seed(1)
    batch = [space.sample() for _ in range(50)]
    assert space.from_jsonable(space.to_jsonable(batch)) == batch
    with pytest.raises(ValueError, match="no model of this space"):
        ModelSpace[Action](Click, Noop).from_jsonable([{"kind": "bash"}])


def test_spaces_are_copied_pickled_and_compared() -> None:
    space = actions()
    for other in (copy.deepcopy(space), pickle.loads(pickle.dumps(space))):
        assert other == space
        assert other.from_jsonable([{"kind": "noop"}]) == [Noop()]
    assert space != ModelSpace[Action](Click)
    with pytest.raises(ValueError, match="at least one model"):
        ModelSpace()
    with pytest.raises(ValueError, match="no mask"):
        space.sample(mask=np.ones(3))


def play(vec: gymnasium.vector.VectorEnv[Any, Any, Any]) -> list[Any]:
    """Two counted steps in both environments, and what was seen on the way."""
    try:
        seen = [vec.reset(seed=[5, 6])[0]]
        for _ in range(2):
            observations, rewards, terminated, truncated, _ = vec.step([Choose(index=UP)] * 2)
            assert rewards.shape == terminated.shape == truncated.shape == (2,)
            seen.append(observations)
        assert all(each in vec.single_observation_space for batch in seen for each in batch)
        return seen
    finally:
        vec.close()


def test_a_sync_vector_env_takes_its_default_arguments() -> None:
    seen = play(SyncVectorEnv([make_counter] * 2))
    assert [[each.text for each in batch] for batch in seen] == [["0", "0"], ["1", "1"], ["2", "2"]]


@pytest.mark.parametrize("context", [None, "fork", "spawn", "forkserver"])
def test_an_async_vector_env_takes_its_default_arguments(context: str | None) -> None:
    inner = play(SyncVectorEnv([make_counter] * 2))
    outer = play(AsyncVectorEnv([make_counter] * 2, context=context))
    assert [list(batch) for batch in outer] == [list(batch) for batch in inner]


def test_an_async_vector_env_does_without_shared_memory_and_without_copies() -> None:
    inner = play(SyncVectorEnv([make_counter] * 2))
    for options in ({"shared_memory": False}, {"autoreset_mode": AutoresetMode.SAME_STEP}):
        assert [list(batch) for batch in play(AsyncVectorEnv([make_counter] * 2, **options))] == [list(b) for b in inner]  # type: ignore[arg-type]
    vec = AsyncVectorEnv([make_counter] * 2, copy=False)
    try:
        observations, _ = vec.reset(seed=1)
        assert [each.text for each in observations] == ["0", "0"]
        vec.step([Choose(index=UP)] * 2)
        assert [each.text for each in observations] == ["1", "1"]
    finally:
        vec.close()


def open_files() -> set[str]:
    links = (each for each in Path(f"/proc/{os.getpid()}/fd").iterdir() if each.is_symlink())
    return {str(each.readlink()) for each in links if "quintain-slot" in str(each.readlink())}


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_an_observation_larger_than_its_slot_arrives_and_leaves_nothing(context: str, tmp_path: Path) -> None:
    vec = AsyncVectorEnv([make_padded_counter, make_counter], context=context)
    try:
        (large, small), _ = vec.reset(seed=[1, 1])
        assert len(large.text) > SLOT_BYTES
        assert small.text == "0"
        for count in range(1, 4):
            (large, small), *_ = vec.step([Choose(index=UP)] * 2)
            assert large.text.rstrip(".") == small.text == str(count % 9) or small.text == "0"
    finally:
        vec.close()
    assert not open_files()


def test_a_slot_gives_its_file_back_when_a_small_value_follows() -> None:
    from gymnasium.vector.utils.shared_memory import create_shared_memory, read_from_shared_memory, write_to_shared_memory

    space = ModelSpace[Observation](Observation)
    memory = create_shared_memory(space, 2)
    write = partial(write_to_shared_memory, space, 1, shared_memory=memory)
    large = Observation(text="x" * (SLOT_BYTES + 1))
    write(value=large)
    write(value=large)
    assert read_from_shared_memory(space, memory, 2)[1] == large
    assert len(open_files()) == 1
    write(value=Observation(text="small"))
    assert not open_files()
    shared = read_from_shared_memory(space, memory, 2)
    assert shared[0] is None
    assert [shared[1].text, *(each.text for each in shared[1:])] == ["small", "small"]
    assert copy.deepcopy(shared) == (None, Observation(text="small"))
