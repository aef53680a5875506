"""STORM: single steps of two players as JaxMARL's, payoffs of every pair, and who may be where."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="jax is not installed")
import jax.numpy as jnp  # noqa: E402

from quintain.draws import streams  # noqa: E402
from quintain.envs.marl.storm.games import GAMES, PAYOFFS  # noqa: E402
from quintain.envs.marl.storm.grid import distinct, settled  # noqa: E402
from quintain.envs.marl.storm.storm import FORWARD, INTERACT, STAY, State, Storm  # noqa: E402
from quintain.multiagent.episodes import Episodes  # noqa: E402

PLAYERS = 5


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    found = np.load(Path(__file__).with_name("jaxmarl_social.npz"))
    return {name.removeprefix("storm_"): found[name] for name in found.files if name.startswith("storm_")}


def state_of(found: dict[str, Any], after: str = "", fired: Any = None) -> State:
    """JaxMARL's, as ours; its freeze is -1 where nobody is frozen, and both always are."""
    place = jnp.asarray(found["place" + after])
    batch = place.shape[-1]
    frozen = jnp.broadcast_to(jnp.maximum(jnp.asarray(found["frozen" + after], jnp.int16), 0), (2, batch))
    met = (frozen[:, None] > 0) & ~jnp.eye(2, dtype=bool)[:, :, None]
    red = jnp.arange(12)[:, None] % 2 == jnp.asarray(found["red"])
    carried = jnp.asarray(found["inventory" + after], jnp.int16)
    there = jnp.asarray(found["there" + after]).astype(bool)
    shot = jnp.zeros((2, batch), bool) if fired is None else fired
    return State(place, jnp.asarray(found["facing" + after]), carried, frozen, met, shot, red, there)


def test_a_step_of_two_players_is_jaxmarls(recorded: dict[str, Any]) -> None:
    game, state = Storm(), state_of(recorded)
    reached, moved = jax.jit(game.step)(state, jnp.asarray(recorded["actions"]), streams(0, state.there.shape[-1]))
    assert np.array_equal(reached.frozen[0], reached.frozen[1])
    thawed = recorded["frozen"] == 1
    assert not np.asarray(reached.carried)[..., thawed].any() and np.asarray(reached.there)[:, thawed].all()
    # Where both want one cell, chance says who gets it; where they start again, where that is.
    wanted = [np.asarray(each) for each in _wanted(state, jnp.asarray(recorded["actions"]))]
    alike = ~((wanted[0] == wanted[1]).all(axis=0)) & ~thawed
    reward, certain = np.asarray(moved.reward), alike | thawed
    assert alike.sum() > 800 and thawed.sum() > 20 and (reward != 0).any(axis=0).sum() > 50
    assert np.allclose(reward[:, certain], recorded["reward"][:, certain], atol=1e-6)
    assert np.array_equal(reached.frozen[0][certain], np.maximum(recorded["frozen_after"], 0)[certain])
    for ours, theirs in ((reached.place, "place"), (reached.facing, "facing"), (reached.carried, "inventory")):
        assert np.array_equal(np.asarray(ours)[..., alike], recorded[theirs + "_after"][..., alike])
    assert np.array_equal(np.asarray(reached.there)[:, alike], recorded["there_after"][:, alike])


def _wanted(state: State, actions: Any) -> Any:
    """Where two players end if nobody is in their way, with -1 and -2 for who stays: chance decides nothing about those."""
    ahead = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])[np.asarray(state.facing)].swapaxes(1, 2)
    going = (np.asarray(actions) == FORWARD) & (np.asarray(state.frozen) == 0)
    target = np.clip(np.asarray(state.place) + ahead, 0, 7)
    moves = going & (target != np.asarray(state.place)).any(axis=1)
    return np.where(moves[:, None], target, np.array([-1, -2])[:, None, None])


def test_agents_see_what_they_see_in_jaxmarl(recorded: dict[str, Any]) -> None:
    thawed = recorded["frozen"] == 1
    fired = (recorded["actions"] == INTERACT) & (recorded["frozen"] <= 0)
    game = Storm()
    seen = np.asarray(jax.jit(game.observe)(state_of(recorded, "_after", jnp.asarray(fired))))
    assert seen.shape[1] == game.observation_sizes[0] == 306
    views = recorded["views"].reshape(2, 25, 10, -1).swapaxes(1, 2)
    covered = recorded["place_after"]
    # A player may start on a coin there, which hides the one or the other: not so here.
    plain = ~thawed | ~_on_coins(game, covered)
    ours = seen[:, :300].reshape(2, 12, 25, -1)
    assert np.array_equal(ours[:, :10][..., plain], views[..., plain])
    assert views[:, 5].sum() > 100 and views[:, 1].sum() > 100
    assert np.array_equal(seen[:, 300:], recorded["carried"])
    carries = recorded["carried"][:, 3][:, None]
    assert np.array_equal(ours[:, 10], ours[:, 1] * carries)


