"""Records what the original Overcooked does, for `tests/envs/marl/test_overcooked.py`.

The old dynamics are recorded from overcooked 0.2.1, the new ones from overcooked-ai 1.1.0. Run with quintain installed, after
``pip install --no-deps overcooked==0.2.1 overcooked-ai==1.1.0``: ``python benchmarks/overcooked_fixture.py OUT.npz``. Only the
rules of both are loaded, so nothing that they draw or plan with is needed.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import types
import zlib
from typing import Any

import numpy as np

from quintain.envs.marl.overcooked.kitchens import Kitchen, kitchen

LAYOUTS = {
    "cramped_room": "cramped_room",
    "asymm_advantages": "asymmetric_advantages",
    "coord_ring": "coordination_ring",
    "forced_coord": "forced_coordination",
    "counter_circuit": "counter_circuit_o_1order",
}
"""Ours -> theirs."""
PACKAGES = {"old": "overcooked", "new": "overcooked_ai_py"}
EPISODES, FRESH, STEPS, HORIZON = 48, 8, 400, 400
"""Of the episodes the first few begin as the game does, the others in drawn states."""
CHECKED = 20
"""Steps to one checksum."""
INTERACTS = 0.43
CHARGED = 0.5
"""How many hands and counters hold something in set states."""
ITEMS = ("onion", "dish", 1, 2, 3)
"""By code from 1 on; a number is a soup of so many onions."""


class Room:
    """One kitchen of the referee, whose states are set and read as our arrays, one column each."""

    def __init__(self, name: str, dynamics: str) -> None:
        package = PACKAGES[dynamics]
        self.rules = _rules(package)
        old = {"old_dynamics": True} if dynamics == "old" else {}
        self.mdp = self.rules.OvercookedGridworld.from_layout_name(LAYOUTS[name], **old)
        self.actions = importlib.import_module(f"{package}.mdp.actions")
        self.ways = list(self.actions.Direction.INDEX_TO_DIRECTION)
        self.kitchen: Kitchen = kitchen(name)

    def at(self, cell: int) -> tuple[int, int]:
        return int(cell) % self.kitchen.width, int(cell) // self.kitchen.width

    def cell(self, place: tuple[int, int]) -> int:
        return place[1] * self.kitchen.width + place[0]

    def thing(self, code: int, place: tuple[int, int]) -> Any:
        what = ITEMS[code - 1]
        if isinstance(what, str):
            return self.rules.ObjectState(what, place)
        return self.rules.SoupState.get_soup(place, num_onions=what, finished=True)

    def code(self, thing: Any) -> int:
        if thing is None:
            return 0
        return 1 + ITEMS.index(len(thing.ingredients) if thing.name == "soup" else thing.name)

    def made(self, column: dict[str, np.ndarray]) -> Any:
        """Their state, of one column of ours."""
        players, objects = [], {}
        for cell, facing, held in zip(column["place"], column["facing"], column["held"], strict=True):
            thing = self.thing(held, self.at(cell)) if held else None
            players.append(self.rules.PlayerState(self.at(cell), self.ways[facing], thing))
        for cell, item in zip(self.kitchen.counters, column["items"], strict=True):
            if item:
                objects[self.at(cell)] = self.thing(item, self.at(cell))
        for cell, onions, ticks in zip(self.kitchen.pots, column["onions"], column["ticks"], strict=True):
            if onions:
                soup = self.rules.SoupState.get_soup(self.at(cell), num_onions=int(onions), cooking_tick=int(ticks))
                objects[self.at(cell)] = soup
        orders = self.mdp.start_all_orders
        return self.rules.OvercookedState(players, objects, all_orders=orders, timestep=int(column["time"]))

    def read(self, state: Any) -> dict[str, Any]:
        players = state.players
        pots = [state.objects.get(self.at(cell)) for cell in self.kitchen.pots]
        return {
            "place": [self.cell(player.position) for player in players],
            "facing": [self.ways.index(player.orientation) for player in players],
            "held": [self.code(player.held_object) for player in players],
            "items": [self.code(state.objects.get(self.at(cell))) for cell in self.kitchen.counters],
            "onions": [0 if soup is None else len(soup.ingredients) for soup in pots],
            "ticks": [-1 if soup is None else soup._cooking_tick for soup in pots],
            "time": state.timestep,
        }

    def step(self, state: Any, actions: np.ndarray) -> tuple[Any, int, list[int]]:
        """The next state, the reward for both, and the shaped rewards."""
        moves = [self.actions.Action.INDEX_TO_ACTION[int(each)] for each in actions]
        reached, told = self.mdp.get_state_transition(state, moves)
        return reached, sum(told["sparse_reward_by_agent"]), told["shaped_reward_by_agent"]

    def seen(self, state: Any) -> np.ndarray:
        """uint8 [cooks, planes, rows, columns]."""
        return np.array(self.mdp.lossless_state_encoding(state, horizon=HORIZON)).transpose(0, 3, 2, 1).astype(np.uint8)


def drawn(room: Kitchen, dynamics: str, random: np.random.Generator) -> dict[str, np.ndarray]:
    """States to begin in, environments last."""

    def some(rows: int) -> np.ndarray:
        codes = random.integers(1, 1 + len(ITEMS), (rows, EPISODES))
        return np.where(random.random((rows, EPISODES)) < CHARGED, codes, 0).astype(np.int8)

    stands = [(cell, facing) for cell in room.floor for facing in range(4)]
    busy = {*room.onions, *room.pots, *room.dishes, *room.serving}
    weights = np.array([8.0 if room.beside(cell)[facing] in busy else 1.0 for cell, facing in stands])
    place, facing = np.zeros((2, 2, EPISODES), np.int8)
    for at in range(EPISODES):
        while place[0, at] == place[1, at]:
            both = random.choice(len(stands), 2, p=weights / weights.sum())
            place[:, at], facing[:, at] = np.array(stands)[both].T
    pots = len(room.pots)
    onions = random.integers(0, 4, (pots, EPISODES), dtype=np.int8)
    cooks = (onions == 3) if dynamics == "old" else (onions > 0)
    ticks = random.choice([-1, 0, 7, 18, 19, 20, 20], (pots, EPISODES)).astype(np.int8)
    # Half the counters are bare, or no dish would ever be useful.
    items = np.where(random.random(EPISODES) < 0.5, some(len(room.counters)), 0).astype(np.int8)
    ticks = np.where(cooks, ticks, -1).astype(np.int8)
    time = random.integers(0, HORIZON, EPISODES).astype(np.int16)
    state = {"place": place, "facing": facing, "held": some(2), "items": items, "onions": onions, "ticks": ticks, "time": time}
    for value in state.values():
        value[..., :FRESH] = 0
    state["place"][:, :FRESH], state["ticks"][:, :FRESH] = np.array(room.starts)[:, None], -1
    return state


def recorded(room: Room, dynamics: str, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Episodes: where they begin, actions, rewards, and checksums of what both see; what they see after one step in full."""
    before = drawn(room.kitchen, dynamics, random)
    actions = _acts(random, (STEPS, EPISODES))
    reward, shaped = np.zeros((STEPS, EPISODES), np.int8), np.zeros((STEPS, 2, EPISODES), np.int8)
    sums, seen, after = np.zeros((STEPS // CHECKED, EPISODES), np.uint32), [], []
    for episode in range(EPISODES):
        state = room.made({key: value[..., episode] for key, value in before.items()})
        if episode < FRESH:
            begun = room.mdp.get_standard_start_state()
            assert begun == state, "the game begins elsewhere"
        for at in range(STEPS):
            state, reward[at, episode], shaped[at, :, episode] = room.step(state, actions[at, :, episode])
            told = room.seen(state)
            sums[at // CHECKED, episode] = zlib.crc32(told.tobytes(), int(sums[at // CHECKED, episode]))
            if at == 0:
                seen.append(told)
                after.append(room.read(state))
    found = {f"before/{key}": value for key, value in before.items()}
    for key, value in before.items():
        found[f"after/{key}"] = np.array([each[key] for each in after]).T.astype(value.dtype)
    found |= {"actions": actions, "reward": reward, "shaped": shaped, "sums": sums}
    return found | {"seen": np.array(seen).reshape(EPISODES, 2, -1).transpose(1, 2, 0)}


def _acts(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """int8 [steps, cooks, episodes]."""
    moves = (1 - INTERACTS) / 5
    return random.choice(6, (shape[0], 2, shape[1]), p=[moves] * 5 + [INTERACTS]).astype(np.int8)


def _rules(package: str) -> Any:
    """Its module of rules, without what its packages import besides."""
    found = importlib.util.find_spec(package) if package not in sys.modules else None
    if found is not None:
        for name in (package, f"{package}.mdp"):
            bare = types.ModuleType(name)
            folder = (found.submodule_search_locations or [""])[0]
            bare.__path__ = [folder if name == package else f"{folder}/mdp"]
            sys.modules[name] = bare
    return importlib.import_module(f"{package}.mdp.overcooked_mdp")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    out, random, arrays = parser.parse_args().out, np.random.default_rng(0), {}
    for dynamics in PACKAGES:
        for name in LAYOUTS:
            found = recorded(Room(name, dynamics), dynamics, random)
            arrays |= {f"{name}/{dynamics}/{key}": value for key, value in found.items()}
            soups, hints = (found["reward"] > 0).sum(), [int((found["shaped"] == each).sum()) for each in (3, 5)]
            print(f"{name} {dynamics}: {soups} soups served, {hints} shaped rewards of 3 and 5")
    np.savez_compressed(out, **arrays)


if __name__ == "__main__":
    main()
