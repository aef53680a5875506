"""Records what JaxMARL's SMAX does from set states, for `tests/envs/marl/test_smax.py` where JaxMARL is not installed.

``python benchmarks/smax_fixture.py tests/envs/marl/smax.npz`` in an environment with jaxmarl 0.2.0.
"""

from __future__ import annotations

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxmarl.environments.smax import SMAX, HeuristicEnemySMAX, map_name_to_scenario
from jaxmarl.environments.smax.heuristic_enemy import (
    HeuristicPolicyState,
    create_heuristic_policy,
    get_heuristic_policy_initial_state,
)
from jaxmarl.environments.smax.smax_env import State

STATES = {"3m": 40, "2s3z": 16, "5m_vs_6m": 10, "3s5z_vs_3s6z": 4, "6h_vs_8z": 4, "smacv2_5_units": 20}
CONTINUOUS = ("2s3z", "5m_vs_6m")
BATTLES, EPISODES, STEPS = ("3m", "2s3z", "5m_vs_6m"), 3000, 100
Found = dict[str, np.ndarray]


def states(env: Any, types: np.ndarray, count: int, rng: np.random.Generator) -> Found:
    """Crowds, single units, units at the walls, the nearly dead, the dead, and whole teams about to die."""
    units, team = env.num_agents, env.num_allies
    spread = rng.choice([2.0, 5.0, 15.9], size=(count, 1, 1))
    position = np.clip(16 + rng.uniform(-1, 1, (count, units, 2)) * spread, 0.01, 31.99)
    position = np.where(rng.random((count, units, 1)) < 0.05, rng.choice([0.02, 31.98], (count, units, 2)), position)
    full = np.asarray(env.unit_type_health)[types]
    health = np.ceil(full * rng.uniform(0, 1, (count, units)))
    health = np.where(rng.random((count, units)) < 0.3, rng.integers(1, 12, (count, units)), health)
    health = np.where(rng.random((count, units)) < 0.15, 0, health)
    doomed = rng.integers(0, 8, (count, 1))
    first = np.arange(units)[None] < team
    health = np.where(((doomed == 1) & first) | ((doomed == 2) & ~first) | (doomed == 3), np.minimum(health, 3), health)
    health[:, 0] = np.maximum(health[:, 0], 1)
    health[:, -1] = np.maximum(health[:, -1], 1)
    pause = np.asarray(env.unit_type_weapon_cooldowns)[types]
    cooldown = np.where(rng.random((count, units)) < 0.6, -rng.uniform(0, 1, (count, units)), pause * rng.random((count, units)))
    foes = np.where(np.arange(units) < team, units - team, team)
    actions = np.where(
        rng.random((count, units)) < 0.7, 5 + rng.integers(0, foes, (count, units)), rng.integers(0, 5, (count, units))
    )
    return {
        "position": position.astype(np.float32),
        "health": health.astype(np.float32),
        "cooldown": cooldown.astype(np.float32),
        "attack": rng.integers(0, 2, (count, units)) * (5 + rng.integers(0, foes, (count, units))),
        "types": types,
        "actions": actions,
    }


def placed(env: Any, found: Found) -> Any:
    """A batch of JaxMARL's states."""
    count, units = found["health"].shape
    return State(
        unit_positions=jnp.array(found["position"]),
        unit_alive=jnp.array(found["health"] > 0),
        unit_teams=jnp.broadcast_to((jnp.arange(units) >= env.num_allies) * 1.0, (count, units)),
        unit_health=jnp.array(found["health"]),
        unit_types=jnp.array(found["types"], jnp.uint8),
        unit_weapon_cooldowns=jnp.array(found["cooldown"]),
        prev_movement_actions=jnp.zeros((count, units, 2)),
        prev_attack_actions=jnp.array(found["attack"], jnp.int32),
        step=jnp.zeros(count, jnp.int32),
        done=jnp.zeros(count, bool),
    )


def stepped(env: Any, found: Found) -> Found:
    actions = {agent: jnp.array(found["actions"][:, at]) for at, agent in enumerate(env.agents)}
    keys = jax.random.split(jax.random.PRNGKey(0), len(found["health"]))
    seen, state, rewards, dones, _ = jax.jit(jax.vmap(env.step_env))(keys, placed(env, found), actions)
    legal = jax.jit(jax.vmap(env.get_avail_actions))(state)
    most = max(each.shape[-1] for each in legal.values())
    masks = [np.pad(np.asarray(legal[agent]), ((0, 0), (0, most - legal[agent].shape[-1]))) for agent in env.agents]
    return {
        "after_position": np.asarray(state.unit_positions),
        "after_health": np.asarray(state.unit_health),
        "after_cooldown": np.asarray(state.unit_weapon_cooldowns),
        "after_move": np.asarray(state.prev_movement_actions),
        "after_attack": np.asarray(state.prev_attack_actions),
        "rewards": np.stack([np.asarray(rewards[agent]) for agent in (env.agents[0], env.agents[-1])]),
        "done": np.asarray(dones["__all__"]),
        "mask": np.stack(masks, axis=1).astype(bool),
        "observation": np.stack([np.asarray(seen[agent]) for agent in env.agents], axis=1),
        "world": np.asarray(seen["world_state"]),
    }


