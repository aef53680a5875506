"""Hostile programs that use up what there is, or leave outputs that are not what they seem: host and next episode live."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

import pytest
from sandbox_host import MIB, Host, marked, survived

from quintain.sandbox import SyncSandbox, TreeLimits

pytestmark = pytest.mark.usefixtures("unharmed")


def test_fork_bomb(victim: SyncSandbox, token: str) -> None:
    survived(lambda: victim.exec(":() { : | : & }; :", timeout_s=1))
    # A marked process on its way from fork to exec may be seen twice, so the bound is loose.
    assert len(marked(token)) < 3 * 96
    survived(lambda: victim.shell("bomb() { while :; do bomb & done; }; bomb", timeout_s=1))
    victim.kill_all()
    assert victim.exec("echo alive").stdout == b"alive\n"


def test_memory_of_one_program(victim: SyncSandbox) -> None:
    code = f"held = []\nfor _ in range(64):\n    held.append(b'x' * {64 * MIB})\nprint('got it')"
    result = victim.exec(["python3", "-c", code])
    assert result.exit_code != 0 and b"got it" not in result.stdout
    assert victim.exec("echo alive").stdout == b"alive\n"


MANY = f"""
import subprocess, sys, time
code = "held = b'x' * {400 * MIB}; print('got it', flush=True); import time; time.sleep(1000)"
programs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(4)]
said = [program.stdout.readline() for program in programs]
time.sleep(0.5)  # what is being killed is still there for a moment
print(sum(program.poll() is None for program in programs))
"""


def test_memory_of_many_programs(victim: SyncSandbox) -> None:
    """Each stays below the limit of 1 GB, all together do not."""
    result = survived(lambda: victim.exec(["python3", "-c", MANY]))
    assert result is None or result.exit_code != 0 or int(result.stdout) <= 2
    victim.kill_all()


def test_memory_that_is_no_process(victim: SyncSandbox) -> None:
    """Memory files and shared segments count, too."""
    code = f"import os\nfile = os.memfd_create('m')\nfor _ in range(64):\n    os.write(file, b'x' * {64 * MIB})\nprint('got it')"
    result = survived(lambda: victim.exec(["python3", "-c", code]))
    assert result is None or b"got it" not in result.stdout


@pytest.mark.parametrize("place", ["/workspace", "/tmp", "/dev/shm", "/run", "/var/tmp", "/home"])
def test_full_disk(victim: SyncSandbox, place: str) -> None:
    result = survived(
        lambda: victim.exec(f"head -c {3 * 64 * MIB} /dev/zero > {place}/big; stat -c %s {place}/big; echo x > {place}/y")
    )
    assert result is None or int((result.stdout.split() or [b"0"])[0]) <= 64 * MIB
    with pytest.raises(OSError):
        victim.write(f"{place}/more", bytes(65 * MIB))
    victim.exec(f"rm -f {place}/big")
    assert victim.shell("echo alive").stdout == b"alive\n"


PIECES = """
import os
made = 0
try:
    while made < 300000:
        os.mknod(f"/workspace/{made}")
        made += 1
except OSError:
    pass
