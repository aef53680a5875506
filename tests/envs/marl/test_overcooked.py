"""Overcooked against recordings of the original (`benchmarks/overcooked_fixture.py`), and what no recording shows."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="jax is not installed")
import jax.numpy as jnp  # noqa: E402

from quintain.draws import integers, streams  # noqa: E402
from quintain.envs.marl.overcooked.cooking import COOKED, DISH, INTERACT, ORDERED, PLATED, STAY, State  # noqa: E402
from quintain.envs.marl.overcooked.games import GAMES, Overcooked  # noqa: E402
from quintain.errors import UsageError  # noqa: E402
from quintain.multiagent.making import make_functional  # noqa: E402

CHECKED = 20
"""Steps to one checksum of the recordings."""
LINE = """
    XPXSX
    O1 2D
    XXXXX"""
"""Both get at what they need in few steps."""
ALL = [(name, dynamics) for name in GAMES for dynamics in ("old", "new")]


@pytest.fixture(scope="module")
def recordings() -> Mapping[str, np.ndarray]:
    with np.load(Path(__file__).with_name("overcooked.npz")) as file:
        return dict(file)


def put(game: Any, arrays: Mapping[str, np.ndarray]) -> State:
    """A state of the game with these arrays, in the types of its own."""
    fresh = jax.eval_shape(game.reset, streams(0, arrays["time"].shape[-1]))._asdict()
    assert {key: value.shape for key, value in fresh.items()} == {key: value.shape for key, value in arrays.items()}
    return State(**{key: value.astype(fresh[key].dtype) for key, value in arrays.items()})


@pytest.mark.parametrize(("name", "dynamics"), ALL)
def test_episodes_are_the_originals_in_all_that_is_seen_and_paid(
    name: str, dynamics: str, recordings: Mapping[str, np.ndarray]
) -> None:
    record = {key.removeprefix(f"{name}/{dynamics}/"): value for key, value in recordings.items() if f"{name}/{dynamics}/" in key}
    game: Any = GAMES[name](dynamics=dynamics)
    begin = {key.removeprefix("before/"): value for key, value in record.items() if key.startswith("before/")}
    unused = streams(0, begin["time"].shape[-1])

    @jax.jit
    def run(state: State, actions: Any) -> Any:
        def body(state: State, actions: Any) -> Any:
            state, moved = game.step(state, actions.astype(jnp.int32), unused)
            return state, (state, moved.reward, moved.info["shaped"], game.observe(state).astype(jnp.uint8))

        return jax.lax.scan(body, state, actions)[1]

    after, reward, shaped, seen = jax.device_get(run(put(game, begin), record["actions"]))
    for key, value in after._asdict().items():
        assert np.array_equal(value[0], record[f"after/{key}"]), key
    assert np.array_equal(seen[0], record["seen"])
    assert np.array_equal(reward, np.stack([record["reward"]] * 2, axis=1)) and (record["reward"] > 0).any()
    assert np.array_equal(shaped, record["shaped"])
    for episode in range(seen.shape[-1]):
        told = [np.ascontiguousarray(seen[at : at + CHECKED, ..., episode]) for at in range(0, len(seen), CHECKED)]
        assert [zlib.crc32(each.tobytes()) for each in told] == record["sums"][:, episode].tolist(), f"episode {episode}"


def test_a_recording_begins_as_the_game_does(recordings: Mapping[str, np.ndarray]) -> None:
    for name, make in GAMES.items():
        fresh = jax.jit(make().reset)(streams(3, 1))
        for key, value in fresh._asdict().items():
            assert np.array_equal(value[..., 0], recordings[f"{name}/old/before/{key}"][..., 0]), (name, key)


def test_a_counter_with_something_on_it_is_still_a_counter() -> None:
    game = Overcooked()
    fresh = game.reset(streams(0, 1))
    laden = fresh._replace(items=jnp.full_like(fresh.items, DISH))
    planes = np.asarray(jax.jit(game.observe)(laden)).reshape(2, *game.shape)
    assert (planes[:, 11] == planes[:, 22]).all() and planes[:, 11].sum() == 2 * len(game.kitchen.counters)


def test_new_dynamics_cook_when_told_to_and_pay_for_three_onions_only() -> None:
    game = Overcooked(LINE, dynamics="new")
    step = jax.jit(game.step)
    fresh = game.reset(streams(0, 3))
    state = fresh._replace(onions=jnp.array([[1, 2, 3]], jnp.int8))
    for _ in range(2):
        state, _ = step(state, jnp.full((2, 3), STAY), streams(0, 3))
    assert state.ticks.tolist() == [[-1, -1, -1]]
    state, _ = step(state, jnp.array([[INTERACT] * 3, [STAY] * 3]), streams(0, 3))
    assert state.ticks.tolist() == [[1, 1, 1]]
    state = state._replace(ticks=jnp.full_like(state.ticks, COOKED), held=state.held.at[0].set(DISH))
    state, moved = step(state, jnp.array([[INTERACT] * 3, [STAY] * 3]), streams(0, 3))
    assert state.held[0].tolist() == [PLATED, PLATED + 1, ORDERED] and state.onions.tolist() == [[0, 0, 0]]
    assert moved.info["shaped"].tolist() == [[5.0] * 3, [0.0] * 3]
    state = state._replace(held=state.held[::-1])
    state, moved = step(state, jnp.array([[STAY] * 3, [INTERACT] * 3]), streams(0, 3))
    assert moved.reward.tolist() == [[0.0, 0.0, 20.0]] * 2 and not state.held.any()


@pytest.mark.parametrize(("dynamics", "onions", "ticks", "useful"), [
    ("old", 0, -1, False), ("old", 2, -1, True), ("old", 3, 5, True), ("old", 3, COOKED, True), ("new", 3, -1, False),
])  # fmt: skip
def test_a_dish_is_of_use_while_a_pot_holds_something_that_needs_no_start(
    dynamics: Any, onions: int, ticks: int, useful: bool
) -> None:
    game = Overcooked("XPXSX\nO21 D\nXXDXX", dynamics=dynamics)
    fresh = game.reset(streams(0, 2))
    state = fresh._replace(
        onions=jnp.full((1, 2), onions, jnp.int8),
        ticks=jnp.full((1, 2), ticks, jnp.int8),
        facing=jnp.full((2, 2), 1, jnp.int8),
        held=jnp.array([[0, 0], [0, DISH]], jnp.int8),
    )
    _, moved = jax.jit(game.step)(state, jnp.array([[INTERACT] * 2, [STAY] * 2]), streams(0, 2))
    assert moved.info["shaped"].tolist() == [[3.0 * useful, 0.0], [0.0, 0.0]]


def test_shaping_is_added_to_the_reward_of_who_earned_it() -> None:
    game = Overcooked(LINE, shaping=0.5)
    state = game.reset(streams(0, 1))
    state = state._replace(held=jnp.array([[1], [ORDERED]], jnp.int8))
    _, moved = jax.jit(game.step)(state, jnp.full((2, 1), INTERACT), streams(0, 1))
    assert moved.reward.tolist() == [[21.5], [20.0]] and game.returns == (-float("inf"), float("inf"))


def test_returns_stay_within_their_bounds_and_observations_within_their_range() -> None:
    env = make_functional("overcooked/cramped_room", layout=LINE)

    @jax.jit
    def run(at: Any) -> Any:
        def body(carry: Any, _: None) -> Any:
            state, total, most = carry
            state, out = env.step(state, integers(state.streams, 9, 6, (2,)))
            return (state, total + out.reward, jnp.maximum(most, out.observation.max())), out.truncated.all()

        begin = (env.init(at), jnp.zeros((2, 256)), jnp.float32(0))
        return jax.lax.scan(body, begin, None, length=400)

    (_, total, most), truncated = run(streams(1, 256))
    low, high = env.game.returns
    assert low <= total.min() and 20 <= total.max() <= high and (total[0] == total[1]).all()
    assert 19 <= most <= env.game.observation_range[1]
    assert truncated.tolist() == [False] * 399 + [True]


def test_a_layout_reads_the_same_in_both_alphabets() -> None:
    ours = Overcooked("counter_circuit").kitchen
    theirs = Overcooked("WWWPPWWW\nW A    W\nB WWWW X\nW     AW\nWWWOOWWW").kitchen
    assert theirs._replace(starts=ours.starts) == ours and theirs.starts == (10, 30)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("cramped", "no layout 'cramped': give one of cramped_room, asymm"),
        ("XXXXX\nO1 2D\nXXSXX", "there is no pot \\(P\\)"),
        ("XPXSX\nO1 2D\nXXX", "row 3 is 3 wide, row 1 is 5"),
        ("XPXSX\nO1  D\nXXXXX", "two starts"),
        ("XPXSX\nO1?2D\nXXXXX", "'\\?' in row 2, column 3"),
        ("XPXSX\nO 12D\nX XXX", "floor at the border, row 3, column 2"),
        ("XXXSXX\nX1 2DX\nXXXXXX\nXXPXXX\nXO XXX\nXXXXXX", "neither cook reaches onions \\(O\\)"),
        ("XPXSX\nX1O2D\nXXXXX", "no soup can be made"),
    ],
)
def test_a_kitchen_in_which_nothing_can_be_cooked_is_refused(layout: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_functional("overcooked/cramped_room", layout=layout)


@pytest.mark.parametrize("layout", ["XXXXX\nO1X2P\nXDXSX", "XXXXX\nO1P2D\nXXXSX"])
def test_cooks_apart_may_hand_over_on_a_counter_or_through_a_pot(layout: str) -> None:
    assert Overcooked(layout).kitchen.cells == 15


def test_cells_of_a_large_kitchen_are_told_apart() -> None:
    game = Overcooked("\n".join(["XPDSO" + "X" * 15, *["X" + " " * 18 + "X"] * 8, "X1" + " " * 16 + "2X", "X" * 20]))
    state, step = game.reset(streams(0, 1)), jax.jit(game.step)
    for way in (2, 3, 1, 0):
        state, _ = step(state, jnp.full((2, 1), way), streams(0, 1))
    assert state.place[:, 0].tolist() == [8 * 20 + 1, 8 * 20 + 17]
    planes = np.asarray(jax.jit(game.observe)(state)).reshape(2, *game.shape)
    assert planes[0, 0, 8, 1] == planes[0, 1, 8, 17] == 1 and planes[:, :2].sum() == 4


def test_what_no_game_can_be_is_refused() -> None:
    for wrong in ({"dynamics": "older"}, {"horizon": 0}, {"horizon": 40000}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Overcooked(**wrong)  # type: ignore[arg-type]
