"""A GPU is shown where there is one and it is asked for; where there is none, that is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from sandbox_host import works

from quintain.errors import UsageError
from quintain.sandbox import SandboxCapabilities, SandboxSpec, SyncSandbox, backends, open_sandbox
from quintain.sandbox.plans import bubble_plan, gpu_mounts

HERE = sorted(Path("/dev").glob("nvidia*"))


def test_device_nodes_are_shown_as_devices_that_can_be_written_to(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    found = {mount.target: mount for mount in gpu_mounts(SandboxSpec(), tmp_path)}
    assert {path for path in found if path.startswith("/dev/")} == {"/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm"}
    assert found["/dev/nvidia0"].source == tmp_path / "nvidia0" and found["/dev/nvidia0"].writable
    assert not any(mount.writable for target, mount in found.items() if not target.startswith("/dev/"))


def test_nothing_of_it_is_shown_unasked() -> None:
    plan = bubble_plan(SandboxSpec(), cgroup=())
    assert not plan["mounts"]


@pytest.mark.skipif(bool(HERE), reason="this machine has a GPU")
def test_a_machine_without_one_says_so() -> None:
    works("bubblewrap")
    there = backends()["bubblewrap"]
    assert isinstance(there, SandboxCapabilities) and not there.gpu and "has none" in there.notes["gpu"]
    with pytest.raises(UsageError, match="bubblewrap: no GPU: this machine has none"):
        open_sandbox(SandboxSpec(gpu=True), backend="bubblewrap")


@pytest.mark.skipif(not HERE, reason="this machine has no GPU")
def test_the_driver_answers_inside() -> None:
    works("bubblewrap")
    with SyncSandbox(open_sandbox(SandboxSpec(gpu=True), backend="bubblewrap")) as sandbox:
        assert sandbox.exec(["nvidia-smi", "-L"]).exit_code == 0
