"""Techniques inside one decision: what is proposed is weighed, mended or merged before anything is done.

They need nothing of the environment. Each has the shape of an agent, around agents of any family, techniques among them.
"""

from quintain.agents.techniques.deciding.fuse import Fuse, Fuser
from quintain.agents.techniques.deciding.layers import Layers
from quintain.agents.techniques.deciding.refine import Critic, ModelCritic, Refine
from quintain.agents.techniques.deciding.sampled import Sampled
from quintain.agents.techniques.deciding.selectors import ByScore, Judge, Majority, selector

__all__ = ["ByScore", "Critic", "Fuse", "Fuser", "Judge", "Layers", "Majority", "ModelCritic", "Refine", "Sampled", "selector"]
