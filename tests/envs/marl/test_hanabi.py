"""Hanabi: whole games beside OpenSpiel's, and what it leaves open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

jax = pytest.importorskip("jax", reason="jax is not installed")
import jax.numpy as jnp  # noqa: E402

from quintain.draws import streams  # noqa: E402
from quintain.envs.marl.hanabi.deck import ascending  # noqa: E402
from quintain.envs.marl.hanabi.game import Hanabi  # noqa: E402
from quintain.envs.marl.hanabi.games import GAMES  # noqa: E402
from quintain.envs.marl.hanabi.rules import State, dealt  # noqa: E402

TABLES = 6
CLASSIC = Hanabi()
STEP = jax.jit(CLASSIC.step)
TINY = {"colours": 2, "ranks": 2, "hand": 2, "information": 3, "lives": 1}
SIZES: list[dict[str, int]] = [
    *({"players": players} for players in (2, 3, 4, 5)),
    {"players": 2, **TINY},
    {"players": 3, "colours": 3, "ranks": 4, "hand": 3, "information": 5, "lives": 2},
]


def fresh(seed: int) -> State:
    return jax.jit(CLASSIC.reset)(streams(seed, TABLES))


def careful(legal: list[int], hand: int, random: np.random.Generator) -> int:
    """Rarely plays a card, so that the deck runs out before the lives do."""
    others = [action for action in legal if not hand <= action < 2 * hand]
    return int(random.choice(others if others and random.random() > 0.015 else legal))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_whole_games_are_openspiels(sizes: dict[str, int]) -> None:
    """Half of the tables play at random, and bomb; half carefully, and draw the last card."""
    pytest.importorskip("pyspiel", reason="open_spiel is not installed")
    from hanabi_referee import Referee

    game, random = Hanabi(**sizes), np.random.default_rng(0)
    state, step = jax.jit(game.reset)(streams(0, TABLES)), jax.jit(game.step)
    look = jax.jit(lambda state: (game.observe(state), game.mask(state), game.acting(state)))
    seen, mask, acting = (np.asarray(each) for each in look(state))
    referee, lengths = Referee(np.asarray(state.deck), **sizes), [0] * TABLES
    going = list(range(TABLES))
    while going:
        actions = np.zeros((len(game.agents), TABLES), np.int32)
        for table in going:
            assert (seen[..., table] == referee.seen(table)).all()
            theirs = referee.states[table]
            whose, legal = theirs.current_player(), theirs.legal_actions()
            assert np.flatnonzero(acting[:, table]).tolist() == [whose]
            assert np.flatnonzero(mask[whose, :, table]).tolist() == legal
            assert np.delete(mask[..., table], whose, axis=0).all()
            choice = careful(legal, game.table.hand, random) if table % 2 else int(random.choice(legal))
            actions[whose, table] = choice
            referee.play(table, choice)
            lengths[table] += 1
        state, moved = step(state, jnp.asarray(actions), streams(0, TABLES))
        seen, mask, acting = (np.asarray(each) for each in look(state))
        for table in list(going):
            theirs = referee.states[table]
            assert np.asarray(moved.reward)[:, table].tolist() == theirs.rewards()
            assert moved.info["score"][table] == theirs.returns()[0]
            assert bool(moved.terminated[table]) == theirs.is_terminal()
            if theirs.is_terminal():
                assert (seen[..., table] == referee.seen(table)).all()
                going.remove(table)
    assert max(referee.dealt) == game.table.cards and min(lengths) < max(lengths) <= game.horizon


def test_the_longest_game_takes_the_horizon() -> None:
    """All tokens are spent, then each other move is a discard that pays for the next hint."""
    state, moves, over = fresh(2), 0, False
    mask = jax.jit(CLASSIC.mask)
    while not over:
        legal = np.asarray(mask(state))[moves % 2]
        hint = legal.shape[0] - 1 - legal[::-1].argmax(axis=0)
        state, moved = STEP(state, jnp.asarray([np.where(state.information > 0, hint, 0)] * 2), streams(0, TABLES))
        over, moves = bool(moved.terminated.all()), moves + 1
        assert over or not moved.terminated.any()
    assert moves == CLASSIC.horizon == 89 and not state.turns.any()


@pytest.mark.parametrize("forgiving", [False, True])
def test_a_lost_game_takes_its_points_back_unless_it_is_forgiven(forgiving: bool) -> None:
    game = Hanabi(**TINY, forgiving=forgiving)
    state, step = jax.jit(game.reset)(streams(0, 1)), jax.jit(game.step)
    deck = jnp.array([0, 2, 2, 0, 0, 3, 1, 2], jnp.int8)[:, None]
    state = state._replace(deck=deck, hands=deck[:4].reshape(2, 2, 1))
    state, moved = step(state, jnp.full((2, 1), game.table.hand), streams(0, 1))
    assert moved.reward[:, 0].tolist() == [1.0, 1.0] and not moved.terminated[0]
    state, moved = step(state, jnp.full((2, 1), game.table.hand + 1), streams(0, 1))
    assert moved.terminated[0] and moved.info["score"][0] == int(forgiving)
    assert moved.reward[:, 0].tolist() == ([0.0, 0.0] if forgiving else [-1.0, -1.0])


def test_an_illegal_move_passes_the_turn() -> None:
    state = fresh(0)
    untrue = 10 + np.asarray(CLASSIC.mask(state))[0, 10:].argmin(axis=0)
    for choices in (np.arange(TABLES) % 5, untrue):
        reached, moved = STEP(state, jnp.asarray([choices] * 2), streams(0, TABLES))
        assert (reached.player == 1).all() and (reached.move == -1).all()
        assert not moved.reward.any() and not moved.terminated.any()
        for name in ("hands", "colours", "ranks", "information", "lives", "dealt", "turns"):
            assert (getattr(reached, name) == getattr(state, name)).all()


def test_decks_hold_every_card_and_lie_in_every_order() -> None:
    tables, cards, reset = 4000, CLASSIC.table.deck, jax.jit(CLASSIC.reset)
    decks, counts = np.asarray(reset(streams(1, tables)).deck), np.bincount(cards)
    assert (np.sort(decks.T) == np.array(cards)).all()
    for place in (0, 9, 10, 31, 49):
        assert stats.chisquare(np.bincount(decks[place], minlength=25), counts / 50 * tables).pvalue > 1e-3
    alike = (decks[:-1] == decks[1:]).mean(axis=0)
    assert stats.ttest_1samp(alike, (counts * (counts - 1)).sum() / (50 * 49)).pvalue > 1e-3
    assert (decks[:, 2000 : 2000 + TABLES] == np.asarray(reset(streams(1, TABLES, first=2000)).deck)).all()


@pytest.mark.parametrize("rows", [1, 5, 50])
def test_the_network_sorts(rows: int) -> None:
    numbers = np.random.default_rng(rows).integers(0, 2**32, (rows, 30), dtype=np.uint32)
    assert (np.asarray(jax.jit(ascending)(numbers)) == np.sort(numbers, axis=0)).all()


@pytest.mark.parametrize("players", [2, 3, 4, 5])
def test_a_state_is_small(players: int) -> None:
    state = jax.eval_shape(Hanabi(players).reset, streams(0, 1))
    assert sum(leaf.size * leaf.dtype.itemsize for leaf in state) < 200


def test_counted_beliefs_share_one_out_among_what_is_left() -> None:
    counted, state, random, mask = Hanabi(belief="counted"), fresh(3), np.random.default_rng(1), jax.jit(CLASSIC.mask)
    for move in range(88):
        legal = np.asarray(mask(state))[move % 2].T
        choices = [careful(np.flatnonzero(row).tolist(), 5, random) for row in legal]
        state, _ = STEP(state, jnp.array([choices] * 2), streams(0, TABLES))
    before, after = (np.asarray(jax.jit(game.observe)(state)) for game in (CLASSIC, counted))
    assert (before[:, :308] == after[:, :308]).all()
    possible, shares = (each[:, 308:].reshape(2, 10, 35, TABLES) for each in (before, after))
    held = possible[:, :, :25].any(axis=2, keepdims=True)
    assert held.any() and not held.all()
    assert (possible[:, :, 25:] == shares[:, :, 25:]).all() and (possible[:, :, :25] >= shares[:, :, :25]).all()
    assert shares[:, :, :25].sum(axis=2) == pytest.approx(held[:, :, 0].astype(float))
    assert len(np.unique(shares)) > 10


@pytest.mark.parametrize("players", [2, 3])
def test_counted_beliefs_are_jaxmarls(players: int) -> None:
    """Whole observations of recorded games; recorded by `benchmarks/hanabi_fixture.py`."""
    record = np.load(Path(__file__).with_name("jaxmarl_hanabi.npz"))
    deck, actions, theirs = (record[f"{name}_{players}"] for name in ("deck", "actions", "seen"))
    game = Hanabi(players, belief="counted")
    state, step, look = dealt(game.table, jnp.asarray(deck)), jax.jit(game.step), jax.jit(game.observe)
    every = -(-len(actions) // len(theirs))
    for move, action in enumerate(actions):
        if move % every == 0:
            assert np.asarray(look(state)) == pytest.approx(theirs[move // every], abs=1e-6)
        state, _ = step(state, jnp.broadcast_to(jnp.asarray(action, jnp.int32), (players, len(action))), streams(0, len(action)))
    assert (np.asarray(game.score(state)) > 5).all()


def test_the_named_sizes_are_the_learning_environments() -> None:
    assert [GAMES[name]().observation_sizes[0] for name in ("full", "small", "very_small")] == [658, 171, 106]
    assert GAMES["small"](players=3, lives=2).table[:6] == (3, 2, 5, 2, 3, 2)


def test_sizes_outside_the_rules_are_refused() -> None:
    for wrong, message in (
        ({"players": 6}, "2 to 5 players"),
        ({"players": 5, "colours": 1, "hand": 3}, "card for each place"),
        ({"lives": 0}, "1 to 99 lives"),
        ({"belief": "sure"}, "'possible' or 'counted'"),
    ):
        with pytest.raises(ValueError, match=message):
            Hanabi(**wrong)
