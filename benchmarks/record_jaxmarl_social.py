"""Record single steps of JaxMARL's coin game, switch riddle and two-player STORM from drawn states, for the tests.

    python benchmarks/record_jaxmarl_social.py tests/envs/marl/jaxmarl_social.npz

runs where jaxmarl 0.2.0 is installed, which the tests do not need. Leaves have the states last.
"""

from __future__ import annotations

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxmarl.environments.coin_game.coin_game import CoinGame, EnvState
from jaxmarl.environments.storm import storm_2p
from jaxmarl.environments.switch_riddle.switch_riddle import State as RiddleState
from jaxmarl.environments.switch_riddle.switch_riddle import SwitchRiddle

STATES, CROWDED = 900, 3
"""Three of four states of STORM have both players within so many cells of one another, so that they meet."""
PAYOFFS = [[1, 2, -3], [4, 5, -6]]
"""Of red: for a red coin, a blue one, a red one lost; of blue: for a red, a blue, a blue one lost."""


def last(leaf: Any, dtype: Any = np.int8) -> Any:
    return np.moveaxis(np.asarray(leaf), 0, -1).astype(dtype)


def coin(random: np.random.Generator) -> dict[str, Any]:
    place, actions = random.integers(0, 3, (STATES, 4, 2)), random.integers(0, 5, (STATES, 2))
    place[: STATES // 4, 3] = place[: STATES // 4, 2]
    env, turned = CoinGame(payoff_matrix=PAYOFFS), CoinGame(payoff_matrix=PAYOFFS, egocentric=True)
    none = env.reset(jax.random.key(0))[1]

    def one(key: Any, place: Any, actions: Any) -> Any:
        state = EnvState(
            **{**vars(none), **dict(zip(("red_pos", "blue_pos", "red_coin_pos", "blue_coin_pos"), place, strict=True))}
        )
        _, after, rewards, _, _ = env.step_env(key, state, {"0": actions[0], "1": actions[1]})
        seen = [list(each.get_obs(after).values()) for each in (env, turned)]
        places = jnp.stack([after.red_pos, after.blue_pos, after.red_coin_pos, after.blue_coin_pos])
        return places, jnp.stack(list(rewards.values())), jnp.stack(seen[0]), jnp.stack(seen[1])

    found = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(1), STATES), jnp.asarray(place), jnp.asarray(actions))
    names = ("coin_place_after", "coin_reward", "coin_seen", "coin_seen_egocentric")
    return {"coin_place": last(place), "coin_actions": last(actions), **dict(zip(names, map(last, found), strict=True))}


def riddle(random: np.random.Generator) -> dict[str, Any]:
    env = SwitchRiddle(num_agents=4)
    lit, inside = random.random(STATES) < 0.5, random.integers(0, 4, STATES)
    been, actions = random.random((STATES, 4)) < 0.8, random.integers(0, 3, (STATES, 4))

    def one(key: Any, lit: Any, inside: Any, been: Any, actions: Any) -> Any:
        state = RiddleState(done=False, step=0, bulb_state=lit, agent_in_room=inside, has_been=been.astype(int))
        seen, after, rewards, dones, _ = env.step_env(key, state, dict(zip(env.agents, actions, strict=True)))
        told = jnp.stack([seen[agent] for agent in env.agents])
        return after.bulb_state, after.agent_in_room, after.has_been, rewards["agent_0"], dones["__all__"], told

    drawn = (lit, inside, been, actions)
    found = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(2), STATES), *map(jnp.asarray, drawn))
    before, after = ("lit", "inside", "been", "actions"), ("lit_after", "inside_after", "been_after", "reward", "over", "seen")
    pairs = [*zip(before, drawn, strict=True), *zip(after, found, strict=True)]
    return {f"riddle_{name}": last(value) for name, value in pairs}


def storm_states(random: np.random.Generator) -> dict[str, Any]:
    """Two players, which coins are there, what both carry, and how long they stay frozen."""
    place = random.integers(0, 8, (STATES, 2, 2))
    near = random.integers(-CROWDED + 1, CROWDED, (STATES, 2))
    place[:, 1] = np.where((np.arange(STATES) % 4 > 0)[:, None], (place[:, 0] + near).clip(0, 7), place[:, 1])
    same = (place[:, 0] == place[:, 1]).all(axis=1)
    place[same, 1, 0] = (place[same, 1, 0] + 1) % 8
    frozen = np.where(random.random(STATES) < 0.2, random.integers(1, 6, STATES), -1)
    inventory = random.integers(0, 4, (STATES, 2, 2)) * (random.random((STATES, 2, 1)) < 0.8)
    cells = np.asarray(storm_2p.COIN_SPAWNS)
    there = (random.random((STATES, 12)) < 0.7) & ~(place[:, :, None] == cells).all(axis=3).any(axis=1)
    actions = random.choice(5, (STATES, 2), p=[0.1, 0.1, 0.3, 0.45, 0.05])
    facing, red = random.integers(0, 4, (STATES, 2)), random.integers(0, 2, STATES)
    names = ("place", "facing", "frozen", "inventory", "there", "red", "actions")
    return dict(zip(names, (place, facing, frozen, inventory, there, red, actions), strict=True))


def storm(random: np.random.Generator) -> dict[str, Any]:
    drawn, env = storm_states(random), storm_2p.InTheGrid_2p()
    cells = np.asarray(storm_2p.COIN_SPAWNS)

    def one(key: Any, drawn: Any) -> Any:
        place, facing, frozen, inventory, there, red, actions = drawn
        colour = jnp.where(jnp.arange(12) % 2 == red, 3, 4)
        grid = jnp.zeros((8, 8), jnp.int8).at[cells[:, 0], cells[:, 1]].set(jnp.where(there, colour, 0).astype(jnp.int8))
        grid = grid.at[place[:, 0], place[:, 1]].set(jnp.array([1, 2], jnp.int8))
        stands = jnp.concatenate([place, facing[:, None]], axis=1).astype(jnp.int8)
        coins = [jnp.where(red == at, storm_2p.RED_SPAWN, storm_2p.BLUE_SPAWN) for at in range(2)]
        state = storm_2p.State(
            done=False, step=0, red_pos=stands[0], blue_pos=stands[1], outer_t=0, grid=grid, red_inventory=1.0 * inventory[0],
            blue_inventory=1.0 * inventory[1], red_coins=coins[0], blue_coins=coins[1], freeze=frozen.astype(jnp.int16),
        )  # fmt: skip
        seen, after, rewards, _, _ = env.step_env(key, state, (actions[0], actions[1]))
        stands = jnp.stack([after.red_pos, after.blue_pos])
        views, carried = (jnp.stack([each[name] for each in seen]) for name in ("observation", "inventory"))
        there = after.grid[cells[:, 0], cells[:, 1]] == colour
        held = jnp.stack([after.red_inventory, after.blue_inventory])
        return stands[:, :2], stands[:, 2], after.freeze, held, there, views, carried, jnp.stack(rewards)

    found = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(3), STATES), tuple(map(jnp.asarray, drawn.values())))
    *rest, rewards = found
    names = [f"{name}_after" for name in ("place", "facing", "frozen", "inventory", "there")] + ["views", "carried"]
    pairs = [*drawn.items(), *zip(names, rest, strict=True)]
    return {f"storm_{name}": last(value) for name, value in pairs} | {"storm_reward": last(rewards, np.float32)}


if __name__ == "__main__":
    random = np.random.default_rng(0)
    np.savez_compressed(sys.argv[1], **coin(random), **riddle(random), **storm(random))
