"""The peer's side of `marl.py`: JaxMARL's `step` with resets, legal actions drawn at random, all that it gives consumed."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import jax
import jax.numpy as jnp
from peer import serve

held: dict[str, Any] = {}


def make(name: str, count: int | None) -> Any:
    import jaxmarl  # Greets on standard output, which `serve` keeps for answers.

    if name.startswith("smax:"):
        from jaxmarl.environments.smax import HeuristicEnemySMAX, map_name_to_scenario

        return HeuristicEnemySMAX(scenario=map_name_to_scenario(name.partition(":")[2]))
    return jaxmarl.make(name, **({} if count is None else {"num_agents": count, "num_landmarks": count}))


def total(tree: Any) -> Any:
    return sum(jnp.sum(leaf) for leaf in jax.tree.leaves(tree))


def drawn(env: Any, key: Any, state: Any) -> Any:
    """One legal action an agent."""
    kind = type(env).__name__
    if kind.startswith("InTheGrid"):
        return {agent: jax.random.randint(k, (), 0, 5) for agent, k in enumerate(jax.random.split(key, env.num_agents))}
    keys = dict(zip(env.agents, jax.random.split(key, len(env.agents)), strict=True))
    if kind in ("HanabiEnv", "Hanabi", "HeuristicEnemySMAX"):
        masks = env.get_legal_moves(state) if kind.startswith("Hanabi") else env.get_avail_actions(state)
        return {agent: jax.random.categorical(k, jnp.where(masks[agent] > 0, 0.0, -jnp.inf)) for agent, k in keys.items()}
    return {agent: env.action_space(agent).sample(k) for agent, k in keys.items()}


def prepare(name: str, environments: int, steps: int, count: int | None = None) -> dict[str, float]:
    env = make(name, count)

    def run(key: Any) -> tuple[Any, Any]:
        first, key = jax.random.split(key)
        _, state = jax.vmap(env.reset)(jax.random.split(first, environments))

        def body(carry: Any, _: Any) -> tuple[Any, Any]:
            state, key, seen = carry
            key, choosing, stepping = jax.random.split(key, 3)
            actions = jax.vmap(lambda k, s: drawn(env, k, s))(jax.random.split(choosing, environments), state)
            observation, state, reward, done, _ = jax.vmap(env.step)(jax.random.split(stepping, environments), state, actions)
            reward = [reward[a] for a in env.agents] if isinstance(reward, dict) else jax.tree.leaves(reward)
            mean = sum(each.reshape(environments, -1).mean(axis=1) for each in reward) / len(reward)
            return (state, key, seen + total(observation) + total(done)), mean

        (_, _, seen), rewards = jax.lax.scan(body, (state, key, jnp.float32(0)), None, length=steps)
        return seen, rewards.mean(axis=0)

    began = time.process_time()
    compiled = jax.jit(run).lower(jax.random.PRNGKey(0)).compile()
    held.update(run=compiled, number=0, size=environments * steps)
    return {"compile_s": time.process_time() - began}


def measure() -> dict[str, Any]:
    held["number"] += 1
    began = time.process_time()
    _, rewards = jax.block_until_ready(held["run"](jax.random.PRNGKey(held["number"])))
    return {"rate": held["size"] / (time.process_time() - began), "rewards": rewards.tolist()}


if __name__ == "__main__":
    serve({"prepare": prepare, "measure": measure})
