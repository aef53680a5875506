"""The agent that is a language model: one class for every interactive family."""

from __future__ import annotations

import hashlib
import inspect
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

from quintain.agents.llm.choices import Choices, choices
from quintain.agents.llm.decoding import Decoded, Malformed, Proposal, as_call, as_text, decode, failed, repair
from quintain.agents.llm.model import Answer, ChatMessage, Model, Request, Tool
from quintain.agents.llm.models import model as made_model
from quintain.agents.llm.prompting.controls import controls
from quintain.agents.llm.prompting.fitting import Notes, conversation, form_tokens
from quintain.agents.llm.prompting.history import History, Turn
from quintain.agents.llm.prompting.instructions import Form, instructions
from quintain.agents.llm.prompting.view import Shown, moves, past, pictures, summary
from quintain.agents.llm.switches import Preset, Switches, chosen
from quintain.agents.llm.tools import EXTRAS, Offer, Schema, schema, tools, wrapped
from quintain.core import TaskView
from quintain.errors import UsageError
from quintain.ledger import current
from quintain.spaces import KINDS, Action, Noop, Observation


class Question(NamedTuple):
    """What is asked of the model, but for the messages."""

    offer: Offer
    tools: tuple[Tool, ...] = ()
    schema: Schema | None = None
    choices: Choices | None = None
    """How a compact answer is read."""


