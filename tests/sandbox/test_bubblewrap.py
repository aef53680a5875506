"""What a sandbox of bubblewrap shows and hides, for root and for everybody else, and what it says where it cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sandbox_host import works

import quintain
from quintain.errors import UsageError
from quintain.sandbox import Layer, Mount, SandboxSpec, backends, open_sandbox
from quintain.sandbox.kept import KeptSandbox

SOURCE = Path(quintain.__file__).parents[1]


def opened(spec: SandboxSpec | None = None) -> KeptSandbox:
    return open_sandbox(spec, backend=works("bubblewrap"))  # type: ignore[arg-type]


@pytest.fixture
async def sandbox() -> AsyncIterator[KeptSandbox]:
    async with opened() as started:
        yield started


async def test_the_system_around_it_is_small(sandbox: KeptSandbox) -> None:
    for path in ("/etc/shadow", "/etc/sudoers", "/etc/ssh", "/sys/kernel", "/host", "/q", "/boot"):
        assert (await sandbox.exec(["test", "-e", path])).exit_code == 1, path
    users = await sandbox.read("/etc/passwd")
    assert [line.split(b":")[0] for line in users.splitlines()] == [b"root", b"agent", b"nobody"]
    assert (await sandbox.exec("ls /home; ls -A /tmp /workspace; hostname")).stdout == b"agent\n/tmp:\n\n/workspace:\nsandbox\n"


async def test_programs_of_the_host_run(sandbox: KeptSandbox) -> None:
    code = "import ssl, sqlite3, pty, os; print(len(ssl.create_default_context().get_ca_certs()) >= 0, os.openpty() != None)"
    assert (await sandbox.exec(["python3", "-c", code])).stdout == b"True True\n"


async def test_devices_cannot_be_changed(sandbox: KeptSandbox) -> None:
    before = Path("/dev/null").stat().st_mode
    for command in ("chmod 0 /dev/null", "rm -f /dev/null /dev/zero", "mv /dev/null /tmp", "mknod /tmp/n c 1 3 && echo > /tmp/n"):
        assert (await sandbox.exec(command)).exit_code != 0, command
    assert (await sandbox.exec("echo x > /dev/null; head -c 4 /dev/urandom | wc -c")).stdout == b"4\n"
    assert Path("/dev/null").stat().st_mode == before


async def test_no_setting_of_the_kernel_can_be_written(sandbox: KeptSandbox) -> None:
    code = """
import os
for top in ("/proc/sys", "/proc/irq", "/proc/sysrq-trigger", "/proc/mtrr", "/proc/acpi", "/proc/bus", "/proc/fs"):
    for folder, _, files in os.walk(top):
        for name in files:
            path = os.path.join(folder, name)
            try:
                file = os.open(path, os.O_RDWR)
                content = os.read(file, 4096)
                os.lseek(file, 0, 0)
                os.write(file, content)
                print(path)
            except OSError: pass
