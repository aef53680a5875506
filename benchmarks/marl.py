"""Multi-agent worlds beside JaxMARL 0.2.0: steps a second of processor time, with resets, observations and rewards consumed.

``python benchmarks/marl.py [--quick] [--json]``. Both sides take uniformly random legal actions and are asked in turn, each alone
on the cores that it is given (pin both with ``taskset -c 1``). Where both have the same rules, starts and rewards, mean reward a
step must agree within 3 standard errors, or the benchmark stops: skipped work cannot pass.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from measure import Row, arguments, row, show
from peer import Peer

from quintain.draws import categorical, streams
from quintain.functional import POLICY
from quintain.multiagent.making import make_functional

LEAST_S = 0.2
"""Processor seconds of one measurement."""
JAXMARL = ("jaxmarl==0.2.0", "jax==0.10.2", "flax")


class Case(NamedTuple):
    world: str
    peer: str
    environments: int = 1024
    steps: int = 50
    comparable: bool = True
    """Same rules, starts and rewards, so that means must agree."""
    arguments: Mapping[str, Any] = MappingProxyType({})


CASES = (
    Case("mpe/simple_spread_v3", "MPE_simple_spread_v3"),
    Case("mpe/simple_tag_v3", "MPE_simple_tag_v3", comparable=False),  # Its landmarks start elsewhere.
    Case("mpe/simple_spread_v3", "MPE_simple_spread_v3", environments=256, steps=25, arguments={"count": 30}),
    Case("smax/3m", "smax:3m", steps=20),
    Case("smax/2s3z", "smax:2s3z", steps=20),
    Case("hanabi/full", "hanabi"),
    Case("overcooked/cramped_room", "overcooked", comparable=False),  # Its cooks start elsewhere.
    Case("coin/coin_game", "coin_game", comparable=False),  # It does not pay the last step.
    Case("storm/prisoners_dilemma", "storm", environments=16, steps=1, comparable=False),
    Case("riddle/switch_riddle", "switch_riddle"),
)


class Ours:
    """One world's program, compiled, with what it took."""

    def __init__(self, case: Case) -> None:
        self.case, self.env = case, make_functional(case.world, **case.arguments)
        began = time.process_time()
        self.run = jax.jit(self._run).lower(streams(0, case.environments)).compile()
        self.compile_s = time.process_time() - began
        self._number = 0

    def _run(self, at: Any) -> tuple[Any, Any]:
        env = self.env

        def body(held: tuple[Any, Any], number: Any) -> tuple[tuple[Any, Any], Any]:
            state, seen = held
            at = state.streams
            actions = categorical(at, POLICY, jnp.where(env.mask(state), 0.0, -jnp.inf), axis=1)
            state, out = env.step(state, actions)
            return (state, seen + out.observation.sum() + out.terminated.sum() + out.truncated.sum()), out.reward.mean(axis=0)

        (_, seen), rewards = jax.lax.scan(body, (env.init(at), jnp.float32(0)), jnp.arange(self.case.steps))
        return seen, rewards.mean(axis=0)

    def measure(self) -> tuple[float, list[float]]:
        """Environment steps a second of processor time, and each environment's mean reward of a step."""
        self._number += 1
        at = streams(self._number, self.case.environments)
        began, rounds = time.process_time(), 0
        while rounds < 3 or time.process_time() - began < LEAST_S:
            _, rewards = jax.block_until_ready(self.run(at))
            rounds += 1
        spent = time.process_time() - began
        return self.case.environments * self.case.steps * rounds / spent, rewards.tolist()


def measured(peer: Peer, case: Case, *, repeats: int) -> list[Row]:
    ours = Ours(case)
    theirs = peer.call("prepare", name=case.peer, environments=case.environments, steps=case.steps, **case.arguments)
    fast, slow, mine, others = list[float](), list[float](), list[float](), list[float]()
    for _ in range(repeats):
        answer = peer.call("measure")
        slow.append(answer["rate"])
        others += answer["rewards"]
        rate, rewards = ours.measure()
        fast.append(rate)
        mine += rewards
    if case.comparable:
        check(case, mine, others)
    more = "".join(f", {name} {value}" for name, value in case.arguments.items())
    name = f"{case.world}{more}, N = {case.environments}"
    return [row(name, fast, slow, "steps/s"), row(f"{name}, compiling, CPU", ours.compile_s, theirs["compile_s"], "s")]


def check(case: Case, mine: list[float], others: list[float]) -> None:
    """Mean rewards of a step, one of each environment, agree within 3 standard errors."""
    means, errors = [], []
    for values in (mine, others):
        mean = sum(values) / len(values)
        means.append(mean)
        errors.append(sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))
    if abs(means[0] - means[1]) > 3 * math.sqrt(sum(errors)):
        raise SystemExit(f"{case.world}: mean reward a step {means[0]:.5f}, JaxMARL's {means[1]:.5f}: not the same game")


def main() -> None:
    given = arguments(__doc__ or "")
    with Peer("jaxmarl", "jaxmarl_peer.py", JAXMARL) as peer:
        cases = CASES[:1] if given.quick else CASES
        repeats = 2 if given.quick else 5
        show((each for case in cases for each in measured(peer, case, repeats=repeats)), as_json=given.json)


if __name__ == "__main__":
    main()
