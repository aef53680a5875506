"""The shared observation and action vocabulary: one for web pages, desktops, repositories and seats in games.

An agent written against these models runs in every interactive family. Each environment takes a subset of the action kinds;
anything else comes back as `Observation.error`, never as an exception.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveInt,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from .elements import Elements
from .pixels import Pixels

Modality = Literal["text", "elements", "screenshot", "windows"]
MODALITIES: tuple[Modality, ...] = ("text", "elements", "screenshot", "windows")


class _Model(BaseModel):
    # No infinity and no NaN: JSON has neither, and each value here round-trips through it.
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False)


class Window(_Model):
    """A browser tab or a desktop window."""

    title: str
    url: str | None = None
    active: bool = False


class Message(_Model):
    """One thing said; `system` speaks for the environment (a dialog that it answered, a finished download)."""

    role: Literal["user", "assistant", "system"]
    text: str


class Budget(_Model):
    """What is left of the task's limits; None is unlimited."""

    steps: int | None = None
    seconds: float | None = None
    tokens: int | None = None
    usd: float | None = None


class Observation(_Model):
    """What an agent sees. Equality ignores `VOLATILE`, the fields that differ from run to run under the same seed."""

    goal: str = ""
    goal_fields: dict[str, str] = {}
    """The parameters of the goal, where the world knows them."""
    text: str | None = None
    """Terminal output, or a rendered state."""
    elements: Annotated[Elements, WithJsonSchema({"type": "object"})] | None = None
    screenshot: Pixels | None = None
    windows: tuple[Window, ...] = ()
    messages: tuple[Message, ...] = ()
    images: tuple[Pixels, ...] = ()
    exit_code: int | None = None
    error: str | None = None
    """What was wrong with the last action, said so that an agent can mend it."""
    step: int = 0
    elapsed_s: float = 0.0
    budget: Budget = Budget()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Observation):
            return NotImplemented
        return all(_same(getattr(self, name), getattr(other, name)) for name in type(self).model_fields if name not in VOLATILE)

    __hash__ = None  # type: ignore[assignment]


VOLATILE = frozenset({"elapsed_s", "budget"})


def _same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.array_equal(a, b)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


class Point(_Model):
    """A place in the screenshot, in pixels of an unscaled viewport or screen, from the top left."""

    x: float
    y: float


def _point(value: object) -> object:
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return {"x": value[0], "y": value[1]}
    return value


Target = Annotated[int | Point, BeforeValidator(_point)]
"""An element's `ref`, or a point."""
Button = Literal["left", "middle", "right"]
Phase = Literal["full", "down", "up"]
Modifier = Literal["Alt", "Control", "ControlOrMeta", "Meta", "Shift"]


class Click(_Model):
    """Move the pointer to the target and click it."""

    kind: Literal["click"] = "click"
    target: Target
    button: Button = "left"
    count: Annotated[int, Field(ge=1, le=3)] = 1
    modifiers: tuple[Modifier, ...] = ()
    phase: Phase = "full"
    """`down` only presses and `up` only releases the button."""


class Hover(_Model):
    """Move the pointer to the target."""

    kind: Literal["hover"] = "hover"
    target: Target


class Drag(_Model):
    """Press at `target`, move, release at `to`."""

    kind: Literal["drag"] = "drag"
    target: Target
    to: Target
    button: Button = "left"


class Scroll(_Model):
    """Turn the wheel over the target (or the middle of the view) by pixels; positive is right and down."""

    kind: Literal["scroll"] = "scroll"
    target: Target | None = None
    dx: float = 0.0
    dy: float = 0.0


class Type(_Model):
    """Type text into the target, or into what has the focus; `clear` empties it first."""

    kind: Literal["type"] = "type"
    text: str
    target: Target | None = None
    clear: bool = False


class Press(_Model):
    """Press keys together, like `Control+a`; names are those of the W3C `KeyboardEvent.key`."""

    kind: Literal["press"] = "press"
    keys: Annotated[str, Field(min_length=1, examples=["Enter", "Tab", "Escape", "a", "Control+a", "ArrowDown"])]
    target: Target | None = None
    phase: Phase = "full"


class Select(_Model):
    """Choose options of a list by their label or value."""

    kind: Literal["select"] = "select"
    target: Target
    options: tuple[str, ...]


class Check(_Model):
    """Set a checkbox, a radio button or a switch; what is set already stays as it is."""

    kind: Literal["check"] = "check"
    target: Target
    checked: bool = True


class Upload(_Model):
    """Give files of the task's folder to a file input."""

    kind: Literal["upload"] = "upload"
    target: Target
    files: tuple[str, ...]


class Goto(_Model):
    """Open an address in the active tab."""

    kind: Literal["goto"] = "goto"
    url: str


class Back(_Model):
    """Go back in the history of the active tab."""

    kind: Literal["back"] = "back"


class Forward(_Model):
    """Go forward in the history of the active tab."""

    kind: Literal["forward"] = "forward"


class Reload(_Model):
    """Load the page of the active tab again."""

    kind: Literal["reload"] = "reload"


