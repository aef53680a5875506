"""What all tests share: property tests without a deadline, which a busy machine would miss, and how a missing part is met."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from quintain.doctor import examine

settings.register_profile("quintain", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("quintain")


@pytest.fixture(scope="session")
def real_browser() -> None:
    """Skips the tests that need a browser where none works; with ``QUINTAIN_CI`` set they fail instead."""
    missing = [f"{check.part}: {check.detail}" for check in examine(["browser"]) if not check.ok]
    if missing and os.environ.get("QUINTAIN_CI"):
        pytest.fail("; ".join(missing))
    if missing:
        pytest.skip("; ".join(missing))
