"""The scenarios by name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from quintain.envs.marl.smax.smax import Smax
from quintain.envs.marl.smax.units import SCENARIOS
from quintain.functional import Game

GAMES: Mapping[str, Callable[..., Game]] = {name: functools.partial(Smax, name) for name in SCENARIOS}
