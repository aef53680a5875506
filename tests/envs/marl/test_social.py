"""The coin game and the switch riddle: single steps as JaxMARL's, and what follows from their rules."""

from __future__ import annotations

from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="jax is not installed")
import jax.numpy as jnp  # noqa: E402

from quintain.draws import streams  # noqa: E402
from quintain.envs.marl.coin import coin_game  # noqa: E402
from quintain.envs.marl.coin.coin_game import CoinGame  # noqa: E402
from quintain.envs.marl.riddle import switch  # noqa: E402
from quintain.envs.marl.riddle.switch import SWITCH, TELL, SwitchRiddle  # noqa: E402
from quintain.functional import Seen  # noqa: E402
from quintain.multiagent.episodes import Episodes  # noqa: E402
from quintain.unroll import unroll  # noqa: E402

PAYOFFS = ((1.0, 2.0, -3.0), (5.0, 4.0, -6.0))
"""The recorded ones; JaxMARL has the colours of blue's first two the other way round."""


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    return dict(np.load(Path(__file__).with_name("jaxmarl_social.npz")))


def coins_at(place: Any) -> coin_game.State:
    return coin_game.State(jnp.asarray(place), jnp.zeros((2, 2, place.shape[-1]), jnp.int16))


def test_a_step_of_the_coin_game_is_jaxmarls(recorded: dict[str, Any]) -> None:
    game, place = CoinGame(payoffs=PAYOFFS), recorded["coin_place"]
    reached, moved = jax.jit(game.step)(coins_at(place), jnp.asarray(recorded["coin_actions"]), streams(0, place.shape[-1]))
    assert np.array_equal(reached.place[:2], recorded["coin_place_after"][:2])
    on = (np.asarray(reached.place[:2, None]) == place[None, 2:]).all(axis=2)
    taken = on.any(axis=0)[:, None]
    assert np.array_equal(np.where(taken, 0, reached.place[2:]), np.where(taken, 0, place[2:]))
    assert np.array_equal(moved.reward, recorded["coin_reward"])
    assert {-6.0, -3.0, 1.0, 2.0, 4.0, 5.0} <= set(np.unique(moved.reward).tolist())
    assert np.array_equal(moved.info["own"], [on[0, 0], on[1, 1]]) and np.array_equal(moved.info["others"], [on[0, 1], on[1, 0]])


@pytest.mark.parametrize("egocentric", [False, True])
def test_agents_see_the_torus_as_in_jaxmarl(recorded: dict[str, Any], egocentric: bool) -> None:
    game = CoinGame(egocentric=egocentric)
    seen = game.observe(coins_at(recorded["coin_place_after"]))
    assert np.array_equal(seen, recorded["coin_seen_egocentric" if egocentric else "coin_seen"])


def test_coins_come_back_anywhere_and_every_step_is_paid() -> None:
    """Two agents that stand on both coins: the last step, too, is worth what they take."""
    game, count = CoinGame(shared=True, horizon=1), 9000
    env = Episodes(game, reset="never")
    state = env.init(streams(3, count))
    everywhere = np.asarray(state.game.place).reshape(8, -1)
    assert all(abs(np.bincount(each, minlength=3) / count - 1 / 3).max() < 0.02 for each in everywhere)
    together = state._replace(game=coins_at(np.zeros((4, 2, count), np.int8)))
    state, out = jax.jit(env.step)(together, jnp.full((2, count), 4))
    assert (np.asarray(out.reward) == 0.0).all() and bool(out.truncated.all())  # 1 + 1 - 2 for both, shared.
    back = np.asarray(state.game.place)[2:]
    cells = np.bincount((back[:, 0] * 3 + back[:, 1]).ravel(), minlength=9)
    both = np.bincount(back[0, 0] * 3 + back[1, 0], minlength=9)
    assert abs(cells / (2 * count) - 1 / 9).max() < 0.01 and abs(both / count - 1 / 9).max() < 0.015
    assert game.returns == (-2.0, 2.0) and CoinGame(horizon=10).returns == (-20.0, 20.0)


