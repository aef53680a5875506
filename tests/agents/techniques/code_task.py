"""A small repository with a fault, tests that nobody is shown, and a model that reads what it is sent.

The fault: `median` of an even number of values takes the upper middle, and sorts its argument in place. There is a half repair,
that a weak script takes for a whole one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from quintain.agents.llm.model import Request
from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.core import Episode, EvaluatorSpec, Evidence, Limits, Score, Service, Task, TaskView
from quintain.environment import Environment
from quintain.envs.repo.world import RepoWorld
from quintain.faces import AsyncEnv
from quintain.rollout import rollout
from quintain.sandbox import Scene
from quintain.spaces import Action, Edit, Observation, Submit

GOAL = "median([1, 2, 3, 4]) must be 2.5, and median must not change the list that it is given."
FILES = {
    "figures/__init__.py": "",
    "figures/middle.py": (
        "def mean(values):\n    return sum(values) / len(values)\n\n\n"
        "def median(values):\n    values.sort()\n    return values[len(values) // 2]\n"
    ),
    "figures/report.py": "from figures.middle import mean\n\n\nclass Report:\n    def line(self):\n        return mean([1])\n",
    "NOTES.md": "Figures of lists.\n",
}
HIDDEN = """
import sys
sys.path.insert(0, ".")
from figures.middle import median
given = [4, 1, 3, 2]
assert median(given) == 2.5 and given == [4, 1, 3, 2] and median([5, 1, 3]) == 3
"""
WEAK = "from figures.middle import median\nimport sys\nsys.exit(0 if median([1, 2, 3, 4]) == 2.5 else 2)\n"
STRONG = (
    "from figures.middle import median\nimport sys\ngiven = [4, 1, 3, 2]\nfound = median(given)\nprint(found, given)\n"
    "sys.exit(0 if found == 2.5 and given == [4, 1, 3, 2] else 2)\n"
)
OLD = "    values.sort()\n    return values[len(values) // 2]"
HALF = "    values.sort()\n    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2"
WHOLE = "    ordered = sorted(values)\n    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2"


def edit(new: str, old: str = OLD) -> str:
    return f'<edit path="figures/middle.py">\n<old>\n{old}\n</old>\n<new>\n{new}\n</new>\n</edit>'


class HiddenTests:
    """The exit code of tests that are run in a fresh place."""

    version = "1"

    def begin(self, task: Task, seed: int) -> dict[str, Service]:
        return {}

    async def examine(self, task: Task, scene: Scene, evidence: Evidence) -> Evidence:
        result = await scene.run(["python3", "-B", "/tmp/hidden.py"], files={"/tmp/hidden.py": HIDDEN.encode()}, timeout_s=60)
        return evidence.model_copy(update={"values": {"exit_code": result.exit_code, "said": result.text[-300:]}})

    def score(self, task: Task, episode: Episode) -> Score:
        values = episode.evidence.values if episode.evidence else {}
        passed = values.get("exit_code") == 0
        return Score(value=float(passed), passed=passed, reason=str(values.get("said", "")))


def engineer(answers: Callable[[str, list[str], Request], str]) -> ScriptedModel:
    """A model that reads: `answers` is a function of the system text and of what was said since, the last question last."""

    def answer(request: Request) -> str:
        said = [str(message.content) for message in request.messages]
        return answers(said[0], said[1:], request)

    return ScriptedModel(answer)


class Mender:
    """Repairs by half, and wholly once it has heard what a check found."""

    def reset(self, task: TaskView, seed: int) -> None:
        self.done = False

    def act(self, observation: Observation) -> Action:
        if self.done:
            return Submit()
        self.done = True
        heard = any("AssertionError" in each.text for each in observation.messages)
        return Edit(path="figures/middle.py", old=OLD, new=WHOLE if heard else HALF)


def exit_codes(text: str) -> list[str]:
    return re.findall(r"exit code (\w+)", text)


async def play(agent: Any, *, seed: int = 0, **limits: Any) -> tuple[Episode, Environment]:
    """The episode, and the environment that it was played in, closed."""
    task = Task(
        id="toy/median",
        env="repo",
        goal=GOAL,
        setup={"files": FILES, "python": "none"},
        evaluator=EvaluatorSpec(id="hidden", when="end"),
        limits=Limits(**({"steps": 50} | limits)),
    )
    environment = Environment(RepoWorld(), task, evaluator=HiddenTests(), another=RepoWorld)
    try:
        return await rollout(AsyncEnv(environment), agent, seed=seed), environment
    finally:
        await environment.close()