"""
    result = await sandbox.exec(["python3", "-c", code])
    assert (result.exit_code, result.stdout) == (0, b"")


async def test_orphans_are_collected(sandbox: KeptSandbox) -> None:
    await sandbox.exec("for i in $(seq 30); do (setsid true &); done; sleep 0.2")
    states = await sandbox.exec("cat /proc/[0-9]*/stat | awk '{print $3}' | sort | uniq -c")
    assert b"Z" not in states.stdout


@pytest.mark.parametrize("uid", [0, 1, 1000, 65535])
async def test_the_user_owns_what_it_is_given(uid: int, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/private").write_text("mine")
    (tmp_path / "sub/private").chmod(0o600)
    tmp_path.chmod(0o700)
    layers, mounts = (Layer(source=tmp_path, target="/workspace"),), (Mount(source=tmp_path, target="/m"),)
    async with opened(SandboxSpec(layers=layers, mounts=mounts, uid=uid)) as sandbox:
        seen = await sandbox.exec("id -u; id -g; stat -c %u . sub /m/sub/private; cat sub/private /m/sub/private; echo; echo ~")
        home = "/root" if uid == 0 else "/home/agent"
        assert seen.text.split() == [str(uid)] * 5 + ["minemine", home]
        assert (await sandbox.exec("echo x > sub/private")).exit_code == 0
        assert (await sandbox.exec("echo x > /m/sub/private")).exit_code != 0
    assert (tmp_path / "sub/private").read_text() == "mine"


async def test_writable_mounts_are_written(tmp_path: Path) -> None:
    async with opened(SandboxSpec(mounts=(Mount(source=tmp_path, target="/m", writable=True),))) as sandbox:
        await sandbox.write("/m/a", b"1")
    assert (tmp_path / "a").read_bytes() == b"1"
    assert (tmp_path / "a").stat().st_uid == os.getuid()


async def test_a_socket_in_a_mount_can_be_called(tmp_path: Path) -> None:
    import asyncio

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    code = "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('/m/s')\ns.sendall(b'x\\n')\nprint(s.recv(9))"
    spec = SandboxSpec(mounts=(Mount(source=tmp_path, target="/m"),))
    async with await asyncio.start_unix_server(serve, tmp_path / "s"), opened(spec) as sandbox:
        assert (await sandbox.exec(["python3", "-c", code])).stdout == b"b'x\\n'\n"


async def test_layers_lie_over_each_other_in_their_order(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub/same").write_text(name)
        (tmp_path / name / f"sub/{name}").touch()
    layers = tuple(Layer(source=tmp_path / name, target="/a/b,c:d") for name in ("one", "two"))
    async with opened(SandboxSpec(layers=layers)) as sandbox:
        assert (await sandbox.exec("ls sub; cat sub/same", cwd="/a/b,c:d")).stdout == b"one\nsame\ntwo\ntwo"


async def test_quintain_is_hidden_wherever_it_would_be_seen() -> None:
    root = SOURCE.parent if SOURCE.name == "src" else SOURCE
    layers, mounts = (Layer(source=root, target="/layer"),), (Mount(source=root, target="/mount"),)
    async with opened(SandboxSpec(layers=layers, mounts=mounts, hidden=("/mount/tests",))) as sandbox:
        seen = await sandbox.exec("ls -d /layer/tests; find /layer /mount -path '*/.*' -prune -o -name trace.py -print")
        assert seen.stdout == b"/layer/tests\n"
        seen = await sandbox.exec("ls -A /mount/tests /mount/envs; touch /mount/envs/x")
        assert seen.stdout == b"/mount/envs:\n\n/mount/tests:\n"


async def test_a_root_file_system_of_its_own(tmp_path: Path) -> None:
    """Links in it, and later what was written over it, lead to nothing of the host when the next view is laid."""
    programs = [shutil.which(name) or "" for name in ("bash", "ls", "cat", "mkdir", "rm", "ln", "stat", "id")]
    for program in programs:
        _copy_program(Path(program), tmp_path)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("own:x:0:0::/:/bin/bash\n")
    (tmp_path / "workspace").symlink_to("/etc")
    (tmp_path / "dev").symlink_to("/../../../../tmp")
    async with opened(SandboxSpec(layers=(Layer(source=tmp_path, target="/"),), uid=0, workdir="/workspace/deep")) as sandbox:
        assert (await sandbox.exec("cat /etc/passwd; ls -d /etc/deep; echo x > /new; cat /new")).stdout == (
            b"own:x:0:0::/:/bin/bash\n/etc/deep\nx\n"
        )
        await sandbox.exec("rm -r /etc; ln -s /proc/1/root /etc; rm -rf /home; ln -s / /home")
        snapshot = await sandbox.snapshot()
        await sandbox.restore(snapshot)
        assert (await sandbox.exec("cat /new")).stdout == b"x\n"
    assert sorted(path.name for path in (tmp_path / "etc").iterdir()) == ["passwd"]


def _copy_program(program: Path, root: Path) -> None:
    libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout.split()
    for path in [Path("/bin") / program.name, *(Path(word) for word in libraries if word.startswith("/"))]:
        target = root / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


async def test_what_is_missing_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "no"
    layers, mounts = (Layer(source=missing, target="/x"),), (Mount(source=missing, target="/x"),)
    for spec in (SandboxSpec(layers=layers), SandboxSpec(mounts=mounts)):
        with pytest.raises(UsageError, match="no, to be shown at /x, is missing"):
            await opened(spec).start()


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert backends()["bubblewrap"] == (
        "bubblewrap: unavailable because the program bwrap is missing; install it: apt-get install bubblewrap"
    )


PROBE = "from quintain.sandbox import backends; print(backends()['bubblewrap'])"
EPISODE = """
    import asyncio, os, sys
    from quintain.sandbox import Layer, ResourceLimits, SandboxSpec, open_sandbox
    async def main():
        os.makedirs(sys.argv[1] + "/given"); open(sys.argv[1] + "/given/a", "w").write("a")
        limits = ResourceLimits(memory_mb=256, pids=30, disk_mb=16)
        spec = SandboxSpec(layers=(Layer(source=sys.argv[1], target="/workspace"),), limits=limits)
        async with open_sandbox(spec, "bubblewrap") as s:
            print((await s.shell("cat given/a; echo; rm -r given; mkdir given; echo b > given/b; id -u; x=1")).text)
            point = await s.snapshot()
            await s.shell("rm -r given")
            await s.restore(point)
            async with await s.fork() as f: print((await f.shell("ls given; echo $x")).text)
            await s.exec("for i in $(seq 60); do sleep 100 & done", timeout_s=3)
            print((await s.stats()).processes <= 31)
            await s.kill_all()
            print((await s.exec(["python3", "-c", "x = b'x' * 10**9; import time; time.sleep(5)"])).exit_code)
            print(b"No space" in (await s.exec("head -c 30000000 /dev/zero > big")).stderr)
    asyncio.run(main())