def _on_coins(game: Storm, place: Any) -> Any:
    return (place[:, None] == game.coins[:, :, None]).all(axis=2).any(axis=(0, 1))


def crowd(carried: Any) -> State:
    """Five in a row, at (3, 0) to (3, 4), that face the next; with room for one environment."""
    place = np.stack([np.full(PLAYERS, 3), np.arange(PLAYERS)], axis=1)[..., None]
    none = jnp.zeros((PLAYERS, 1), bool)
    coins = jnp.zeros((12, 1), bool)
    return State(
        jnp.asarray(place, jnp.int8), jnp.zeros((PLAYERS, 1), jnp.int8), jnp.asarray(carried, jnp.int16)[..., None],
        none.astype(jnp.int16), jnp.zeros((PLAYERS, PLAYERS, 1), bool), none, coins, coins,
    )  # fmt: skip


def test_every_pair_that_meets_is_paid() -> None:
    """The first and the third send beams: pairs 0-1, 0-2, 2-3, 2-4; the fourth carries nothing, and plays with nobody."""
    carried = np.array([[1, 0], [3, 1], [0, 2], [0, 0], [1, 1]])
    actions = jnp.array([INTERACT, STAY, INTERACT, STAY, STAY])[:, None]
    share = carried / np.maximum(carried.sum(axis=1, keepdims=True), 1)

    @jax.jit
    def played() -> Any:
        return {name: GAMES[name](PLAYERS).step(crowd(carried), actions, streams(0, 1))[1] for name in PAYOFFS}

    for name, moved in played().items():
        expected, matrices = np.zeros(PLAYERS), np.array(PAYOFFS[name])
        for one, other in ((0, 1), (0, 2), (2, 4)):
            expected[one] += share[one] @ matrices[0] @ share[other]
            expected[other] += share[one] @ matrices[1] @ share[other]
        assert np.allclose(np.asarray(moved.reward)[:, 0], expected) and int(moved.info["games"][0]) == 3


def test_who_met_sees_what_the_other_carries_and_can_only_stay() -> None:
    game = Storm(PLAYERS)
    actions = jnp.array([INTERACT, STAY, INTERACT, STAY, STAY])[:, None]

    @jax.jit
    def told() -> Any:
        reached, _ = game.step(crowd(np.array([[1, 0], [3, 1], [0, 2], [0, 0], [1, 1]])), actions, streams(0, 1))
        return reached.frozen, game.observe(reached), game.mask(reached)

    frozen, seen, mask = (np.asarray(each)[..., 0] for each in told())
    assert frozen.tolist() == [5, 5, 5, 0, 5]
    # The last is not one whom the first met.
    assert seen[0, 300:].tolist() == [1, 0, 1, 1, 3, 1, 1, 0, 2, 0, 0, 0, 1, 0, 0]
    assert mask.sum(axis=1).tolist() == [1, 1, 1, 5, 1]


@pytest.fixture(scope="module")
def step() -> Any:
    """Of five players, frozen for three steps."""
    return jax.jit(Storm(PLAYERS, freeze=3).step)


def test_who_met_is_frozen_for_the_time_set_and_starts_again(step: Any) -> None:
    state, lengths = crowd(np.ones((PLAYERS, 2))), []
    for number in range(6):
        acts = jnp.full((PLAYERS, 1), FORWARD).at[0, 0].set(INTERACT if number == 0 else FORWARD)
        acts = acts.at[1:3, 0].set(STAY) if number == 0 else acts
        before = state
        state, _ = step(state, acts, streams(number, 1))
        lengths.append(np.asarray(state.frozen)[:3, 0].tolist())
        if number in (1, 2):
            assert np.array_equal(state.place[:3], before.place[:3]) and state.met[0, 1].all() and not state.met[1, 2].any()
    assert lengths[:4] == [[3] * 3, [2] * 3, [1] * 3, [0] * 3]
    assert not np.asarray(state.met).any() and (np.asarray(state.carried)[:3].sum(axis=1) <= 2).all()


def test_frozen_agents_are_neither_met_nor_do_they_send(step: Any) -> None:
    state = crowd(np.ones((PLAYERS, 2)))
    state = state._replace(frozen=state.frozen.at[1, 0].set(4).at[2, 0].set(4))
    _, moved = step(state, jnp.full((PLAYERS, 1), INTERACT), streams(0, 1))
    assert (np.asarray(moved.reward)[:, 0] > 0).tolist() == [False, False, False, True, True]


