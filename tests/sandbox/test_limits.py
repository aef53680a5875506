"""What a sandbox may use, and what becomes of those who use more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sandbox_host import eventually, works

from quintain.sandbox import ResourceLimits, SandboxSpec, SyncSandbox, open_sandbox
from quintain.sandbox.keeper.capture import Capture
from quintain.sandbox.keeper.jobs import fit
from quintain.sandbox.kept import KeptSandbox

MIB = 2**20
LIMITS = ResourceLimits(memory_mb=128, disk_mb=32, pids=40, cpus=1, seconds=30, output_bytes=1000)


@pytest.fixture(params=["bubblewrap", "local"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[KeptSandbox]:
    async with open_sandbox(SandboxSpec(limits=LIMITS), backend=works(request.param)) as opened:  # type: ignore[arg-type]
        yield opened


def holding(mib: int) -> list[str]:
    # Touched slowly, so that what looks ten times a second sees it.
    code = f"import time\nheld = []\nfor _ in range({mib // 8}): held.append(b'x' * {8 * MIB}); time.sleep(0.02)\nprint('done')"
    return ["python3", "-c", code]


async def test_memory(sandbox: KeptSandbox) -> None:
    result = await sandbox.exec(holding(512))
    assert (result.exit_code, result.oom) == (-9, True)
    assert (await sandbox.exec(holding(64))).stdout == b"done\n"
    assert not (await sandbox.shell("echo")).oom


async def test_processes(sandbox: KeptSandbox) -> None:
    await sandbox.exec("for i in $(seq 60); do sleep 1000 & done; sleep 0.3", timeout_s=10)
    assert (await sandbox.stats()).processes <= 41
    await sandbox.kill_all()
    assert (await sandbox.exec("echo alive")).stdout == b"alive\n"
    assert (await sandbox.stats()).processes == 0


async def test_cpus(sandbox: KeptSandbox) -> None:
    count = int((await sandbox.exec("python3 -c 'import os; print(len(os.sched_getaffinity(0)))'")).stdout)
    if sandbox.capabilities.cpus == "affinity":
        assert count == 1


async def test_disk() -> None:
    async with open_sandbox(SandboxSpec(limits=LIMITS), backend=works("bubblewrap")) as sandbox:  # type: ignore[arg-type]
        result = await sandbox.exec("head -c 40000000 /dev/zero > big; ls -l big | awk '{print $5}'")
        assert b"No space left" in result.stderr
        assert int(result.stdout) <= 32 * MIB
        await sandbox.exec("rm big")
        await sandbox.write("small", b"fits")


async def test_a_time_limit_ends_all_that_the_command_started(sandbox: KeptSandbox) -> None:
    result = await sandbox.exec("echo begun; sleep 1000 & (setsid sleep 1001 &); sleep 1002", timeout_s=0.5)
    assert (result.exit_code, result.timed_out, result.stdout) == (None, True, b"begun\n")
    assert (await sandbox.stats()).processes == 0


async def test_a_time_limit_spares_what_ran_before(sandbox: KeptSandbox) -> None:
    await sandbox.shell("x=1; sleep 1000 & job=$!")
    for end in (sandbox.shell("setsid sleep 1001 & sleep 1002", timeout_s=0.4), sandbox.exec("sleep 1003", timeout_s=0.4)):
        assert (await end).timed_out
    assert (await sandbox.shell("kill -0 $job; echo $? $x")).stdout == b"0 1\n"


async def test_what_a_finished_command_left_behind_lives_on(sandbox: KeptSandbox) -> None:
    result = await sandbox.exec("(for i in 1 2 3 4 5; do echo talking; sleep 0.05; done; echo end > ended) & echo started")
    assert result.stdout.startswith(b"started\n") or result.stdout.startswith(b"talking\n")
    assert (await sandbox.exec("until [ -e ended ]; do sleep 0.02; done", timeout_s=10)).exit_code == 0


async def test_a_shell_that_goes_on_after_its_limit_is_started_again_where_it_was(sandbox: KeptSandbox) -> None:
    await sandbox.shell("mkdir here; cd here; x=1")
    result = await sandbox.shell("while :; do sleep 0.01; done", timeout_s=0.3)
    assert (result.exit_code, result.timed_out, result.restarted) == (None, True, True)
    after = await sandbox.shell('basename "$PWD"; echo ${x-gone}')
    assert (after.stdout, after.restarted) == (b"here\ngone\n", False)


async def test_python_is_interrupted_and_keeps_its_variables(sandbox: KeptSandbox) -> None:
    await sandbox.shell("x = 1", interpreter="python")
    result = await sandbox.shell("while True: pass", interpreter="python", timeout_s=0.3)
    assert (result.exit_code, result.timed_out, result.restarted) == (None, True, False)
    assert b"KeyboardInterrupt" in result.stdout
    assert (await sandbox.shell("x", interpreter="python")).stdout == b"1\n"


async def test_the_end_of_a_shell_is_reported_once(sandbox: KeptSandbox) -> None:
    for interpreter, code in (("bash", "exit 3"), ("python", "raise SystemExit(3)")):
        ended = await sandbox.shell(code, interpreter=interpreter)  # type: ignore[arg-type]
        assert (ended.exit_code, ended.restarted) == (3, False)
        assert [(await sandbox.shell("", interpreter=interpreter)).restarted for _ in range(2)] == [True, False]  # type: ignore[arg-type]


async def test_a_caller_who_leaves_ends_what_he_asked_for(sandbox: KeptSandbox) -> None:
    for work in (sandbox.exec("sleep 1000"), sandbox.shell("sleep 1000")):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(work, 0.3)
    assert (await sandbox.shell("echo next")).stdout == b"next\n"
    assert (await sandbox.stats()).processes == 1


async def test_output_keeps_its_beginning_and_its_end(sandbox: KeptSandbox) -> None:
    for run in (sandbox.exec, sandbox.shell):
        result = await run("printf begin; head -c 5000 /dev/zero; printf end")
        assert (result.stdout[:5], result.stdout[-3:], len(result.stdout), result.dropped_bytes) == (b"begin", b"end", 1000, 4008)
    both = await sandbox.exec("head -c 3000 /dev/zero; head -c 100 /dev/zero >&2")
    assert (len(both.stdout), len(both.stderr), both.dropped_bytes) == (900, 100, 2100)


def test_capture_counts_every_byte() -> None:
    for limit in (1, 2, 7, 100):
        for size in (1, 3, 50, 99, 100, 101, 1000):
            data = bytes(i % 251 for i in range(size))
            capture = Capture(limit)
            for at in range(0, size, 7):
                capture.add(data[at : at + 7])
            kept = capture.kept
            assert len(kept) == min(limit, size)
            assert capture.dropped == size - len(kept)
            assert kept == (data if size <= limit else data[: (limit + 1) // 2] + data[size - limit // 2 :])


@pytest.mark.parametrize(
    ("sizes", "kept"), [((10, 10), (10, 10)), ((90, 30), (70, 30)), ((30, 90), (30, 70)), ((90, 90), (50, 50))]
)
def test_two_outputs_share_their_limit(sizes: tuple[int, int], kept: tuple[int, int]) -> None:
    outputs, dropped = fit([bytes(size) for size in sizes], 100)
    assert tuple(map(len, outputs)) == kept
    assert dropped == sum(sizes) - sum(kept)


FORKS = "import os, time\nx = b'x' * (50 << 20)\nfor _ in range(4):\n  if not os.fork(): time.sleep(1); os._exit(0)\n"
FILES = "import os\nfor _ in range(64): os.write(os.memfd_create('m'), b'x' * (16 << 20))\n"
HIDDEN = {
    "shared by forks": FORKS,
    "memory files": FILES,
    "memory files of one who hides them": f"import ctypes\nctypes.CDLL(None).prctl(4, 0)\n{FILES}",
}


@pytest.mark.parametrize(("name", "fits"), [(name, number == 0) for number, name in enumerate(HIDDEN)])
async def test_memory_that_is_not_simply_a_processs_own(sandbox: KeptSandbox, name: str, fits: bool) -> None:
    if name.endswith("hides them") and sandbox.capabilities.isolation == "none":
        pytest.skip("tried in the isolating backends, as root sees everything")
    code = f"{HIDDEN[name]}import time; time.sleep(0.5); print('done')"
    result = await sandbox.exec(["python3", "-c", code])
    assert (result.stdout == b"done\n") == fits, result


def test_a_metered_sandbox_counts_processes_that_have_ended_and_hid(isolating: str) -> None:
    """What a program does in orphans of orphans is counted, too."""
    burn = "import time\nend = time.process_time() + 0.4\nwhile time.process_time() < end: pass"
    with SyncSandbox(open_sandbox(SandboxSpec(limits=LIMITS, metered=True), backend=isolating)) as sandbox:
        sandbox.write("burn.py", burn.encode())
        before = sandbox.stats()
        if not before.cpu_complete:
            pytest.skip("no control group counts here")
        sandbox.exec("python3 burn.py; (setsid python3 burn.py; echo > done) </dev/null >/dev/null 2>&1 & disown -a")
        assert eventually(lambda: "done" in sandbox.exec("ls").text)
        after = sandbox.stats()
    assert after.cpu_s - before.cpu_s >= 0.8 and after.processes == before.processes


def test_processor_time_is_incomplete_where_it_is_not_asked_for(isolating: str) -> None:
    with SyncSandbox(open_sandbox(SandboxSpec(limits=LIMITS), backend=isolating)) as sandbox:
        assert not sandbox.stats().cpu_complete
