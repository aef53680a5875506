"""What an episode may cost, and what it did cost."""

from __future__ import annotations

from typing import TypeVar

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from .values import Value

Number = TypeVar("Number", int, float)


class Limits(Value):
    """Caps on one episode; None is no cap. Reaching one truncates the episode, it never fails it."""

    steps: PositiveInt | None = None
    seconds: PositiveFloat | None = None
    """Wall-clock seconds from the end of the reset."""
    tokens: PositiveInt | None = None
    usd: PositiveFloat | None = None


class Charge(Value):
    """What one purpose cost: acting, sampling, judging, exploring a branch. None is *unknown*, which is not zero."""

    what: str
    calls: NonNegativeInt = 0
    """Of a model."""
    input_tokens: NonNegativeInt | None = 0
    output_tokens: NonNegativeInt | None = 0
    usd: NonNegativeFloat | None = 0.0
    seconds: NonNegativeFloat = 0.0
    """Spent waiting for models; calls side by side count each."""
    steps: NonNegativeInt = 0
    """Steps of environments beside the episode's own: in branches, copies and earlier attempts."""

    def plus(self, other: Charge) -> Charge:
        """Both together; what is unknown in one is unknown in the sum."""
        return Charge(
            what=self.what,
            calls=self.calls + other.calls,
            input_tokens=_sum(self.input_tokens, other.input_tokens),
            output_tokens=_sum(self.output_tokens, other.output_tokens),
            usd=_sum(self.usd, other.usd),
            seconds=self.seconds + other.seconds,
            steps=self.steps + other.steps,
        )

    @property
    def tokens(self) -> int | None:
        return _sum(self.input_tokens, self.output_tokens)


class Usage(Value):
    """What one episode cost. None is *unknown*, which is not zero."""

    agent_s: NonNegativeFloat = 0.0
    environment_s: NonNegativeFloat = 0.0
    waiting_s: NonNegativeFloat = 0.0
    """Seconds in neither: waiting for a slot, storing, scoring."""
    tokens: int | None = None
    usd: float | None = None
    charges: tuple[Charge, ...] = Field(default=())
    """By purpose, what the ledger of the episode holds; their sums are `tokens` and `usd`."""


def _sum(a: Number | None, b: Number | None) -> Number | None:
    return None if a is None or b is None else a + b