def test_a_day_of_the_riddle_is_jaxmarls(recorded: dict[str, Any]) -> None:
    found = {name.removeprefix("riddle_"): value for name, value in recorded.items() if name.startswith("riddle_")}
    state = switch.State(*(jnp.asarray(found[name]) for name in ("lit", "inside", "been")))
    state = state._replace(lit=state.lit.astype(bool), been=state.been.astype(bool))
    game = SwitchRiddle(4)
    reached, moved = game.step(state, jnp.asarray(found["actions"]), streams(0, state.lit.shape[0]))
    assert np.array_equal(reached.lit, found["lit_after"]) and np.array_equal(reached.been, found["been_after"])
    assert np.array_equal(moved.reward, np.broadcast_to(found["reward"], (4, len(found["reward"]))))
    assert np.array_equal(moved.terminated, found["over"]) and set(np.unique(moved.reward)) == {-1.0, 0.0, 1.0}
    after = reached._replace(inside=jnp.asarray(found["inside_after"]))
    assert np.array_equal(game.observe(after), found["seen"])


class TellOn:
    """Whoever is in the room on a day says that all have been there; before, the bulb is switched every day."""

    def __init__(self, day: int) -> None:
        self.day = day

    def init(self, environments: int) -> Any:
        return jnp.zeros(environments, jnp.int32)

    def act(self, params: Any, carry: Any, seen: Seen, streams: Any) -> tuple[Any, Any]:
        return carry + 1, jnp.broadcast_to(jnp.where(carry + 1 == self.day, TELL, SWITCH), seen.acting.shape)


@pytest.mark.parametrize(("prisoners", "day"), [(3, 3), (3, 6), (5, 14), (5, 4), (5, 15)])
def test_a_claim_pays_as_often_as_coupons_are_collected(prisoners: int, day: int) -> None:
    """All of n have been drawn in d days with probability sum (-1)^k C(n, k) (1 - k/n)^d."""
    episodes = 6000
    found = unroll(Episodes(SwitchRiddle(prisoners), reset="never"), TellOn(day), seed=2, episodes=episodes)
    horizon = 4 * prisoners - 6
    if day > horizon:
        assert not found.terminated.any() and (found.returns == 0).all() and (found.length == horizon).all()
        return
    all_in = max(0.0, sum((-1) ** k * comb(prisoners, k) * (1 - k / prisoners) ** day for k in range(prisoners + 1)))
    assert found.terminated.all() and (found.length == day).all() and (found.returns == found.returns[0]).all()
    assert (found.returns[0] > 0).mean() == pytest.approx(all_in, abs=4 * (all_in * (1 - all_in) / episodes) ** 0.5 + 1e-9)
    assert np.array_equal(found.info["everybody"], found.returns[0] > 0)


def test_only_the_one_inside_sees_the_bulb_and_may_act() -> None:
    game = SwitchRiddle(3, lit=True)
    state = game.reset(streams(0, 3000))
    inside = np.asarray(state.inside)
    assert abs(np.bincount(inside) / 3000 - 1 / 3).max() < 0.04
    assert np.array_equal(np.asarray(game.mask(state)).sum(axis=1), np.where(np.arange(3)[:, None] == inside, 3, 1))
    outside = jnp.where(game.acting(state), SWITCH, TELL)
    reached, moved = game.step(state, outside, streams(0, 3000))
    assert not moved.terminated.any() and not reached.lit.any() and not game.observe(reached)[:, 1].any()


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="at least two prisoners"):
        SwitchRiddle(1)
    with pytest.raises(ValueError, match="own coin, other's coin"):
        CoinGame(payoffs=((1.0, 1.0), (1.0, 1.0)))  # type: ignore[arg-type]
