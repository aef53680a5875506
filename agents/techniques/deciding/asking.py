"""Asking a model about a decision: it is shown what the agent sees, and answers with JSON of a given form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from quintain.agents.llm.model import Answer, BadAnswer, ChatMessage, Model, Picture, Request, Text
from quintain.agents.llm.prompting.tokens import cut, short
from quintain.agents.llm.prompting.view import pictures, present
from quintain.agents.llm.switches import Switches
from quintain.agents.techniques.choosing import Candidate, written
from quintain.core import TaskView
from quintain.errors import UsageError
from quintain.spaces import Observation

ModelLike = str | Mapping[str, Any] | Model
"""A model's name, ``{"model": name, …}`` with options of `quintain.agents.llm.models.model`, or a model."""
Schema = dict[str, Any]
R = TypeVar("R", bound=BaseModel)
_ROOMY = 16_000
"""A context of so many tokens holds everything that is shown."""
_TRIES = 50
"""Braces at which an object may begin, before a text counts as having none."""
_SHOWN = Switches(budget=False)


class Question(NamedTuple):
    """What a model is asked about a decision."""

    view: TaskView
    observation: Observation
    role: str
    """Who it is to be: the system text."""
    text: str
    """Asked below what the agent sees."""
    seed: int


class Asker:
    """A model, and how a technique asks it."""

    def __init__(
        self, model: ModelLike, *, temperature: float | None = None, max_tokens: int = 1024, technique: str = "technique"
    ) -> None:
        self._made_from = None if isinstance(model, Model) else model
        self.model = _made(model, technique)
        self.temperature, self.max_tokens = temperature, max_tokens
        self.share = min(1.0, self.model.abilities.context / _ROOMY)

    async def ask(self, reply: type[R], about: Question) -> R:
        """What the model says, in the form of `reply`.

        Raises:
            BadAnswer: no JSON of that form.
            BudgetSpent, ModelUnreachable, ModelRefused: as the model.
        """
        return read(reply, (await self.answer(about, schema_of(reply))).text)

    async def answer(self, about: Question, schema: Schema) -> Answer:
        """What the model says, held to `schema` where it can be."""
        able = self.model.abilities.answer_schema
        text = about.text if able else f"{about.text}\nAnswer with JSON of this schema and nothing else: {json.dumps(schema)}"
        request = Request(
            messages=(ChatMessage(role="system", content=about.role), self._scene(about.view, about.observation, text)),
            answer_schema=schema if able else None,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            seed=about.seed,
        )
        return await self.model.answer(request)

    def _scene(self, view: TaskView, observation: Observation, question: str) -> ChatMessage:
        seen = present(observation, _SHOWN, share=self.share)
        text = f"Goal: {observation.goal or view.goal}\n\nWhat the agent sees now:\n{seen}\n\n{question}"
        images = [each.picture for each in pictures(observation, _SHOWN)] if self.model.abilities.pictures else []
        content: tuple[Text | Picture, ...] = (Text(text=text), *images)
        return ChatMessage(role="user", content=content if images else text)

    def numbered(self, candidates: list[Candidate], notes: list[str] | None = None) -> str:
        """The candidates, numbered from 1, each with its note."""
        lines = []
        for number, each in enumerate(candidates, start=1):
            lines.append(f"[{number}] {self.shown(each)}")
            if notes is not None:
                lines.append(f"    {cut(notes[number - 1], int(300 * self.share))}")
        return "\n".join(lines)

    def shown(self, candidate: Candidate) -> str:
        """A candidate as text: what was said and is to be done; of an attempt, what was done and what is seen after it."""
        parts = [f"said: {short(candidate.said, int(800 * self.share))}"] if candidate.said else []
        if candidate.before:
            parts.append(f"did before: {cut('; '.join(map(written, candidate.before)), int(400 * self.share))}")
        parts.append(cut(written(candidate.action), int(1000 * self.share)))
        if candidate.seen is not None:
            parts.append(f"then sees: {present(candidate.seen, _SHOWN, share=self.share / 4)}")
        return "\n    ".join(parts)

    async def close(self) -> None:
        """Closes the model, unless it was handed over as an object."""
        if self._made_from is not None:
            await self.model.close()

    def __getstate__(self) -> dict[str, Any]:
        # A model made from a name holds connections or weights, and is made again where this arrives.
        return {name: value for name, value in vars(self).items() if name != "model" or self._made_from is None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self._made_from is not None:
            self.model = _made(self._made_from, "technique")


def schema_of(reply: type[BaseModel]) -> Schema:
    """The JSON schema of a flat form: no titles, every field needed, nothing else admitted."""
    full = reply.model_json_schema()
    properties = {
        name: {key: part for key, part in field.items() if key not in ("title", "default")}
        for name, field in full["properties"].items()
    }
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def read(reply: type[R], text: str) -> R:
    """The first JSON object of that form in a text; models put words before it.

    Raises:
        BadAnswer: there is none.
    """
    problem, place = "no JSON object", text.find("{")
    for _ in range(_TRIES):
        if place < 0:
            break
        try:
            value, _end = json.JSONDecoder().raw_decode(text, place)
            return reply.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        except (ValueError, RecursionError) as error:
            problem = str(error)
        place = text.find("{", place + 1)
    raise BadAnswer(f"{reply.__name__}: {problem}, in {short(text, 120)!r}")


def _made(model: ModelLike, technique: str) -> Model:
    # Imported late: names of models bring their clients along.
    from quintain.agents.llm.models import model as named

    if not isinstance(model, Mapping):
        return named(model)
    options = dict(model)
    name = options.pop("model", None)
    if not isinstance(name, str):
        raise UsageError(f"{technique}: a model is a name or {{'model': name, …}}, got {dict(model)!r:.100}")
    return named(name, **options)
