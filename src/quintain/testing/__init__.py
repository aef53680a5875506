"""Conformance suites, to be run on classes and tasks of one's own: a new environment's test is one line.

Each raises `Nonconformance`, an `AssertionError`, at the first thing that is wrong::

    def test_my_world():
        check_world(MyWorld, Task(id="mine/one", env="my_world.py:MyWorld", goal="…"))

And `ModelServer`, an endpoint of language models that fails in the ways that one wants to be ready for.
"""

from __future__ import annotations

from .agents import check_agent
from .environments import check_env
from .evaluators import check_evaluator
from .model_server import ModelReply, ModelServer
from .nonconformance import Nonconformance
from .sandboxes import check_sandbox
from .tasks import check_task
from .worlds import check_world

__all__ = [
    "ModelReply", "ModelServer", "Nonconformance",
    "check_agent", "check_env", "check_evaluator", "check_sandbox", "check_task", "check_world",
]  # fmt: skip
