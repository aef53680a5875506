"""Whether multi-agent worlds work on this machine."""

from __future__ import annotations


def worlds() -> list[tuple[str, bool, str, str]]:
    """Part, whether it works, what was found, how to get it: for `quintain doctor marl`, by really playing a step."""
    import jax
    import pettingzoo

    from .making import list_games, make_parallel

    devices = jax.devices()
    env = make_parallel("mpe/simple_spread_v3")
    env.reset(seed=0)
    env.step(dict.fromkeys(env.agents, 0))
    return [
        ("jax", True, f"{jax.__version__}, {len(devices)} {devices[0].platform} device{'s' if len(devices) > 1 else ''}", ""),
        ("pettingzoo", True, str(pettingzoo.__version__), ""),
        ("worlds", True, f"{len(list_games())}; a step of mpe/simple_spread_v3 was played", ""),
    ]
