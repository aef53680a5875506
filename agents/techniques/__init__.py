"""Inference-time techniques: wrappers with the shape of an agent, over any agent, in any family.

`deciding` is inside one decision and needs nothing of the environment; `searching` is across attempts and branches, where the
environment declares `snapshot`, `replay` or `copies`. Whoever selects sees what an agent sees; no reward reaches this package.
"""
