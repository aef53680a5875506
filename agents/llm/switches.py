"""What a language-model agent shows its model, and how it lets the model act."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, ValidationError

from quintain.agents.llm.model import Abilities
from quintain.errors import UsageError
from quintain.values import Value

Preset = Literal["auto", "full", "small"]
SMALL_CONTEXT = 8192
"""Up to so many tokens, and without tools, a model gets the small preset."""


class Switches(Value):
    """Every part of the prompt and of the answer, each to be switched alone. Tokens are estimated as characters / 4."""

    # How it acts.
    actions: Literal["auto", "tools", "schema", "text"] = "auto"
    """`tools`: a tool for each kind of action; `schema`: JSON that is held to a schema; `text`: JSON found in free text. `auto`
    is the first of them that the model is able to."""
    kinds: tuple[str, ...] | None = None
    """Offer only these kinds of action, of those that the environment takes; None: all."""
    enumerated: bool = False
    """The schema admits no other targets than the elements shown, and no other index than those of the moves listed."""
    compact: bool = False
    """A flat ``{"kind", "target", "text"}`` in place of each action's own fields, with only the kinds that this observation has a
    use for; elements are chosen by what stands on them. For `schema` and `text`."""
    examples: bool = False
    """With `compact`: questions with good answers, before the real one."""
    several: bool = False
    """Several tool calls in one answer are done one after the other, until one fails; else only the first is done."""
    thought: bool = False
    """A field `thought` before the action."""
    plan: bool = False
    """A plan is asked for first; it is shown in every later prompt, and the model may replace it."""
    memory: bool = False
    """The model may keep a note, which is shown in every later prompt."""
    repairs: NonNegativeInt = 1
    """How often a malformed action is given back, with what is wrong with it, before it counts as `noop`."""

    # What it sees.
    system: str | None = None
    """The system text; None is one made from the kinds of action, an empty text is none at all."""
    elements: Literal["axtree", "markdown", "html", "controls", "off"] = "axtree"
    """How elements are shown; `controls` lists only what can be clicked or edited, `off` shows none."""
    elements_tokens: PositiveInt = 3000
    """Past it, elements far from the view and the focus are left out."""
    changes: bool = False
    """Also say which elements appeared, went or changed since the last observation."""
    text: bool = True
    """Terminal output, or a rendered state."""
    text_tokens: PositiveInt = 2500
    """A longer text loses its middle."""
    windows: bool = True
    """Windows or tabs, by the index that actions name them by."""
    messages: NonNegativeInt = 10
    """So many of the last messages are shown."""
    images: bool = True
    """Pictures that an action asked for; for models that see."""
    screenshot: bool = True
    """For models that see."""
    marks: bool = False
    """Numbered boxes on the screenshot (set-of-marks)."""
    budget: bool = True
    """The number of the step, and what is left of the limits."""

    # What it remembers.
    history: Literal["off", "last", "actions", "full"] = "full"
    """`full`: earlier observations and answers, as a conversation; `actions`: the actions, a line each; `last`: the last one."""
    history_tokens: NonNegativeInt = 8000
    """Past it, the oldest observations become one line each; then the oldest answers too."""
    history_pictures: NonNegativeInt = 0
    """So many of the last earlier observations keep their pictures."""

    # How it is asked.
    max_tokens: PositiveInt = 1024
    """Of one answer."""
    temperature: NonNegativeFloat | None = None
    """None leaves the model's own."""
    seeded: bool = True
    """Requests carry a seed, made from the episode's and their number."""
    context: PositiveInt | None = Field(default=None)
    """Tokens of question and answer together; None: as the model says."""

    @classmethod
    def small(cls, **given: Any) -> Switches:
        """For weak models with little context: short prompts, short answers, no choice that could not be made."""
        return switches(_SMALL | given)


_SMALL: dict[str, Any] = {
    "actions": "schema",
    "enumerated": True,
    "compact": True,
    "examples": True,
    "elements": "controls",
    "elements_tokens": 300,
    "text_tokens": 300,
    "windows": False,
    "messages": 2,
    "images": False,
    "screenshot": False,
    "budget": False,
    "history": "last",
    "max_tokens": 40,
    "temperature": 0.0,
}


def chosen(preset: Preset, abilities: Abilities, given: dict[str, Any]) -> Switches:
    """The switches of a preset with those that were given; `auto` is small for models with little context and no tools."""
    little = abilities.context <= SMALL_CONTEXT and not abilities.tools
    return Switches.small(**given) if preset == "small" or (preset == "auto" and little) else switches(given)


def switches(given: dict[str, Any]) -> Switches:
    """Raises `UsageError` on one line for an unknown switch or a value that it cannot have."""
    try:
        return Switches(**given)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            raise UsageError(f"llm: no switch is called {name!r}; there are {', '.join(Switches.model_fields)}") from None
        raise UsageError(f"llm: switch {name}: {problem['msg']}, got {problem['input']!r}") from None
