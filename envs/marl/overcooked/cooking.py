"""What happens in a kitchen: cooks interact one after the other, then move together, then the pots cook (`overcooked_mdp.py`
of overcooked 0.2.1)."""

from __future__ import annotations

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from quintain.envs.marl.overcooked.kitchens import COOKS, Kitchen

Dynamics = Literal["old", "new"]
"""Old: a pot of three onions starts to cook by itself. New: who interacts with it with empty hands starts it, at any number."""
UP, DOWN, RIGHT, LEFT, STAY, INTERACT = range(6)
"""Actions; the first four are directions, too."""
NOTHING, ONION, DISH, PLATED = range(4)
"""What is in a hand or on a counter; a soup of k onions on its dish is PLATED + k - 1."""
FULL = 3
ORDERED = PLATED + FULL - 1
COOKED = 20
IDLE = -1
DELIVERY = 20.0
POTTED, USEFUL_DISH, SOUP = 3.0, 3.0, 5.0
"""Shaped rewards: an onion into a pot, a dish taken when there is use for it, a soup out of a pot."""


class State(NamedTuple):
    place: Array
    """[cooks, environments]: the cell of each."""
    facing: Array
    """int8 [cooks, environments]: a direction."""
    held: Array
    """int8 [cooks, environments]."""
    items: Array
    """int8 [counters, environments]: what lies on each."""
    onions: Array
    """int8 [pots, environments]."""
    ticks: Array
    """int8 [pots, environments]: steps that each has cooked, `COOKED` when it is ready, `IDLE` before."""
    time: Array
    """int16 [environments]: steps done; the encoding tells when the end is near."""


class Things(NamedTuple):
    """What is in a kitchen but the cooks."""

    items: Array
    onions: Array
    ticks: Array
    dishes: Array
    """int8 [environments]: that are held."""


class Cook(NamedTuple):
    """Of one cook, each [environments]."""

    front: Array
    """The cell that is faced."""
    held: Array
    acts: Array
    """bool: interacts in this step."""


class Done(NamedTuple):
    """What an interaction came to, each [environments]."""

    held: Array
    served: Array
    """bool: a soup that was ordered."""
    shaped: Array
    """float32."""


def begun(room: Kitchen, environments: int) -> State:
    """Cooks at their starts, facing up, with empty hands; empty counters and pots."""

    def filled(rows: int, value: int) -> Array:
        return jnp.full((rows, environments), value, jnp.int8)

    place = jnp.broadcast_to(jnp.array(room.starts, numbering(room))[:, None], (COOKS, environments))
    still = filled(len(room.pots), 0)
    time = jnp.zeros(environments, jnp.int16)
    return State(
        place, filled(COOKS, UP), filled(COOKS, NOTHING), filled(len(room.counters), NOTHING), still, still + jnp.int8(IDLE), time
    )


def numbering(room: Kitchen) -> type:
    """The smallest type that holds each cell's number."""
    return jnp.int8 if room.cells <= 127 else jnp.int16


def interacted(room: Kitchen, state: State, actions: Array, dynamics: Dynamics) -> tuple[State, Done]:
    """After the first cook's interaction, then the second's; what each came to, [cooks, environments]."""
    steaming = ((state.ticks >= 0) | ((state.onions > 0) & (state.onions < FULL))).sum(axis=0, dtype=jnp.int8)
    dishes = (state.held == DISH).sum(axis=0, dtype=jnp.int8)

    def interaction(things: Things, cook: Cook) -> tuple[Things, Done]:
        return _interaction(room, things, cook, started=dynamics == "new", steaming=steaming)

    # A loop also compiles to less, and to no work that is done again for each use of its result.
    things, done = jax.lax.scan(
        interaction,
        Things(state.items, state.onions, state.ticks, dishes),
        Cook(state.place + ahead(room, state.facing), state.held, actions == INTERACT),
    )
    return state._replace(held=done.held, items=things.items, onions=things.onions, ticks=things.ticks), done