def scripted(env: Any, found: Found, rng: np.random.Generator) -> Found:
    """What the heuristic does from these states with random memories, by team."""
    count, units = found["health"].shape
    seen = jax.jit(jax.vmap(env.get_obs))(placed(env, found))
    goal = rng.uniform(1, 31, (count, units, 2)).astype(np.float32)
    foes = np.where(np.arange(units) < env.num_allies, units - env.num_allies, env.num_allies)
    target = np.where(rng.random((count, units)) < 0.5, -1, rng.integers(0, foes, (count, units)))
    actions, after = [], []
    for at, agent in enumerate(env.agents):
        policy = create_heuristic_policy(env, int(at >= env.num_allies))
        memory = HeuristicPolicyState(jnp.array(goal[:, at]), jnp.array(target[:, at]))
        action, memory = jax.jit(jax.vmap(policy))(jax.random.split(jax.random.PRNGKey(at), count), memory, seen[agent])
        actions.append(np.asarray(action))
        after.append(np.asarray(memory.last_attacked_enemy))
    return {"goal": goal, "target": target, "scripted": np.stack(actions, 1), "after_target": np.stack(after, 1)}


def battles(name: str, clever: bool) -> np.ndarray:
    """[3, episodes]: won, return, length of the allies, random among legal actions or scripted, against the scripted enemy."""
    env = HeuristicEnemySMAX(scenario=map_name_to_scenario(name), max_steps=STEPS - 1)
    policy = create_heuristic_policy(env._env, 0)

    def act(key: Any, state: Any, memory: Any) -> Any:
        keys = jax.random.split(key, env.num_agents)
        if clever:
            seen = env._env.get_obs(state.state)
            rows = jnp.stack([seen[agent] for agent in env.agents])
            actions, memory = jax.vmap(policy)(keys, memory, rows)
        else:
            legal = env.get_avail_actions(state)
            rows = jnp.stack([legal[agent] for agent in env.agents])
            actions = jax.vmap(jax.random.categorical)(keys, jnp.where(rows, 0.0, -jnp.inf))
        return {agent: actions[at] for at, agent in enumerate(env.agents)}, memory

    def one(key: Any) -> Any:
        _, state = env.reset(key)
        memory = jax.tree.map(lambda *leaves: jnp.stack(leaves), *([get_heuristic_policy_initial_state()] * env.num_agents))

        def body(held: Any, key: Any) -> Any:
            state, memory, going, found = held
            chosen, playing = jax.random.split(key)
            actions, memory = act(chosen, state, memory)
            _, state, rewards, dones, _ = env.step_env(playing, state, actions)
            reward = rewards[env.agents[0]]
            found = found + jnp.where(going, jnp.stack([reward >= 1.0, reward, 1.0]), 0.0)
            return (state, memory, going & ~dones["__all__"], found), None

        held = (state, memory, jnp.array(True), jnp.zeros(3))
        return jax.lax.scan(body, held, jax.random.split(key, STEPS))[0][3]

    return np.asarray(jax.jit(jax.vmap(one))(jax.random.split(jax.random.PRNGKey(7), EPISODES))).T


def recorded() -> Found:
    rng, kept = np.random.default_rng(0), {}
    for name, count in STATES.items():
        scenario = map_name_to_scenario(name)
        env = SMAX(scenario=scenario)
        types = np.broadcast_to(np.asarray(scenario.unit_types), (count, env.num_agents))
        if scenario.smacv2_unit_type_generation:
            types = rng.integers(0, 6, types.shape)
        found = states(env, types, count, rng)
        found |= stepped(env, found) | scripted(env, found, rng)
        kept |= {f"{name}/{key}": value for key, value in found.items()}
    for name in CONTINUOUS:
        scenario = map_name_to_scenario(name)
        env = SMAX(scenario=scenario, action_type="continuous")
        found = states(env, np.broadcast_to(np.asarray(scenario.unit_types), (12, env.num_agents)), 12, rng)
        numbers = rng.random((12, env.num_agents, 4))
        numbers[:, :, :2] = np.round(numbers[:, :, :2])  # Chances of 0 and 1: nothing is left to the dice.
        found["actions"] = numbers.astype(np.float32)
        found |= {key: value for key, value in stepped(env, found).items() if key.startswith("after")}
        kept |= {f"continuous {name}/{key}": value for key, value in found.items()}
    return kept


def compact(leaf: np.ndarray) -> np.ndarray:
    return leaf.astype(np.int8) if leaf.dtype.kind in "iu" else leaf


if __name__ == "__main__":
    kept = {key: compact(value) for key, value in recorded().items()}
    for name in BATTLES:
        for clever in (False, True):
            found = battles(name, clever).astype(np.float64)
            spread = found.std(axis=1, ddof=1) / np.sqrt(EPISODES)
            kept[f"battles {name}/{'scripted' if clever else 'random'}"] = np.stack([found.mean(axis=1), spread])
            print(name, clever, kept[f"battles {name}/{'scripted' if clever else 'random'}"])
    np.savez_compressed(sys.argv[1], **kept)