class LanguageAgent:
    """Shows a model what there is to see, and does what it answers.

    `model` is a name such as ``openai:gpt-5`` or ``local:smollm2``, made with `model_options` (see
    `quintain.agents.llm.models.model`), or a model, whose closing is the caller's. `record` and `replay` name a file of
    recorded answers. Everything else is a field of `Switches`; `preset` gives their defaults, where ``auto`` goes by what the
    model is able to.

    An answer that is no action is given back with what is wrong with it; if the next one is none either, the step is a `noop`,
    which is noted (kind ``malformed``) and told to the model in the next prompt. Errors of models pass through.
    """

    __signature__: ClassVar[inspect.Signature]
    """With every switch, so that an unknown one is refused before anything starts."""
    said: str | None = None
    """The text that went with the last action."""

    def __init__(
        self,
        model: str | Model,
        *,
        record: str | None = None,
        replay: str | None = None,
        model_options: dict[str, Any] | None = None,
        preset: Preset = "auto",
        **given: Any,
    ) -> None:
        if preset not in ("auto", "full", "small"):
            raise UsageError(f"llm: preset {preset!r} is unknown; there are auto, full and small")
        self._made_from: tuple[str, dict[str, Any]] | None = None
        tapes = {name: path for name, path in (("record", record), ("replay", replay)) if path is not None}
        if isinstance(model, str):
            self._made_from = (model, {**(model_options or {}), **tapes})
            model = made_model(self._made_from[0], **self._made_from[1])
        elif tapes or model_options:
            raise UsageError(f"llm: {', '.join(tapes) or 'model_options'} is for a model that is named, not for an object")
        self.model = model
        self.switches = chosen(preset, model.abilities, given)
        self._form: Form = _form(self.switches, model)
        for kind in self.switches.kinds or ():
            if kind not in KINDS:
                raise UsageError(f"llm: switch kinds: there is no action {kind!r}; there are {', '.join(KINDS)}")

    def reset(self, task: TaskView, seed: int) -> None:
        offered = task.action_kinds or tuple(KINDS)
        self.kinds = tuple(kind for kind in offered if self.switches.kinds is None or kind in self.switches.kinds)
        if not self.kinds:
            raise UsageError(f"llm: none of the kinds {', '.join(self.switches.kinds or ())} is an action of {task.id}")
        self.goal, self.seed, self.said = task.goal, seed, None
        self._asked = 0
        self._history = History()
        self._notes = Notes()
        self._queue: deque[Proposal] = deque()

    async def act(self, observation: Observation) -> Action:
        went_on = not self._history.before(observation.step)
        seen = self._seen(observation)
        if self._queue and went_on and not observation.error:
            proposal = self._queue.popleft()
            self._history.add(self._turn(observation, seen, proposal, said=None))
            return proposal.action
        self._queue.clear()
        question = self._question(observation)
        answer, decoded, problem = await self._answered(self._request(observation, question, seen), question)
        if decoded is None:
            self.said = answer.text or None
            self._history.add(self._turn(observation, seen, Proposal(Noop()), said=failed(answer), problem=problem))
            return Noop()
        self.said = decoded.extras.get("thought") or (answer.text if answer.tool_calls else "") or answer.thinking or None
        self._notes = self._notes._replace(**{name: decoded.extras[name] for name in Notes._fields if name in decoded.extras})
        first, *further = decoded.proposals
        self._queue.extend(further)
        self._history.add(self._turn(observation, seen, first, said=decoded.said))
        return first.action

    def took(self, action: Action) -> None:
        """The action that was done in place of the last one, which the model will find in its history as its own."""
        last = self._history.last
        if last is None:
            return
        self._queue.clear()
        said = as_call(action, f"step-{last.observation.step}") if self._form == "tools" else as_text(action)
        call = said.tool_calls[0].id if said.tool_calls else None
        self._history.turns[-1] = replace(last, action=action, said=said, call=call, problem=None)

    async def close(self) -> None:
        if self._made_from is not None:
            await self.model.close()

    def __getstate__(self) -> dict[str, Any]:
        # A model made from a name holds connections or weights, and is made again where the agent arrives.
        return {name: value for name, value in vars(self).items() if name != "model" or self._made_from is None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self._made_from is not None:
            self.model = made_model(self._made_from[0], **self._made_from[1])

    def _seen(self, observation: Observation) -> list[Shown]:
        return pictures(observation, self.switches) if self.model.abilities.pictures else []

    def _offer(self, observation: Observation) -> Offer:
        switches = self.switches
        sees = self.model.abilities.pictures and switches.screenshot and observation.screenshot is not None
        extras = tuple(name for name in EXTRAS if getattr(switches, name))
        shown = observation.elements is not None and (switches.elements != "off" or (switches.marks and sees))
        only = None
        if switches.enumerated and observation.elements is not None:
            only = tuple(each.ref for each in controls(observation.elements)) or None
        return Offer(
            kinds=self.kinds,
            refs=shown or not sees,
            points=sees,
            only=only,
            moves=moves(observation) if switches.enumerated and "choose" in self.kinds else None,
            extras=extras,
            needed=tuple(name for name in extras if name == "thought" or (name == "plan" and not self._notes.plan)),
        )

    def _question(self, observation: Observation) -> Question:
        offer, form = self._offer(observation), self._form
        if form == "tools":
            return Question(offer, tools=tools(offer))
        found = choices(observation, self.kinds) if self.switches.compact else None
        if form == "text":
            return Question(offer, choices=found)
        if found is None:
            return Question(offer, schema=schema(offer))
        flat = found.flat and not offer.extras
        return Question(offer, schema=found.schema if flat else wrapped(found.schema, offer), choices=found)

    def _request(self, observation: Observation, question: Question, seen: Sequence[Shown]) -> Request:
        switches = self.switches
        messages = conversation(
            observation if observation.goal else observation.model_copy(update={"goal": self.goal}),
            self._history,
            switches,
            lead=self._lead(question),
            notes=self._notes,
            shown=seen,
            context=switches.context or self.model.abilities.context,
            form=_size(question.offer) if self._form == "tools" else 0,
            listing=question.choices.listed if question.choices is not None else None,
        )
        return Request(
            messages=tuple(messages),
            tools=question.tools,
            must_call=bool(question.tools),
            answer_schema=question.schema,
            temperature=switches.temperature,
            max_tokens=switches.max_tokens,
        )

    def _lead(self, question: Question) -> list[ChatMessage]:
        """The system text, and examples."""
        system = instructions(question.offer, self._form, self.switches)
        found = [ChatMessage(role="system", content=system)] if system else []
        if self.switches.examples and question.choices is not None:
            found += question.choices.examples(flat=question.choices.flat and not question.offer.extras)
        return found

    async def _answered(self, request: Request, question: Question) -> tuple[Answer, Decoded | None, str]:
        """The last answer, and what it comes to, or what is wrong with it after all repairs."""
        reading = question.choices.read if question.choices is not None else None
        for left in range(self.switches.repairs, -1, -1):
            answer = await self.model.answer(self._seeded(request))
            try:
                return answer, decode(answer, self.kinds, reading=reading, several=self.switches.several), ""
            except Malformed as malformed:
                problem = str(malformed)
            current().note("malformed", problem=problem, repaired=left > 0)
            request = request.model_copy(update={"messages": (*request.messages, *repair(answer, problem))})
        return answer, None, problem

    def _seeded(self, request: Request) -> Request:
        """Each request of an episode has a seed of its own: whoever asks twice may want another answer."""
        if not self.switches.seeded:
            return request
        digest = hashlib.sha256(f"{self.seed} {self._asked}".encode()).digest()
        self._asked += 1
        return request.model_copy(update={"seed": int.from_bytes(digest[:4], "big") >> 1})

    def _turn(
        self, observation: Observation, seen: Sequence[Shown], proposal: Proposal, *, said: ChatMessage | None, problem: str = ""
    ) -> Turn:
        last = self._history.last
        kept = observation.model_copy(update={"screenshot": None, "images": ()})
        whole = past(kept, self.switches, before=last.observation if last else None)
        return Turn(
            observation=kept,
            past=whole,
            brief=min(summary(kept), whole, key=len),
            shown=seen if self.switches.history_pictures else (),
            action=proposal.action,
            said=said,
            call=proposal.call,
            problem=problem or None,
        )


def _signature() -> inspect.Signature:
    own = [each for each in inspect.signature(LanguageAgent.__init__).parameters.values() if each.name not in ("self", "given")]
    fields = Switches.model_fields.items()
    switches = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=field.default) for name, field in fields]
    return inspect.Signature([*own, *switches])


LanguageAgent.__signature__ = _signature()


def _form(switches: Switches, model: Model) -> Form:
    """How actions are asked for: as the switch says, where the model is able to."""
    able = model.abilities
    if switches.actions == "auto":
        return "tools" if able.tools else "schema" if able.answer_schema else "text"
    if (switches.actions == "tools" and not able.tools) or (switches.actions == "schema" and not able.answer_schema):
        raise UsageError(f"llm: switch actions: {model.name} cannot answer by {switches.actions}; take 'auto'")
    return switches.actions


@lru_cache(maxsize=256)
def _size(offer: Offer) -> int:
    return form_tokens([tool.model_dump() for tool in tools(offer)])
