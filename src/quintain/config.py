"""What one run is: read from a `run.toml`, overridden by flags, stored beside the results."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    JsonValue,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from .agency.texts import models_in, read_agent, read_value
from .core import Limits, Seed, Value
from .errors import UsageError
from .registry import suggest
from .spaces import Modality
from .trace import TraceLevel


def available_cores() -> int:
    """Cores that this process may use: the smaller of its affinity and its control group's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    quota = Path("/sys/fs/cgroup/cpu.max")  # cgroup v2: "max 100000" or "<quota> <period>", both in microseconds
    try:
        limit, period = quota.read_text().split()
        return max(1, min(cores, int(limit) // int(period)))
    except (OSError, ValueError):
        return cores


class AgentConfig(Value):
    """One agent of a run: what class, with what arguments, under what name in the results."""

    agent: str
    """An id of the catalog, ``module:Class`` or ``file.py:Class``."""
    config: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments of the class; in them, an agent is ``{"agent": …, "config": {…}}``."""
    name: str = ""
    """As the results call it. Must differ within a run; by default `agent`, and the model where one is given."""

    @property
    def label(self) -> str:
        if self.name:
            return self.name
        models = sorted(set(models_in(self.config)))
        return f"{self.agent}:{models[0]}" if len(models) == 1 else self.agent

    @classmethod
    def parse(cls, text: str) -> Self:
        """What one line names: ``[NAME=]AGENT[(key=value, …)]``, where ``AGENT`` may also be a TOML file of these fields.

        Raises:
            UsageError: the line is malformed, or the file is missing, malformed, or has other fields.
        """
        try:
            written = read_agent(text)
        except ValueError as error:
            raise UsageError(str(error)) from None
        if not written.agent.endswith(".toml"):
            return cls(agent=written.agent, config=written.config, name=written.name)
        fields = _toml(Path(written.agent))
        try:
            found = cls.model_validate(fields)
        except ValidationError as error:
            raise UsageError(f"{written.agent}: {explain(error, cls)}") from None
        return found.model_copy(update={"config": {**found.config, **written.config}, "name": written.name or found.name})


def _agent(given: object) -> object:
    return AgentConfig.parse(given) if isinstance(given, str) else given


def _several(given: object) -> object:
    return (given,) if isinstance(given, (str, Mapping)) else given


class RunConfig(Value):
    """Every agent plays every task `episodes` times; the k-th episode of a task has the same seed for all agents."""

    agents: Annotated[tuple[Annotated[AgentConfig, BeforeValidator(_agent)], ...], BeforeValidator(_several), Field(min_length=1)]
    tasks: Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)]
    """Ids, globs over ids, suites, or task files."""
    episodes: PositiveInt = 1
    seed: Seed = 0
    workers: NonNegativeInt = Field(default_factory=available_cores)
    """Processes; 0 plays in this one, where nothing can be killed."""
    out: Path | None = None
    """Folder of the run; by default one under `runs/` that is named after the time."""
    observe: Annotated[tuple[Modality, ...] | None, BeforeValidator(_several)] = None
    """Modalities; by default those of each world."""
    limits: Limits = Limits()
    """Override those of the tasks, where given."""
    seconds: PositiveFloat | None = 300.0
    """Wall-clock seconds of an episode where its task states no such limit; a worker that overstays is killed."""
    trace: TraceLevel = "full"
    """What is stored of each step: observations with their pictures, actions alone, or nothing."""
    retries: NonNegativeInt = 1
    """Further attempts at an episode that failed by the environment's fault."""
    executor: str = "local"
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments of the worlds, such as ``mode = "virtual"`` for a browser."""

    @model_validator(mode="after")
    def _distinct_agents(self) -> Self:
        labels = [agent.label for agent in self.agents]
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(f"two agents are called {label!r}; give one another `name` (on the command line: name={label})")
        return self

    @classmethod
    def read(cls, path: Path | None = None, **overrides: Any) -> Self:
        """The configuration of a file, or the defaults, with what is given and not None on top.

        Raises:
            UsageError: no such file, malformed TOML, an unknown field (offers the nearest) or a wrong value.
        """
        fields = _toml(path) if path else {}
        fields |= {name: value for name, value in overrides.items() if value is not None}
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise UsageError(f"{path}: {explain(error, cls)}" if path else explain(error, cls)) from None


def parse_settings(settings: Sequence[str]) -> dict[str, JsonValue]:
    """``key=value`` texts as a mapping; a value is JSON, an agent with its arguments, or else text."""
    found: dict[str, JsonValue] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"{setting!r} is no setting; write key=value, such as temperature=0.5")
        found[key] = read_value(text)
    return found


def explain(error: ValidationError, model: type[Value]) -> str:
    """The first problem on one line, with the nearest known name where a field is unknown."""
    problems = error.errors(include_url=False)
    # A field that is misspelt is unknown and missing at once; the first is what the user wants to hear.
    problem = next((each for each in problems if each["type"] == "extra_forbidden"), problems[0])
    where = ".".join(str(part) for part in problem["loc"] if part != "function-before")
    if problem["type"] == "extra_forbidden":
        inner: dict[str, type[Value]] = {"limits": Limits, "agents": AgentConfig}
        known = inner.get(str(problem["loc"][0]), model)
        return f"unknown field {where!r}{suggest(str(problem['loc'][-1]), known.model_fields)}"
    if problem["type"] in ("missing", "too_short"):
        flag = {"agents": "; name one with --agent", "tasks": "; name some with --tasks"}.get(where, "")
        return f"{where} missing{flag}"
    if problem["type"] == "value_error":
        return ": ".join(part for part in (where, str(problem["ctx"]["error"])) if part)
    return f"{where}: {problem['msg']}, got {problem['input']!r}"


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"no file {str(path)!r}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: malformed TOML: {error}") from None