class NewTab(_Model):
    """Open a tab, empty or with an address, and make it the active one."""

    kind: Literal["new_tab"] = "new_tab"
    url: str | None = None


class FocusTab(_Model):
    """Make the tab with this index, counted from 0, the active one."""

    kind: Literal["focus_tab"] = "focus_tab"
    index: Annotated[int, Field(ge=0)]


class CloseTab(_Model):
    """Close a tab, the active one by default."""

    kind: Literal["close_tab"] = "close_tab"
    index: Annotated[int, Field(ge=0)] | None = None


class Bash(_Model):
    """Run a command in the persistent shell."""

    kind: Literal["bash"] = "bash"
    command: str
    timeout_s: Annotated[float, Field(gt=0)] | None = None


class Python(_Model):
    """Run Python code; browser and desktop worlds take it only where the task opted in."""

    kind: Literal["python"] = "python"
    code: str
    timeout_s: Annotated[float, Field(gt=0)] | None = None


class Read(_Model):
    """Show lines of a file, counted from 1."""

    kind: Literal["read"] = "read"
    path: str
    start: PositiveInt = 1
    lines: PositiveInt | None = None


class Write(_Model):
    """Make a file, or replace all of it."""

    kind: Literal["write"] = "write"
    path: str
    content: str


class Edit(_Model):
    """Replace the only occurrence of `old` in a file by `new`."""

    kind: Literal["edit"] = "edit"
    path: str
    old: str
    new: str


class ViewImage(_Model):
    """Show a picture file; it is among the images of the next observation."""

    kind: Literal["view_image"] = "view_image"
    path: str


class Choose(_Model):
    """Take the legal move with this index, in a seat of a multi-agent world."""

    kind: Literal["choose"] = "choose"
    index: Annotated[int, Field(ge=0)]


class Control(_Model):
    """Set continuous controls, in a seat of a multi-agent world."""

    kind: Literal["control"] = "control"
    values: tuple[float, ...]


class Say(_Model):
    """Say something to the user; the episode goes on."""

    kind: Literal["message"] = "message"
    text: str


class Submit(_Model):
    """Declare the task done, with an answer where one was asked for; ends the episode."""

    kind: Literal["submit"] = "submit"
    answer: str = ""


class AskScore(_Model):
    """Have the present state scored, where the task allows it; the best score of the episode counts."""

    kind: Literal["score"] = "score"


class Infeasible(_Model):
    """Declare that the task cannot be done; ends the episode."""

    kind: Literal["infeasible"] = "infeasible"
    reason: str = ""


class Wait(_Model):
    """Let the world's own time pass."""

    kind: Literal["wait"] = "wait"
    seconds: Annotated[NonNegativeFloat, Field(le=3600, examples=[0.0, 0.1, 1.0])] = 1.0


class Noop(_Model):
    """Do nothing and look again."""

    kind: Literal["noop"] = "noop"


ACTIONS: tuple[type[_Model], ...] = (
    Click, Hover, Drag, Scroll, Type, Press, Select, Check, Upload,
    Goto, Back, Forward, Reload, NewTab, FocusTab, CloseTab,
    Bash, Python, Read, Write, Edit, ViewImage, Choose, Control,
    Say, AskScore, Submit, Infeasible, Wait, Noop,
)  # fmt: skip
KINDS: dict[str, type[_Model]] = {model.model_fields["kind"].default: model for model in ACTIONS}
POINTER = frozenset({"click", "hover", "drag", "scroll"})
KEYBOARD = frozenset({"type", "press"})
FORMS = frozenset({"select", "check", "upload"})
WEB = frozenset({"goto", "back", "forward", "reload", "new_tab", "focus_tab", "close_tab"})
TALK = frozenset({"message", "submit", "infeasible"})

Action = Annotated[
    Click | Hover | Drag | Scroll | Type | Press | Select | Check | Upload
    | Goto | Back | Forward | Reload | NewTab | FocusTab | CloseTab
    | Bash | Python | Read | Write | Edit | ViewImage | Choose | Control
    | Say | AskScore | Submit | Infeasible | Wait | Noop,
    Field(discriminator="kind"),
]  # fmt: skip
ActionAdapter: TypeAdapter[Action] = TypeAdapter(Action)


def parse_action(value: object) -> Action:
    """An action from an action, its dict, or its JSON text.

    Raises:
        ValueError: on one line, says what is wrong with it.
    """
    if isinstance(value, ACTIONS):
        return value  # type: ignore[return-value]
    if isinstance(value, (str, bytes)):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not an action: {str(value)[:80]!r} is no JSON ({error})") from None
    if not isinstance(value, Mapping):
        raise ValueError(f"not an action: expected an action or an object with `kind`, got {type(value).__name__}")
    try:
        return ActionAdapter.validate_python(dict(value))
    except ValidationError as error:
        raise ValueError(f"not an action: {_first_problem(error)}") from None


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where + ': ' if where else ''}{problem['msg']}" + (
        f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    )
