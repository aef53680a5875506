"""From the id of a multi-agent world to a functional environment."""

from __future__ import annotations

import fnmatch
import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from quintain.errors import UsageError
from quintain.functional import Game
from quintain.registry import catalog, lookup, suggest

if TYPE_CHECKING:
    from gymnasium.vector import AutoresetMode
    from pettingzoo import AECEnv

    from .episodes import Episodes, Reset
    from .parallel import ParallelWorld
    from .vector import Seats, VectorWorld

Factories = Mapping[str, Callable[..., Game]]


def make_game(world: str, **arguments: Any) -> Game:
    """The rules of a world such as ``mpe/simple_spread_v3``.

    Raises:
        UsageError: an unknown family or name (offers the nearest), or arguments that the world does not take.
        Unavailable: JAX, or what else the family needs, is not installed.
    """
    factory = _factory(world)
    known = inspect.signature(factory).parameters
    for argument in arguments:
        if argument not in known and not any(each.kind is each.VAR_KEYWORD for each in known.values()):
            raise UsageError(f"{world} takes no argument {argument!r}{suggest(argument, known)}")
    try:
        return factory(**arguments)
    except ValueError as error:
        raise UsageError(f"{world}: {error}") from None


def make_functional(world: str, *, horizon: int | None = None, reset: Reset = "same step", **arguments: Any) -> Episodes:
    """A world as pure functions over arrays.

    Args:
        horizon: steps of an episode; by default the world's own.
        reset: ``"same step"`` starts the next episode in the step that ended one; ``"never"`` leaves that to the caller.
        arguments: of the world.

    Raises:
        UsageError, Unavailable: as `make_game`.
    """
    try:
        return _made(world, horizon, reset, tuple(sorted(arguments.items())))
    except TypeError:  # Some argument cannot be hashed.
        return _made.__wrapped__(world, horizon, reset, tuple(sorted(arguments.items())))


@lru_cache(maxsize=128)
def _made(world: str, horizon: int | None, reset: Reset, arguments: tuple[tuple[str, Any], ...]) -> Episodes:
    """One object for equal wishes: it has no state, and its programs are compiled once."""
    from .episodes import Episodes

    given = dict(arguments)
    if horizon is not None and "horizon" in inspect.signature(_factory(world)).parameters:
        given["horizon"] = horizon  # Bounds, and what some worlds show, hang on it.
    return Episodes(make_game(world, **given), horizon=horizon, reset=reset)


def make_parallel(world: str, *, horizon: int | None = None, **arguments: Any) -> ParallelWorld:
    """A world as a PettingZoo `ParallelEnv`; arguments and errors as `make_functional`."""
    from .parallel import ParallelWorld

    return ParallelWorld(make_functional(world, horizon=horizon, **arguments), name=world)


def make_aec(world: str, *, horizon: int | None = None, **arguments: Any) -> AECEnv[str, Any, Any]:
    """A world as a PettingZoo AEC environment; arguments and errors as `make_functional`."""
    from .aec import as_aec

    return as_aec(make_parallel(world, horizon=horizon, **arguments))


def make_vector(
    world: str,
    copies: int,
    *,
    seats: Seats = "joint",
    autoreset_mode: AutoresetMode | str = "NextStep",
    seed: int | None = None,
    horizon: int | None = None,
    **arguments: Any,
) -> VectorWorld:
    """Copies of a world as a Gymnasium `VectorEnv` (see `VectorWorld`); arguments and errors as `make_functional`."""
    from gymnasium.vector import AutoresetMode

    from .vector import VectorWorld

    made = make_functional(world, horizon=horizon, **arguments)
    return VectorWorld(made, copies, seats=seats, autoreset_mode=AutoresetMode(autoreset_mode), seed=seed)


def list_games(pattern: str = "*") -> list[str]:
    """Ids of all multi-agent worlds that match a glob, in the order of their families."""
    families = [family for family in catalog("games") if fnmatch.fnmatch(family, pattern.partition("/")[0])]
    found = [f"{family}/{name}" for family in families for name in _factories(family)]
    return [world for world in found if fnmatch.fnmatch(world, pattern) or fnmatch.fnmatch(world.partition("/")[0], pattern)]


def _factory(world: str) -> Callable[..., Game]:
    family, slash, name = world.partition("/")
    if not slash:
        raise UsageError(f"{world!r} is no multi-agent world; one looks like 'mpe/simple_spread_v3'")
    factories = _factories(family)
    if name not in factories:
        raise UsageError(f"unknown multi-agent world {world!r}{suggest(name, factories)}")
    return factories[name]


def _factories(family: str) -> Factories:
    if family not in catalog("games"):
        raise UsageError(f"no family {family!r} of multi-agent worlds{suggest(family, catalog('games'))}")
    found: Factories = lookup("games", family)
    return found
