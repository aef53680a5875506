"""What all tests share: property tests without a deadline, which a busy machine would miss, and how a missing part is met."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from quintain.doctor import examine

# A shell starts jobs in the background with this signal ignored, and programs that tests interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
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


BY_DESIGN = (
    "Skipped: tried in", "Skipped: real time passes", "Skipped: Ray is installed", "Skipped: data of others",
    "Skipped: this machine has",
)  # fmt: skip
"""Variants that nothing can be installed for; every other skip means that a part is missing, which with ``QUINTAIN_CI`` fails."""


def _missing(report: Any) -> str | None:
    if not os.environ.get("QUINTAIN_CI") or not report.skipped or hasattr(report, "wasxfail"):
        return None
    reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return None if reason.startswith(BY_DESIGN) else f"skipped where nothing may be missing: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    if missing := _missing(report):
        report.outcome, report.longrepr = "failed", missing
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    if missing := _missing(report):
        report.outcome, report.longrepr = "failed", missing
    return report
