"""Archon's layers (arXiv 2409.15254) over the actions of any agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quintain.agents.techniques.choosing import Candidate
from quintain.agents.techniques.deciding.components import Scene, State, Working
from quintain.agents.techniques.deciding.members import Members, copies
from quintain.agents.techniques.deciding.plan import Component, plan
from quintain.agents.techniques.deciding.technique import Technique, note_choice
from quintain.agents.techniques.seeds import derived
from quintain.core import Agent, TaskView
from quintain.errors import BudgetSpent
from quintain.ledger import current
from quintain.spaces import Message, Observation


class Layers(Technique):
    """Each decision runs through a plan of layers (see `plan`): generators propose, further layers weigh, mend and merge.

    A generator of a model is the language-model agent, with a history of its own. Where the budget is spent after something
    was proposed, the first candidate that is left is done.
    """

    def __init__(self, layers: str | Mapping[str, Any] | Sequence[Any]) -> None:
        """`layers`: a list of lists of components, ``{"layers": …}`` as Archon's configurations are, or a JSON file of either."""
        self.plan = plan(layers)
        generators = [each for layer in self.plan for each in layer if each.type == "generator"]
        self.layers = [[Working(each) for each in layer if each.type != "generator"] for layer in self.plan]
        super().__init__(Members([agent for each in generators for agent in _generators(each)]), *_workers(self.layers))
        self.seed = 0

    async def reset(self, task: TaskView, seed: int) -> None:
        await super().reset(task, seed)
        self.seed = derived(seed, "layers")

    async def decide(self, observation: Observation) -> Candidate:
        state = State()
        proposed: Sequence[Candidate] = ()
        for index, layer in enumerate(self.layers):
            seed = derived(self.seed, observation.step, index)
            try:
                if layer:
                    state = await _through(layer, state, Scene(self.view, observation, seed))
                else:
                    proposed = await self.members.propose(_with_tests(observation, state.tests))
                    state = state._replace(candidates=tuple(proposed))
            except BudgetSpent as error:
                if not state.candidates:
                    raise
                current().note("layer unheard", layer=index, error=str(error))
                break
        note_choice("layers", [*proposed, state.candidates[0]], len(proposed))
        return state.candidates[0]


async def _through(layer: Sequence[Working], state: State, scene: Scene) -> State:
    """Several components of one layer are fusers, and what they make goes on together."""
    states = [await each.work(state, scene._replace(seed=derived(scene.seed, place))) for place, each in enumerate(layer)]
    return states[0]._replace(candidates=tuple(candidate for each in states for candidate in each.candidates))


def _workers(layers: Sequence[Sequence[Working]]) -> list[Working]:
    return [each for layer in layers for each in layer]


def _generators(component: Component) -> list[Agent]:
    if component.agent is not None:
        return copies(component.agent, component.samples, technique="Layers: generator")
    options = {"model": component.named_model, "temperature": component.temperature, "max_tokens": component.max_tokens}
    return copies("llm", component.samples, technique="Layers: generator", **options)


def _with_tests(observation: Observation, tests: Sequence[str]) -> Observation:
    """What is to be true of the action is told to the generators, whoever they are."""
    if not tests:
        return observation
    began = f"Step {observation.step + 1}: what you do next will be held against these statements:"
    text = "\n".join([began, *(f"- {test}" for test in tests)])
    return observation.model_copy(update={"messages": (*observation.messages, Message(role="system", text=text))})