def _interaction(room: Kitchen, things: Things, cook: Cook, *, started: bool, steaming: Array) -> tuple[Things, Done]:
    """`started`: pots are, by empty hands; `steaming`: pots before the step that hold something and do not wait for that."""
    held, acts = cook.held, cook.acts
    empty = held == NOTHING
    touched = _among(cook.front, room.counters) & acts
    there = jnp.where(touched, things.items, 0).max(axis=0, initial=0)
    swaps = touched.any(axis=0) & (empty != (there == NOTHING))
    takes_onion = acts & empty & _among(cook.front, room.onions).any(axis=0)
    takes_dish = acts & empty & _among(cook.front, room.dishes).any(axis=0)
    useful = takes_dish & (things.items != DISH).all(axis=0) & (things.dishes < steaming)
    serves = acts & (held >= PLATED) & _among(cook.front, room.serving).any(axis=0)

    at, idle = _among(cook.front, room.pots) & acts, things.ticks < 0
    fills = at & idle & (things.onions < FULL) & (held == ONION)
    plates = at & (things.ticks >= COOKED) & (held == DISH)
    starts = at & idle & (things.onions > 0) & empty & started
    soup = jnp.where(plates, things.onions + jnp.int8(PLATED - 1), 0).max(axis=0)
    onions = jnp.where(plates, 0, things.onions + fills).astype(jnp.int8)
    ticks = jnp.where(plates, IDLE, jnp.where(starts, 0, things.ticks)).astype(jnp.int8)

    potted, plated = fills.any(axis=0), plates.any(axis=0)
    after = jnp.where(swaps, there, jnp.where(potted | serves, NOTHING, jnp.where(plated, soup, held)))
    after = jnp.where(takes_onion, ONION, jnp.where(takes_dish, DISH, after)).astype(jnp.int8)
    items = jnp.where(touched & swaps, held, things.items)
    shaped = jnp.where(potted, POTTED, jnp.where(plated, SOUP, jnp.where(useful, USEFUL_DISH, 0.0)))
    dishes = things.dishes + (after == DISH).astype(jnp.int8) - (held == DISH).astype(jnp.int8)
    return Things(items, onions, ticks, dishes), Done(after, serves & (held == ORDERED), shaped.astype(jnp.float32))


def walked(room: Kitchen, state: State, actions: Array) -> State:
    """Cooks turn where they are told to, and go there if it is floor; if they would meet or swap places, both stay."""
    moves = actions < STAY
    facing = jnp.where(moves, actions, state.facing).astype(jnp.int8)
    wanted = state.place + ahead(room, facing)
    free = moves & _among(wanted, room.floor).any(axis=0)
    target = jnp.where(free, wanted, state.place)
    meet = (target[0] == target[1]) | ((target[0] == state.place[1]) & (target[1] == state.place[0]))
    return state._replace(place=jnp.where(meet, state.place, target), facing=facing)


def cooked(state: State, dynamics: Dynamics) -> State:
    """One tick of the pots."""
    ticks = state.ticks
    if dynamics == "old":
        ticks = jnp.where((ticks < 0) & (state.onions == FULL), 0, ticks)
    ticks = ticks + ((ticks >= 0) & (ticks < COOKED))
    return state._replace(ticks=ticks.astype(jnp.int8), time=state.time + jnp.int16(1))


def ahead(room: Kitchen, facing: Array) -> Array:
    """How far off, in numbers of cells, the cell is that is faced."""
    sideways = jnp.where(facing == RIGHT, 1, -1)
    return jnp.where(facing == UP, -room.width, jnp.where(facing == DOWN, room.width, sideways)).astype(numbering(room))


def _among(places: Array, cells: tuple[int, ...]) -> Array:
    """bool [cells, *places]: which of the cells it is."""
    return places[None] == jnp.array(cells, places.dtype).reshape(-1, *(1,) * places.ndim)
