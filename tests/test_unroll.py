"""Whole runs as one program: ends are exact, and nothing hangs on how a run is cut up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

jnp = pytest.importorskip("jax.numpy", reason="jax is not installed")

from quintain.draws import categorical  # noqa: E402
from quintain.envs.marl.mpe.spread import Spread  # noqa: E402
from quintain.errors import UsageError  # noqa: E402
from quintain.functional import POLICY, FunctionalEnv, Seen, TeamPolicy  # noqa: E402
from quintain.multiagent.episodes import Episodes  # noqa: E402
from quintain.unroll import unroll  # noqa: E402

RANDOM_RETURN = -26.2
"""Per agent over 25 steps in mpe2: 800 episodes, standard error 0.27."""
DEVICES = """
import os, json, jax, numpy as np
from test_unroll import Anything, Episodes, Spread
from quintain.unroll import compiled, unroll
env, policy, found = Episodes(Spread(3), reset="never"), Anything(), []
for count in (1, 2, 8):
    mesh = jax.make_mesh((count,), ("env",), devices=jax.devices()[:count])
    found.append(unroll(env, policy, seed=3, episodes=1001, mesh=mesh))
text = compiled(env, policy, None, episodes=1024, mesh=mesh).as_text()
print(json.dumps({"devices": jax.device_count(), 
    "apart": [float(np.abs(each.returns - found[0].returns).max()) for each in found],
    "shape": found[2].returns.shape, "moved": [word for word in ("all-gather", "all-to-all") if word in text]}))
"""


class Anything:
    """Acts at random among what is legal."""

    def init(self, environments: int) -> Any:
        return ()

    def act(self, params: Any, carry: Any, seen: Seen, streams: Any) -> tuple[Any, Any]:
        return carry, categorical(streams, POLICY, jnp.where(seen.mask, 0.0, -jnp.inf), axis=1)


def test_a_random_policy_has_the_referees_mean_return() -> None:
    env, policy = Episodes(Spread(3), reset="never"), Anything()
    assert isinstance(env, FunctionalEnv) and isinstance(policy, TeamPolicy)
    found = unroll(env, policy, seed=1, episodes=4000)
    assert found.returns.shape == (3, 4000) and (found.length == 25).all() and not found.terminated.any()
    assert found.returns.mean() == pytest.approx(RANDOM_RETURN, abs=0.8)


def test_a_run_may_be_split_and_resets_change_nothing() -> None:
    policy, whole = Anything(), unroll(Episodes(Spread(2), reset="never"), Anything(), seed=4, episodes=300)
    half = unroll(Episodes(Spread(2), reset="never"), policy, seed=4, episodes=150, first=150)
    assert half.returns == pytest.approx(whole.returns[:, 150:], abs=1e-5)
    again = unroll(Episodes(Spread(2)), policy, seed=4, episodes=300)
    assert again.returns == pytest.approx(whole.returns, abs=1e-5)
    other = unroll(Episodes(Spread(2), reset="never"), policy, seed=5, episodes=300)
    assert not np.allclose(other.returns, whole.returns)


def test_limits_are_exact_and_wrong_numbers_are_refused() -> None:
    found = unroll(Episodes(Spread(1), horizon=7, reset="never"), Anything(), seed=0, episodes=5)
    assert (found.length == 7).all()
    for wrong in ({"episodes": 0}, {"episodes": 5, "seed": -1}, {"episodes": 5, "first": 2**32}):
        with pytest.raises(UsageError, match="unroll: needs episodes"):
            unroll(Episodes(Spread(1)), Anything(), **{"seed": 0, **wrong})
    with pytest.raises(UsageError, match="horizon must be at least 1"):
        Episodes(Spread(1), horizon=0)


def test_one_two_and_eight_devices_play_the_same_episodes() -> None:
    """Without moving states between devices; in a process of its own, since devices are counted once."""
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    environment["PYTHONPATH"] = os.pathsep.join([os.path.dirname(__file__), environment.get("PYTHONPATH", "")])  # noqa: PTH120
    done = subprocess.run(
        [sys.executable, "-c", DEVICES], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert (found["devices"], found["shape"], found["moved"]) == (8, [3, 1001], [])
    # Returns near -26 in single precision; loops of other lengths are vectorised otherwise.
    assert max(found["apart"]) < 2e-5
