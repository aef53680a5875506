"""Task folders of Harbor are read as its schema says, and run over the host's programs, a root of one's own, or an image."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harbor_folders import DOUBLE, TOTAL, written
from task_play import play

from quintain.errors import TaskUnavailable, UsageError
from quintain.making import find_tasks, load_task, suite
from quintain.tasks.loader import read_tasks
from quintain.tasks.repo.harbor import harbor_tasks, image
from quintain.tasks.repo.harbor.dockerfile import Copied
from quintain.tasks.repo.harbor.dockerfile import read as read_dockerfile
from quintain.tasks.repo.harbor.solutions import solution_of
from quintain.tasks.repo.solutions import solution


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two task folders."""
    written(tmp_path / "tasks" / "total", TOTAL)
    written(tmp_path / "tasks" / "double", DOUBLE)
    return tmp_path / "tasks"


def test_what_task_toml_says_is_in_the_task(folder: Path) -> None:
    double, total = harbor_tasks(folder)
    assert (double.id, total.id) == ("harbor/double", "harbor/total")
    assert total.goal == "Write the sum of the numbers in numbers.txt to /app/total.txt."
    assert total.limits.seconds == 300.0 and double.limits.seconds is None
    assert total.setup["limits"] == {"seconds": 300.0, "disk_mb": 4096, "cpus": 1.0, "memory_mb": 1024}
    assert (total.setup["workdir"], total.setup["env"]) == ("/app", {"SHADE": "dark", "COLOUR": "blue"})
    assert (total.meta.tags, total.meta.domain, total.meta.human_minutes) == (("easy", "sum"), "arithmetic", 2.0)
    assert total.evaluator is not None and total.evaluator.options["timeout_s"] == 60.0


def test_an_agent_or_world_is_told_nothing_of_the_tests(folder: Path) -> None:
    for task in harbor_tasks(folder):
        seen = task.for_world().model_dump_json() + task.view().model_dump_json()
        assert "tests" not in seen and "solution" not in seen


def test_the_suite_is_found_by_a_variable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.cache_clear()
    monkeypatch.setenv("QUINTAIN_HARBOR", str(folder))
    assert list(suite("harbor").tasks) == ["harbor/double", "harbor/total"]
    assert load_task("harbor/total").meta.domain == "arithmetic"
    assert solution("harbor/double") == solution_of(folder / "double")
    suite.cache_clear()
    monkeypatch.delenv("QUINTAIN_HARBOR")
    assert not suite("harbor").tasks and "QUINTAIN_HARBOR" in suite("harbor").description
    suite.cache_clear()


def test_a_task_folder_can_be_named_in_place_of_an_id(folder: Path) -> None:
    assert [task.id for task in find_tasks(str(folder / "total"))] == ["harbor/total"]


@pytest.mark.parametrize(("toml", "says"), [("[agent]\ntimeout_sec = -1\n", "agent.timeout_sec"), ("[agent\n", "cannot be read")])
def test_a_malformed_task_toml_is_named(folder: Path, toml: str, says: str) -> None:
    (folder / "total" / "task.toml").write_text(toml)
    with pytest.raises(UsageError, match=says):
        harbor_tasks(folder)
    with pytest.raises(UsageError, match="no Harbor task"):
        harbor_tasks(folder / "total" / "tests")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('[[steps]]\nname = "one"\n', "several steps"),
        ('[environment]\nos = "windows"\n', "windows"),
        ("[verifier.environment]\ncpus = 1\n", "image of their own"),
        ('[verifier]\nenvironment_mode = "separate"\n', "no artifact"),
        ('[verifier.env]\nKEY = "${SECRET_KEY}"\n', "SECRET_KEY"),
    ],
)
async def test_what_cannot_be_done_here_is_unavailable(folder: Path, more: str, says: str) -> None:
    (folder / "double" / "task.toml").write_text(more)
    with pytest.raises(TaskUnavailable, match=says):
        await play(harbor_tasks(folder / "double")[0])