"""


def test_a_user_without_privileges_has_it_too(tmp_path: Path) -> None:
    """As the user nobody, in a mount namespace in which this interpreter can be read."""
    works("bubblewrap")
    if os.geteuid() != 0:
        pytest.skip("Skipped: tried in every other test by this user")
    work = tmp_path / "work"
    work.mkdir()
    os.chown(work, 65534, 65534)
    script = [*_as_nobody(tmp_path), sys.executable, "-c", textwrap.dedent(EPISODE), str(work)]
    result = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
    assert result.stdout.split() == ["a", "1000", "b", "1", "True", "-9", "True"], result.stderr


def _as_nobody(tmp_path: Path) -> list[str]:
    """A command that runs another as nobody; folders on the way to this interpreter, its packages and the test's are opened."""
    needed = {sys.executable, sys.base_prefix, str(SOURCE), str(tmp_path / "work"), *(path for path in sys.path if path)}
    parents = {folder for path in needed for folder in Path(path).parents}
    closed = sorted((str(folder) for folder in parents if not folder.stat().st_mode & 0o001), key=len)
    # Only in the namespace: a folder that is closed is shown open, with what is needed of its content.
    steps = []
    for number, each in enumerate(closed):
        steps.append(f"mkdir -p /run/open{number} && mount --bind {each} /run/open{number}")
        steps.append(f"mount -t tmpfs -o mode=755 none {each}")
        inside = {Path(path).relative_to(each).parts[0] for path in needed if Path(path).is_relative_to(each)}
        steps += [f"mkdir {each}/{name} && mount --rbind /run/open{number}/{name} {each}/{name}" for name in sorted(inside)]
    environment = f"PYTHONPATH={SOURCE} HOME={tmp_path}/work TMPDIR={tmp_path}/work"
    steps.insert(0, "mount -t tmpfs none /run")
    steps.append(f'exec setpriv --reuid 65534 --regid 65534 --clear-groups env {environment} "$@"')
    return ["unshare", "-m", "sh", "-ec", "\n".join(steps), "sh"]


@pytest.mark.parametrize(("switch", "value"), [("user.max_user_namespaces", "0")])
def test_forbidden_namespaces_are_named(switch: str, value: str) -> None:
    """Forbidden in a user namespace around the harness, whose root it is."""
    works("bubblewrap")
    command = f'echo {value} > /proc/sys/{switch.replace(".", "/")}; exec {sys.executable} -c "{PROBE}"'
    result = subprocess.run(["unshare", "-Ur", "sh", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert f"sysctl -w {switch}=" in result.stdout, result.stderr
    assert "unavailable because user namespaces are forbidden" in result.stdout
