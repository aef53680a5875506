"""The same runs over a real Ray cluster on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from quintain.config import AgentConfig
from quintain.errors import Unavailable, UsageError
from quintain.registry import load
from quintain.runner import evaluate

toy: Any = sys.modules[load(f"{Path(__file__).with_name('toy_world.py')}:CounterWorld", what="toy world").__module__]
UP = f"{toy.TOY}:UpAgent"

try:
    import ray
except ImportError:
    ray = None


@pytest.mark.skipif(ray is not None, reason="Ray is installed")
def test_without_ray_it_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="pip install"):
        evaluate(UP, toy.counter_task(), executor="ray", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def cluster() -> Any:
    if ray is None:
        pytest.skip("Ray is not installed: pip install 'quintain[ray]'")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


def test_failures_have_the_same_owners_on_ray(tmp_path: Path, cluster: Any) -> None:
    def bad(how: str) -> AgentConfig:
        return AgentConfig(agent=f"{toy.TOY}:MisbehavingAgent", config={"how": how}, name=how)

    agents = [AgentConfig(agent=UP, name="up"), bad("hang"), bad("die"), bad("raise")]
    run = evaluate(agents, toy.counter_task(seconds=1), episodes=2, workers=2, executor="ray", out=tmp_path)
    outcomes = sorted((episode.agent, episode.outcome, len(episode.steps)) for episode in run.episodes())
    expected = [("die", "agent_error", 1), ("hang", "timeout", 1), ("raise", "agent_error", 1), ("up", "ok", 3)]
    assert outcomes == sorted(expected * 2)


def test_a_bad_agent_is_refused_on_ray(tmp_path: Path, cluster: Any) -> None:
    with pytest.raises(UsageError, match="no model here"):
        evaluate(f"{toy.TOY}:RaisingConstructorAgent", toy.counter_task(), workers=1, executor="ray", out=tmp_path / "run")