print(made)
"""


def test_full_disk_in_small_pieces(victim: SyncSandbox) -> None:
    result = survived(lambda: victim.exec(["python3", "-c", PIECES]))
    assert result is None or int(result.stdout) < 300_000


def test_a_gigabyte_of_output(victim: SyncSandbox) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for run, size in ((victim.exec, 10**9), (victim.shell, 10**8)):
        result = run(f"head -c {size} /dev/zero; echo end")
        assert result.exit_code == 0
        assert (len(result.stdout), result.dropped_bytes) == (64 * 1024, size + 4 - 64 * 1024)
        assert result.stdout.endswith(b"\0end\n")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024, "the harness held the output"


def test_output_without_an_end(victim: SyncSandbox) -> None:
    for run in (victim.exec, victim.shell):
        result = run("yes", timeout_s=0.5)
        assert (result.exit_code, result.timed_out) == (None, True)


# --- outputs that are not what they seem ---

ODD = """
import os, socket
os.makedirs("o/deep"); os.chdir("o")
open("good", "w").write("good")
os.symlink("/etc/passwd", "passwd"); os.symlink("loop", "loop"); os.symlink("/", "all"); os.symlink("/dev/zero", "zero")
os.mkfifo("pipe"); socket.socket(socket.AF_UNIX).bind("socket"); os.truncate(os.open("hole", os.O_CREAT | os.O_RDWR), 2 ** 40)
os.link("good", "hard")
open(b"new\\nline\\xff\\x1b[2J", "w").write("odd"); open("-rf", "w"); open("..x", "w"); open("x" * 255, "w")
os.chdir("deep")
for _ in range(300): os.mkdir("d"); os.chdir("d")
open("bottom", "w").write("bottom")
"""


def test_odd_outputs(victim: SyncSandbox, tmp_path: Path) -> None:
    assert victim.exec(["python3", "-c", ODD]).exit_code == 0
    taken = victim.get_tree("o", tmp_path / "o", limits=TreeLimits(file_bytes=MIB, total_bytes=2 * MIB))
    assert {"good", "hard", "-rf", "..x"} <= set(taken.files)
    assert not {"passwd", "loop", "all", "zero", "pipe", "socket", "hole"} & set(taken.files)
    files = [path for path in (tmp_path / "o").rglob("*") if not path.is_dir()]
    assert all(path.is_file() and not path.is_symlink() for path in files)
    assert sum(path.stat().st_size for path in files) < MIB
    assert {path.name for path in tmp_path.iterdir()} == {"o"}


@pytest.mark.parametrize("name", ["pipe", "socket", "zero", "loop", "hole", "all", "/dev/tty", "/dev/stdin"])
def test_reading_what_is_no_file(victim: SyncSandbox, name: str) -> None:
    victim.exec(["python3", "-c", ODD])
    with pytest.raises(OSError):
        victim.read(name if name.startswith("/") else f"o/{name}", limit=MIB)


def test_writing_through_links(victim: SyncSandbox, layer: Path) -> None:
    """A link inside leads to a place inside, and to no more than its user may write."""
    victim.exec(f"ln -s {layer} a; ln -s /proc/self/environ b; ln -s / c; mkfifo d; ln -s /proc/1/root e")
    for path in ("b", "c/usr/bin/x", "c/proc/sys/kernel/hostname", "d", "e/x"):
        with pytest.raises(OSError):
            victim.write(path, b"x")
    with contextlib.suppress(OSError):
        victim.write("a/planted", b"x")
    assert [path.name for path in layer.iterdir()] == ["given.txt"]


def test_files_that_change_while_they_are_taken(victim: SyncSandbox, unharmed: Host, tmp_path: Path) -> None:
    """A name that is a file, a link and a folder by turns; what comes out is never a file that the user may not read."""
    swap = f"""
import os, itertools
os.makedirs("o", exist_ok=True)
while True:
    for make in (lambda: open("t", "w").write("mine"), lambda: os.symlink("{unharmed.file}", "t"), lambda: os.mkfifo("t"),
                 lambda: os.symlink("/etc/shadow", "t")):
        make(); os.rename("t", "o/f")
"""
    victim.write("swap.py", swap.encode())
    victim.exec("python3 swap.py >/dev/null 2>&1 & sleep 0.1")
    for number in range(60):
        victim.get_tree("o", tmp_path / str(number))
    contents = {path.read_text() for path in tmp_path.rglob("f") if path.is_file()}
    assert contents <= {"mine", ""}


def test_too_many_files(victim: SyncSandbox, tmp_path: Path) -> None:
    victim.exec("mkdir m; cd m; seq 1 5000 | xargs touch")
    taken = victim.get_tree("m", tmp_path / "m", limits=TreeLimits(files=100))
    assert len(taken.files) == 100 and taken.left
