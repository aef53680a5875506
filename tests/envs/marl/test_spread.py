"""simple_spread against mpe2."""

from __future__ import annotations

import numpy as np
import pytest
from mpe_referee import SQUEEZED, Referee

jnp = pytest.importorskip("jax.numpy", reason="jax is not installed")

from quintain.draws import streams  # noqa: E402
from quintain.multiagent.episodes import Episodes  # noqa: E402
from quintain.envs.marl.mpe.spread import Spread, State  # noqa: E402


@pytest.mark.parametrize("count", [1, 3, 5])
@pytest.mark.parametrize("scale", [1.0, SQUEEZED])
def test_one_step_is_mpe2s(count: int, scale: float) -> None:
    game, referee = Spread(count), Referee("simple_spread_v3", N=count)
    random = np.random.default_rng(count)
    places, paces = random.uniform(-scale, scale, (2 * count, 2, 20)), random.normal(size=(count, 2, 20))
    actions = random.integers(0, 5, (count, 20))
    state = State(*(jnp.asarray(each, jnp.float32) for each in (places[:count], paces, places[count:])))
    reached, moved = game.step(state, jnp.asarray(actions), streams(0, 20))
    seen = game.observe(reached)
    for batch in range(20):
        referee.put(places[..., batch], paces[..., batch])
        theirs, rewards, _ = referee.step(actions[:, batch].tolist())
        assert np.asarray(seen[..., batch]) == pytest.approx(np.stack(theirs), abs=1e-5)
        assert np.asarray(moved.reward[:, batch]) == pytest.approx(rewards, abs=1e-5)
    if scale < 1 and count > 1:
        assert float(moved.reward.min()) < float(game.reward(reached)[0].max())


def test_a_free_run_is_mpe2s_to_the_end_of_the_episode() -> None:
    env, referee = Episodes(Spread(3)), Referee("simple_spread_v3", N=3)
    state = env.init(streams(5, 1))
    game = state.game
    referee.put(np.concatenate([game.position, game.landmarks])[..., 0], np.asarray(game.velocity)[..., 0])
    random = np.random.default_rng(0)
    for step in range(25):
        actions = random.integers(0, 5, 3)
        state, out = env.step(state, jnp.asarray(actions)[:, None])
        theirs, rewards, truncated = referee.step(actions.tolist())
        assert np.asarray(out.final_observation[..., 0]) == pytest.approx(np.stack(theirs), abs=1e-4)
        assert np.asarray(out.reward[:, 0]) == pytest.approx(rewards, abs=1e-4)
        assert bool(out.truncated[0]) == truncated == (step == 24)
    assert int(state.streams.episode[0]) == 1 and not bool(out.terminated[0])