def test_a_dockerfile_is_read_as_far_as_it_only_copies(tmp_path: Path) -> None:
    lines = (
        "FROM x",
        "# note",
        "ENV A=1 \\",
        '  B="two words"',
        "WORKDIR /srv",
        "WORKDIR in",
        "COPY a.txt b/ ./",
        'COPY ["a.txt", "/c"]',
    )
    build = written(tmp_path, {"Dockerfile": "\n".join(lines) + "\n", "a.txt": "", "b/x": ""})
    recipe = read_dockerfile(build)
    assert (recipe.workdir, recipe.env, recipe.beyond) == ("/srv/in", {"A": "1", "B": "two words"}, ())
    assert recipe.copies == (Copied("a.txt", "/srv/in/a.txt"), Copied("b", "/srv/in"), Copied("a.txt", "/c"))
    (build / "Dockerfile").write_text("FROM x\nRUN apt-get install -y gcc\n")
    assert read_dockerfile(build).beyond == ("RUN apt-get install -y gcc",)


async def test_an_image_that_is_not_built_makes_a_task_unavailable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUINTAIN_CACHE", str(folder.parent / "cache"))
    (folder / "double/environment/Dockerfile").write_text("FROM debian\nRUN true\n")
    with pytest.raises(TaskUnavailable, match=r"build it with `python -m quintain.tasks.repo.harbor .*double`"):
        await play(harbor_tasks(folder / "double")[0])


async def test_a_root_of_ones_own_stands_for_the_image(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TaskUnavailable, match="no folder"):
        await play(harbor_tasks(folder / "total", root=tmp_path / "nothing")[0])
    (task,) = harbor_tasks(folder / "total", root=tmp_path)
    assert (task.setup["root"], task.setup["trees"], task.setup["env"]) == (
        str(tmp_path),
        [],
        {"SHADE": "dark", "COLOUR": "blue"},
    )


def _docker() -> None:
    found = subprocess.run(["docker", "image", "inspect", "quintain-sandbox"], capture_output=True, check=False)
    if found.returncode:
        reason = "no Docker engine with the image quintain-sandbox; run docker/build.sh"
        (pytest.fail if os.environ.get("QUINTAIN_CI") else pytest.skip)(reason)


@pytest.mark.parametrize("backend", ["bubblewrap", "docker"])
async def test_a_task_runs_over_the_files_of_its_image(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    _docker()
    monkeypatch.setenv("QUINTAIN_CACHE", str(tmp_path / "cache"))
    made = "RUN echo made > /app/made && ln -s made /app/link"
    build = f"FROM quintain-sandbox\nWORKDIR /app\nCOPY numbers.txt /app/\n{made}\nENV SHADE=dark\n"
    (folder / "total/environment/Dockerfile").write_text(build)
    command = [sys.executable, "-m", "quintain.tasks.repo.harbor", str(folder / "total")]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (task,) = harbor_tasks(folder / "total")
    assert task.setup["root"] is not None and str(tmp_path) in str(task.setup["root"])
    try:
        actions = solution_of(folder / "total")
        assert actions is not None
        played = await play(task, "pwd; cat made link; echo $SHADE; ls", *actions, backend=backend)
        assert played.texts[0].split() == ["/app", "made", "made", "dark", "link", "made", "numbers.txt"]
        assert played.value == 1.0, played.score
        forged = "cd /usr/local/bin; printf '#!/bin/sh\\nexit 0\\n' > python3; chmod +x python3; cp /bin/true /usr/bin/python3"
        assert (await play(task, forged, "python3 -c nonsense; echo $?", backend=backend)).value == 0.0
    finally:
        subprocess.run(["docker", "rmi", f"quintain-harbor:{image.place_of(folder / 'total/environment').name}"], check=False)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # Docker's SDK leaves a socket behind that it could not connect.
def test_without_an_engine_an_image_is_unavailable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUINTAIN_CACHE", str(folder.parent / "cache"))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nothing/there.sock")
    with pytest.raises(TaskUnavailable, match="no Docker engine answers"):
        image.unpack(folder / "total/environment")
    gc.collect()


@pytest.mark.parametrize("inner", ["", "hello"])
def test_the_layout_before_harbor_is_named(tmp_path: Path, inner: str) -> None:
    folder = tmp_path / "old" / inner
    folder.mkdir(parents=True)
    (folder / "task.yaml").write_text("instruction: hi\n")
    with pytest.raises(UsageError, match=r"Terminal-Bench 1 \(task.yaml\) is not read"):
        harbor_tasks(tmp_path / "old")
    with pytest.raises(UsageError, match="Terminal-Bench 1"):
        read_tasks(folder)