def test_cells_are_contested_until_all_stand_alone() -> None:
    """Against the definition: nobody shares a cell, who stays keeps its own, and who is turned back is so by somebody there."""
    random = np.random.default_rng(0)
    count, batch = 6, 500
    cells = np.stack([random.permutation(16)[:count] for _ in range(batch)], axis=-1)
    place = np.stack([cells // 4, cells % 4], axis=1).astype(np.int8)
    steps = np.array([[0, 1], [1, 0], [0, -1], [-1, 0], [0, 0]])[random.integers(0, 5, (count, batch))].swapaxes(1, 2)
    wanted = (place + steps).clip(0, 3).astype(np.int8)
    rank = np.stack([random.permutation(count) for _ in range(batch)], axis=-1).astype(np.uint32)
    went = np.asarray(jax.jit(settled)(cells, wanted[:, 0] * 4 + wanted[:, 1], rank))
    after = np.where(went[:, None], wanted, place)
    went = went | (wanted == place).all(axis=1)
    assert (~went).sum() > 200
    for one, other in combinations(range(count), 2):
        assert not (after[one] == after[other]).all(axis=0).any()
    occupied = (wanted[:, None] == after[None]).all(axis=2)
    assert (occupied.any(axis=1) | went).all()


def test_different_cells_are_drawn_each_choice_alike() -> None:
    draw = jax.jit(lambda at: distinct(at, 0, of=4, count=3, directions=4))
    number, way = (np.asarray(each) for each in draw(streams(1, 24000)))
    orders = np.bincount(number[0] * 16 + number[1] * 4 + number[2], minlength=64)
    assert (orders > 0).sum() == 24 and abs(orders[orders > 0] / 24000 - 1 / 24).max() < 0.006
    assert abs(np.bincount(way.ravel(), minlength=4) / 72000 - 0.25).max() < 0.01


def test_agents_start_apart_and_both_colours_take_turns() -> None:
    game = Storm(3, size=6)
    state = jax.jit(game.reset)(streams(0, 4000))
    cells = np.asarray(state.place)[:, 0] * 6 + np.asarray(state.place)[:, 1]
    assert all((cells[a] != cells[b]).all() for a, b in combinations(range(3), 2))
    assert len(np.unique(cells)) == 24 and not _on_coins(game, np.asarray(state.place)).any()
    assert set(np.unique(state.facing)) == {0, 1, 2, 3}
    assert 0.45 < np.asarray(state.red)[0].mean() < 0.55 and (np.asarray(state.red).sum(axis=0) == 6).all()
    mixed = jax.jit(Storm(shuffled=True).reset)(streams(0, 4000))
    assert (np.asarray(mixed.red).sum(axis=0) == 6).all() and abs(np.asarray(mixed.red).mean(axis=1) - 0.5).max() < 0.04


def test_a_long_random_run_breaks_no_rule() -> None:
    """Four on a small grid: apart in every step, within bounds, and with coins where nobody stands."""
    game = Storm(4, size=6, freeze=2)
    env = Episodes(game, horizon=40)

    def body(state: Any, number: Any) -> Any:
        acts = jax.random.choice(jax.random.key(number), 5, (4, 256), p=jnp.array([0.15, 0.15, 0.4, 0.25, 0.05]))
        state, out = env.step(state, acts)
        return state, (state.game.place, state.game.there, out.reward, out.observation.max(), state.game.frozen.max())

    _, found = jax.jit(lambda at: jax.lax.scan(body, env.init(at), jnp.arange(120)))(streams(0, 256))
    place, there, reward, most, frozen = (np.asarray(each) for each in found)
    cells = place[:, :, 0] * 6 + place[:, :, 1]
    assert (np.diff(np.sort(cells, axis=1), axis=1) > 0).all() and place.min() == 0 and place.max() == 5
    on = (place[:, :, None] == game.coins[:, :, None]).all(axis=3).any(axis=1)
    assert not (on & there).any() and frozen.max() == 2 and most.max() <= game.observation_range[1]
    assert (reward > 0).mean() > 0.005 and reward.sum(axis=0).max() <= 3 * game.returns[1]


def test_wrong_arguments_are_refused() -> None:
    for wrong in ({"size": 5}, {"coins": ((0, 8),)}, {"coins": ((1, 1), (1, 1))}):
        with pytest.raises(ValueError, match="needs a size from 6 to 100 and different cells"):
            Storm(**wrong)
    with pytest.raises(ValueError, match="room for them"):
        Storm(25, size=6)
    with pytest.raises(ValueError, match="2 x 2"):
        Storm(payoffs=((1, 2), (3, 4)))  # type: ignore[arg-type]
