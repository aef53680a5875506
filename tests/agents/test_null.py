from quintain.agents.null import NullAgent
from quintain.core import Limits, Meta, TaskView
from quintain.spaces import Noop, Observation


def test_does_nothing():
    agent = NullAgent()
    agent.reset(TaskView(id="t/a", goal="", limits=Limits(), meta=Meta()), 0)
    assert agent.act(Observation()) == Noop()
