"""Records games of JaxMARL's Hanabi, whose beliefs are counted, for `tests/envs/marl/test_hanabi.py`.

``python benchmarks/hanabi_fixture.py tests/envs/marl/jaxmarl_hanabi.npz`` in an environment with jaxmarl 0.2.0.
"""

from __future__ import annotations

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxmarl import make

GAMES, MOVES, EVERY = 3, 61, 5
HAND = 5
COPIES = (3, 2, 2, 2, 1)


def choice(state: Any, legal: np.ndarray, whose: int, rng: np.random.Generator) -> int:
    """Plays a card that fits every third time or so, and else hints or discards."""
    hand, fireworks = np.asarray(state.player_hands)[whose], np.asarray(state.fireworks)
    for slot in range(HAND):
        if hand[slot].any() and rng.random() < 0.3:
            colour, rank = np.argwhere(hand[slot])[0]
            if fireworks[colour].sum() == rank:
                return HAND + slot
    others = [action for action in np.flatnonzero(legal[:-1]) if not HAND <= action < 2 * HAND]
    return int(rng.choice(others if others else np.flatnonzero(legal[:-1])))


def game(env: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
    pairs = np.array([(colour, rank) for colour in range(5) for rank in range(5) for _ in range(COPIES[rank])])
    pairs = rng.permutation(pairs)
    step, legal = jax.jit(env.step_env), jax.jit(env.get_legal_moves)
    seen, state = env.reset_from_deck_of_pairs(jnp.asarray(pairs))
    actions, observations = [], []
    for move in range(MOVES):
        if move % EVERY == 0:
            observations.append([np.asarray(seen[agent]) for agent in env.agents])
        whose = move % env.num_agents
        action = choice(state, np.asarray(legal(state)[env.agents[whose]]), whose, rng)
        actions.append(action)
        given = {agent: jnp.int32(action if at == whose else env.num_moves - 1) for at, agent in enumerate(env.agents)}
        seen, state, _, over, _ = step(jax.random.key(0), state, given)
        if bool(over["__all__"]):
            raise RuntimeError(f"the game ended after {move + 1} moves; take another seed")
    return {
        "deck": (pairs[:, 0] * 5 + pairs[:, 1]).astype(np.int8),
        "actions": np.array(actions, np.int8),
        "seen": np.array(observations, np.float32),
    }


def main(path: str) -> None:
    found = {}
    for players in (2, 3):
        env, rng = make("hanabi", num_agents=players), np.random.default_rng(players)
        games = [game(env, rng) for _ in range(GAMES)]
        found |= {f"{name}_{players}": np.stack([each[name] for each in games], axis=-1) for name in games[0]}
    np.savez_compressed(path, **found)


if __name__ == "__main__":
    main(sys.argv[1])
