"""The repository world in a real sandbox: actions, evidence, and the contract of worlds."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from quintain.core import Limits, Probe, Task
from quintain.environment import Environment
from quintain.envs.repo.requirements import check_inside
from quintain.envs.repo.trees import EPOCH
from quintain.envs.repo.world import RepoWorld
from quintain.errors import TaskError, TaskUnavailable, Unavailable, UsageError
from quintain.making import load_evaluator
from quintain.sandbox import backends
from quintain.spaces import Action, Bash, Edit, Noop, Observation, Python, Read, Submit, ViewImage, Wait, Write
from quintain.testing import check_world

Make = Callable[..., Task]


async def begun(world: RepoWorld, task: Task) -> Observation:
    return await world.reset(task.for_world(), seed=0, observe=("text",))


async def test_the_first_observation_shows_the_goal_and_the_files(world: RepoWorld, task: Make) -> None:
    seen = await begun(world, task(files={"task.txt": "do\n"}))
    assert seen.text == (
        "Look around.\n\n/workspace:\n  code/\n  code/run.sh (19 bytes)\n  notes.txt (14 bytes)\n  task.txt (3 bytes)"
    )
    assert (await begun(world, task(view="Begin."))).text == "Begin."


async def test_the_shell_keeps_its_state_and_the_next_reset_throws_it_away(world: RepoWorld, task: Make) -> None:
    await begun(world, task())
    said = [
        await world.act(Bash(command=command))
        for command in ("cd code; x=4; touch /workspace/new /tmp/new", "pwd; echo $x; ./run.sh", "false", "no-such-program; echo")
    ]
    assert [(each.text, each.exit_code) for each in said[:3]] == [("", 0), ("/workspace/code\n4\nran\n", 0), ("", 1)]
    assert said[3].text is not None and "no-such-program: command not found" in said[3].text
    await begun(world, task())
    again = await world.act(Bash(command='pwd; echo "<$x>"; ls /workspace; ls /tmp | wc -l'))
    assert again.text == "/workspace\n<>\ncode\nnotes.txt\n0\n"


async def test_the_surroundings_are_the_same_everywhere(world: RepoWorld, task: Make) -> None:
    await begun(world, task(env={"COLOUR": "blue"}))
    said = await world.act(
        Bash(command="id -u; echo $COLOUR $HOME $TZ $LC_ALL $PYTHONHASHSEED; stat -c %Y notes.txt; cat ~/x 2>&1")
    )
    home = "/home/agent"
    assert said.text == f"1000\nblue {home} UTC C.UTF-8 0\n{EPOCH}\ncat: {home}/x: No such file or directory\n"
    said = await world.act(Bash(command="echo hi > ~/x && cat ~/x && ls -d ~/R; env | grep -c QUINTAIN"))
    assert said.text == f"hi\n{home}/R\n0\n"


async def test_python_keeps_its_variables(world: RepoWorld, task: Make) -> None:
    await begun(world, task())
    await world.act(Python(code="x = 20"))
    seen = await world.act(Python(code="print(x + 1)\nx / 0"))
    assert seen.text is not None and seen.text.startswith("21\n") and "ZeroDivisionError" in seen.text
    assert seen.exit_code == 1
    assert (await world.act(Python(code="print(x)"))).text == "20\n"


async def test_files_are_read_written_and_edited(world: RepoWorld, task: Make) -> None:
    await begun(world, task())
    seen = [
        await world.act(action)
        for action in (
            Read(path="notes.txt", start=2),
            Write(path="deep/er/new.sh", content="#!/bin/sh\necho new é\n"),
            Edit(path="/workspace/deep/er/new.sh", old="new é", new="mended"),
            Bash(command="./deep/er/new.sh; ls -l deep/er/new.sh | cut -c1-10; install -m 751 /dev/null tool"),
            Edit(path="notes.txt", old="o", new="0"),
            Read(path="nowhere.txt"),
            Read(path="code"),
            Write(path="notes.txt/x", content=""),
            Read(path="/dev/null"),
            Bash(command="head -c 4 /dev/zero > zeros; ln -s /etc/shadow link"),
            Read(path="zeros"),
            Read(path="link"),
            Read(path="a\0b"),
            Read(path="x" * 5000),
            Write(path="tool", content="exit"),
            Bash(command="ls -l tool | cut -c1-10"),
        )
    ]
    assert seen.pop().text == "-rwxr-x--x\n" and seen.pop().error is None, "a file keeps its mode"
    assert [each.text for each in seen[:4]] == [
        "     2\ttwo\n     3\tthree",
        "wrote 22 bytes to deep/er/new.sh",
        "edited /workspace/deep/er/new.sh",
        "mended\n-rwxr-xr-x\n",
    ]
    errors = [each.error or "" for each in seen[4:]]
    assert errors[0].startswith("edit: the text occurs 2 times in notes.txt (lines 1, 2)")
    assert errors[1:4] == [
        "read: there is no file 'nowhere.txt'",
        "read: 'code' is a folder",
        "write: a part of 'notes.txt/x' is a file, not a folder",
    ]
    assert errors[4].startswith("read: '/dev/null'")
    assert errors[6] == "read: zeros is no text; it has 4 bytes"
    assert all(each.startswith("read: ") for each in errors[7:]) and len(errors) == 10


async def test_pictures_are_seen(world: RepoWorld, task: Make) -> None:
    await begun(world, task())
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20), (0, 128, 0)).save(buffer, "PNG")
    assert world._sandbox is not None
    await world._sandbox.write("plot.png", buffer.getvalue())
    seen = await world.act(ViewImage(path="plot.png"))
    assert seen.text == "plot.png: PNG, 30 x 20 pixels"
    assert seen.images[0].shape == (20, 30, 3) and seen.images[0][5, 5].tolist() == [0, 128, 0]
    refused = await world.act(ViewImage(path="notes.txt"))
    assert refused.error is not None and refused.error.startswith("view_image: this is no picture") and not refused.images


async def test_long_outputs_are_cut_and_long_commands_stopped(task: Make, sandboxed: None) -> None:
    world = RepoWorld(text_bytes=1000)
    try:
        await begun(world, task())
        seen = await world.act(Bash(command="seq 1 100000"))
        assert seen.text is not None and len(seen.text) < 1100
        assert seen.text.startswith("1\n2\n") and seen.text.endswith("99999\n100000\n")
        assert "[… 587895 bytes are left out …]" in seen.text
        stopped = await world.act(Bash(command="echo before; sleep 60", timeout_s=0.3))
        assert stopped.text is not None and stopped.text.startswith("before\n")
        assert stopped.text.endswith("[stopped at its time limit of 0.3 s]")
        assert stopped.exit_code is None
        ended = await world.act(Bash(command="x=1; exit 3"))
        assert ended.exit_code == 3
        after = await world.act(Bash(command='echo "<$x>"'))
        assert "<>" in f"{after.text}" and "there is a new shell" in f"{ended.text}{after.text}"
    finally:
        await world.close()


async def test_waiting_lets_jobs_go_on(world: RepoWorld, task: Make) -> None:
    await begun(world, task())
    await world.act(Bash(command="(sleep 0.1; echo done > job) &"))
    await world.act(Wait(seconds=0.5))
    assert (await world.act(Bash(command="cat job"))).text == "done\n"
    assert (await world.act(Noop())).text == ""


async def test_evidence_is_copied_out_by_pattern_by_name_and_listed(world: RepoWorld, task: Make) -> None:
    await begun(world, task())
    await world.act(
        Bash(command="mkdir -p b/z a; echo 1 > b/report.json; echo 2 > a/report.json; echo 3 > b/z/x.csv; mkfifo b/pipe.csv")
    )
    await world.act(Bash(command="ln -s /etc/passwd b/link.csv; truncate -s 2M b/big.csv"))
    query: dict[str, Any] = {"files": ["**/*.csv"], "find": "report.json", "tree": True}
    found = await world.collect(Probe(query=query))
    assert found.files == {"b/z/x.csv": b"3\n", "report.json": b"2\n"}
    assert found.values["found"] == "a/report.json"
    tree: Any = found.values["tree"]
    assert tree["b/big.csv"] == 2 * 2**20 and tree["code/run.sh"] == 19 and "b/pipe.csv" not in tree
    left: Any = found.values["left"]
    assert set(left) == {"b/pipe.csv", "b/link.csv", "b/big.csv"}
    await world.act(Bash(command="echo 0 > report.json"))
    assert (await world.collect(Probe(query={"find": "report.json"}))).files == {"report.json": b"0\n"}
    with pytest.raises(TaskError, match=r"toy/repo: evaluator\.probe\.query\.fils"):
        await world.collect(Probe(query={"fils": []}))


async def test_the_set_up_is_prepared_before_anybody_looks(world: RepoWorld, task: Make) -> None:
    seen = await begun(world, task(prepare=["echo made > made.txt", "test -f made.txt"]))
    assert seen.text is not None and "  made.txt" in seen.text
    assert (await world.act(Bash(command="cat made.txt"))).text == "made\n"
    with pytest.raises(TaskError, match=r"setup\.prepare: 'echo no; exit 4' failed with exit code 4: no"):
        await begun(world, task(prepare=["echo no; exit 4"]))


async def test_a_task_that_cannot_run_here_says_why(
    world: RepoWorld, task: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(TaskUnavailable, match="unavailable because the program 'no-such-program' is missing"):
        await begun(world, task(requires=["program:no-such-program"]))
    monkeypatch.delenv("QUINTAIN_SCIENCE", raising=False)
    monkeypatch.setenv("QUINTAIN_CACHE", str(tmp_path / "empty"))
    with pytest.raises(TaskUnavailable, match="the science environment is not built; `quintain setup repo`"):
        await begun(world, task(python="science"))
    await begun(world, task())


async def test_what_an_image_lacks_is_found_inside(world: RepoWorld, task: Make) -> None:
    await begun(world, task())
    assert world._sandbox is not None
    await check_inside(world._sandbox, ["program:sh", "python:numpy"], task="a/b", python=False)
    with pytest.raises(TaskUnavailable, match=r"the Docker image lacks the program no-such, the R package no\.such;"):
        await check_inside(world._sandbox, ["program:no-such", "r:no.such", "program:ls"], task="a/b", python=False)


def test_a_backend_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="backend 'podman' is unknown"):
        RepoWorld(backend="podman")  # type: ignore[arg-type]
    for name, found in backends().items():
        if isinstance(found, str):
            with pytest.raises(Unavailable, match="unavailable because no sandbox works here: .*; `quintain setup repo`"):
                RepoWorld(backend=name)


async def test_what_is_declared_is_what_is_enforced(world: RepoWorld, task: Make) -> None:
    declared = world.capabilities
    assert {"files", "processes", "network"} <= set(declared.isolation)
    assert declared.modalities == ("text",) and declared.snapshot and declared.copies
    await begun(world, task())
    assert world.versions["sandbox"] == declared.notes["backend"]
    seen = await world.act(Bash(command="ls /proc/[0-9]* -d | wc -l; cat /proc/net/dev | wc -l; echo $PPID"))
    processes, interfaces, _ = (int(line) for line in (seen.text or "").split())
    assert processes < 10 and interfaces <= 3


async def test_a_state_can_be_gone_back_to_and_forked(task: Make, sandboxed: None) -> None:
    wanted = task(evaluator="Reported", when="asked", probe={"files": ["report.txt"]})
    environment = Environment(RepoWorld(), wanted, evaluator=load_evaluator(wanted))
    try:
        await environment.reset(seed=0)
        await environment.step(Bash(command="cd code; x=7; echo 3 > /workspace/report.txt"))
        asked = await environment.step('{"kind": "score"}')
        assert asked.reward == pytest.approx(0.3)
        saved = await environment.snapshot()
        await environment.step(Bash(command="echo 9 > /workspace/report.txt; rm run.sh; x=8; cd /"))
        assert (await environment.step('{"kind": "score"}')).reward == pytest.approx(0.6)
        twin = await environment.fork(saved)
        seen = await environment.restore(saved)
        assert seen.step == 2 and environment.score is not None and environment.score.value == pytest.approx(0.3)
        look = Bash(command="pwd; echo $x; ls; cat /workspace/report.txt")
        here, there = await environment.step(look), await twin.step(look)
        assert here.observation.text == there.observation.text == "/workspace/code\n7\nrun.sh\n3\n"
        await environment.step(Bash(command="echo 10 > /workspace/report.txt"))
        last, other = await environment.step(Submit()), await twin.step(Submit())
        assert (last.info["score"].value, other.info["score"].value) == (1.0, 0.3)
        await twin.close()
    finally:
        await environment.close()


def draw(observation: Observation, random: Any) -> Action:
    """Actions whose effects show, none of which a clock decides."""
    name = f"f{random.randrange(3)}"
    return random.choice(
        (
            Bash(command=f"ls -la --time-style=+ ; echo {random.random()} >> {name}; cat {name}"),
            Python(code=f"import random; print(hash('{name}'), {random.random()})"),
            Write(path=name, content=f"{random.random()}\n"),
            Edit(path=name, old="0.", new="1."),
            Read(path=name),
            ViewImage(path=name),
            Bash(command="nonsense(", timeout_s=20),
            Noop(),
        )
    )


def test_the_world_keeps_its_contract(task: Make, sandboxed: None) -> None:
    wanted = task(evaluator="Reported", when="asked", probe={"files": ["report.txt"]})
    check_world(RepoWorld, wanted, steps=6, draw=draw)


def test_the_world_keeps_its_contract_whatever_is_done(task: Make, sandboxed: None) -> None:
    check_world(RepoWorld, task(evaluator="Reported", limits=Limits(steps=8)), seeds=(3,), steps=6)
