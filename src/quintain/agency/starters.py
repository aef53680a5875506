"""What `quintain new agent` writes: one short file for each kind of agent, which runs as it is."""

from __future__ import annotations

import keyword
from typing import Final, Literal, NamedTuple, get_args

from quintain.errors import UsageError
from quintain.registry import suggest

Kind = Literal["step", "loop", "llm", "policy"]
KINDS: Final[tuple[str, ...]] = get_args(Kind)


class Starter(NamedTuple):
    """A file, and how to run it."""

    file: str
    text: str
    command: str


def starter(name: str, kind: str = "step") -> Starter:
    """
    Raises:
        UsageError: the name is none that Python takes, or the kind is unknown.
    """
    if kind not in KINDS:
        raise UsageError(f"unknown kind of agent {kind!r}{suggest(kind, KINDS)}")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UsageError(f"{name!r} is no name for a Python module; use letters, digits and underscores, such as my_agent")
    kind_class = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    kind_class = kind_class if kind_class.endswith("Agent") else f"{kind_class}Agent"
    command = f"quintain run --agent {name}.py:{kind_class} --tasks miniwob/click-test"
    command += " --model local:smollm2" if kind == "llm" else ""
    return Starter(f"{name}.py", _TEXTS[kind].replace("CLASS", kind_class).replace("COMMAND", command), command)


_STEP = '''"""An agent that is asked for one action a step. Run it with

COMMAND
"""

from __future__ import annotations

from quintain import Action, Click, Noop, Observation, TaskView


class CLASS:
    """Clicks the first button that it sees."""

    def reset(self, task: TaskView, seed: int) -> None:
        """Before each episode: forget the last one here. The seed is for whatever you draw at random."""
        self.task = task

    def act(self, observation: Observation) -> Action:
        """The next action; this may be `async def`. `observation.error` says what was wrong with the last one."""
        if observation.elements is None:  # A world without a tree of elements: see observation.text and .screenshot.
            return Noop()
        # print(observation.goal, observation.elements.text(), sep="\\n") shows what there is.
        buttons = observation.elements.find(role="button")
        return Click(target=buttons[0].ref) if buttons else Noop()
'''

_LOOP = '''"""An agent that owns its loop: it acts until it returns. Run it with

COMMAND
"""

from __future__ import annotations

from quintain import Click, EpisodeHandle, Wait


class CLASS:
    """Clicks the first button that it sees, again and again."""

    async def play(self, episode: EpisodeHandle) -> str | None:
        """Play one episode; a text that is returned is submitted as the answer.

        Each `act` is one step. Where the world allows it, `episode.branch()` tries out another future.
        """
        while not episode.over:
            elements = episode.observation.elements
            buttons = elements.find(role="button") if elements is not None else []
            await episode.act(Click(target=buttons[0].ref) if buttons else Wait(seconds=0.1))
        return None
'''

_LLM = '''"""An agent that asks a language model what to click. Run it with

COMMAND

Other models: openai:…, anthropic:…, ollama:…, https://host/v1#name. A complete agent of this kind is `--agent llm`.
"""

from __future__ import annotations

import re

from quintain import Action, Click, Noop, Observation, TaskView
from quintain.agents.llm.model import ChatMessage, Request
from quintain.agents.llm.models import model as made


class CLASS:
    """Shows the model the page, and clicks the element whose number it answers with."""

    def __init__(self, model: str = "local:smollm2") -> None:
        self.model = made(model)

    def reset(self, task: TaskView, seed: int) -> None:
        """Before each episode: forget the last one here."""
        self.seed = seed

    async def act(self, observation: Observation) -> Action:
        """The next action. What the model costs is charged to the episode, and what it saw is in the trace."""
        page = observation.elements.text(max_tokens=1000) if observation.elements is not None else observation.text
        asked = f"Goal: {observation.goal}\\n\\n{page}\\n\\nWhich element is to be clicked next? Answer with its number alone."
        request = Request(messages=(ChatMessage(role="user", content=asked),), temperature=0, max_tokens=20, seed=self.seed)
        answer = await self.model.answer(request)
        number = re.search(r"\\d+", answer.text)
        return Click(target=int(number[0])) if number else Noop()

    async def close(self) -> None:
        """After the last episode."""
        await self.model.close()
'''

_POLICY = '''"""A policy in the pure form of JAX: functions of arrays, compiled once. Run it with

COMMAND
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from quintain import Action, Click, Observation, Point

PLACES = 8


class CLASS:
    """Clicks one of the places that can be clicked, drawn with equal chances."""

    params = jnp.zeros(PLACES)
    """Whatever is learned; `act` gets it as its first argument."""

    def init(self, key: Any) -> Any:
        """The carry, which goes from step to step, at the start of an episode."""
        return jnp.asarray(0)

    def act(self, params: Any, carry: Any, observation: Any, key: Any) -> tuple[Any, Any]:
        """The next carry and the action, as arrays; pure, so that it can be compiled and run for many episodes at once."""
        there = observation.any(axis=1)
        chosen = jax.random.categorical(key, jnp.where(there, params, -jnp.inf))
        return carry + 1, observation[chosen]

    def encode(self, observation: Observation) -> Any:
        """What `act` sees, always of one shape: the middles of up to `PLACES` elements that can be clicked."""
        found = observation.elements.find(states=("clickable", "in_view")) if observation.elements is not None else []
        places = np.zeros((PLACES, 2), np.float32)
        for row, element in enumerate(found[:PLACES]):
            places[row] = element.center
        return places

    def decode(self, action: Any) -> Action:
        """What the array that `act` gave stands for."""
        return Click(target=Point(x=float(action[0]), y=float(action[1])))
'''

_TEXTS: Final[dict[str, str]] = {"step": _STEP, "loop": _LOOP, "llm": _LLM, "policy": _POLICY}
