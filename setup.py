"""Computes the list of packages, so that a subfolder that is added reaches the wheel; all else is in pyproject.toml."""

from setuptools import find_packages, setup

ROOMS = ("envs", "agents", "tasks", "evaluators")
corridor = [f"quintain.{name}" for name in find_packages("src/quintain", exclude=[f"{r}*" for r in ROOMS])]
rooms = [f"quintain.{name}" for room in ROOMS for name in (room, *(f"{room}.{sub}" for sub in find_packages(room)))]
setup(packages=["quintain", *corridor, *rooms])
