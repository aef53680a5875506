"""The scripted episode of the sandbox suite: what is done, and what is to be seen on every backend alike.

Durations are no observations. Texts of the system's own messages are not compared either, only whether and where they come.
"""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from quintain.sandbox import ExecResult, Interpreter, Layer, Mount, ResourceLimits, Sandbox, SandboxSpec, Snapshot, TreeLimits

OUTPUT_BYTES = 64 * 1024
LIMITS = ResourceLimits(seconds=20, output_bytes=OUTPUT_BYTES, memory_mb=512, pids=128, disk_mb=64)
ODD_NAME = "žluť 漢.txt"
BYTES = bytes(range(256)) * 17


def stage(folder: Path) -> SandboxSpec:
    """Lay out the folders of the host that the episode shows inside, and the spec that shows them."""
    lower, upper, shown = folder / "lower", folder / "upper", folder / "shown"
    for place in (lower / "sub", upper / "sub", shown, folder / "tree" / "deep"):
        place.mkdir(parents=True)
    (lower / "one.txt").write_text("one, below\n")
    (lower / "sub" / "two.txt").write_text("two, below\n")
    (upper / "sub" / "two.txt").write_text("two, above\n")
    (shown / "note.txt").write_text("read me\n")
    tree = folder / "tree"
    (tree / ODD_NAME).write_bytes(BYTES)
    (tree / "run.sh").write_text("#!/bin/bash\necho ran $1\n")
    (tree / "run.sh").chmod(0o755)
    (tree / "deep" / "empty").touch()
    return SandboxSpec(
        layers=(Layer(source=lower, target="/workspace/given"), Layer(source=upper, target="/workspace/given")),
        mounts=(Mount(source=shown, target="/shown"),),
        env={"COLOUR": "žlutá"},
        limits=LIMITS,
    )


@dataclass
class Play:
    """One playing of the script."""

    sandbox: Sandbox
    folder: Path
    snapshots: dict[str, Snapshot] = field(default_factory=dict)


Act = Callable[[Play], Awaitable[object]]


class Line(NamedTuple):
    """One action and what it must show."""

    name: str
    act: Act
    expected: object


def said(result: ExecResult) -> dict[str, object]:
    """What an observer may compare of a result: everything but its duration, without what is as usual."""
    fields = result.model_dump(exclude={"duration_s"}, exclude_defaults=True)
    return {"exit_code": result.exit_code} | fields


def out(text: str | bytes = b"", code: int | None = 0, *, err: bytes = b"", **flags: object) -> dict[str, object]:
    """The expectation that `said` is compared with."""
    stdout = text.encode() if isinstance(text, str) else text
    streams = {"stdout": stdout, "stderr": err}
    return {"exit_code": code} | {name: value for name, value in streams.items() if value} | flags


def shell(code: str, *, interpreter: Interpreter = "bash", timeout_s: float | None = None) -> Act:
    async def act(play: Play) -> object:
        return said(await play.sandbox.shell(code, interpreter=interpreter, timeout_s=timeout_s))

    return act


def python(code: str) -> Act:
    return shell(code, interpreter="python")


def execute(
    command: tuple[str, ...] | str, *, input: bytes = b"", cwd: str | None = None, env: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
) -> Act:  # fmt: skip
    async def act(play: Play) -> object:
        return said(await play.sandbox.exec(command, input=input, cwd=cwd, env=env, timeout_s=timeout_s))

    return act


def outcome(act: Act) -> Act:
    """Only the exit code and flags: the text is bash's or Python's own."""

    async def short(play: Play) -> object:
        result = await act(play)
        assert isinstance(result, dict)
        return {name: value for name, value in result.items() if name not in {"stdout", "stderr"}}

    return short


def last_line(act: Act) -> Act:
    """The exit code and the last line of what was printed."""

    async def short(play: Play) -> object:
        result = await act(play)
        assert isinstance(result, dict)
        return result["exit_code"], result.get("stdout", b"").splitlines()[-1:]

    return short


def ends(act: Act) -> Act:
    """Sizes, beginning and end of a long output."""

    async def short(play: Play) -> object:
        result = await act(play)
        assert isinstance(result, dict)
        stdout = result.get("stdout", b"")
        return result["exit_code"], len(stdout), stdout[:6], stdout[-7:], result.get("dropped_bytes", 0)

    return short


def read(path: str, *, limit: int = 2**20) -> Act:
    async def act(play: Play) -> object:
        try:
            return await play.sandbox.read(path, limit=limit)
        except OSError as error:
            return errno.errorcode[error.errno or 0]

    return act


def write(path: str, data: bytes, *, mode: int = 0o644) -> Act:
    async def act(play: Play) -> object:
        try:
            await play.sandbox.write(path, data, mode=mode)
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        return None

    return act


def take(source: str, *, limits: TreeLimits | None = None, only: tuple[str, ...] = ()) -> Act:
    """What `get_tree` brings, as text by path; of what was left only the names."""

    async def act(play: Play) -> object:
        target = play.folder / "taken"
        taken = await play.sandbox.get_tree(source, target, limits=limits, only=only)
        files = {name: (target / name).read_bytes() for name in taken.files}
        for name in taken.files:
            (target / name).unlink()
        return files, sorted(taken.left)

    return act


async def put(play: Play) -> object:
    await play.sandbox.put_tree(play.folder / "tree", "/workspace/tree")
    return said(
        await play.sandbox.exec(f"cd tree && ./run.sh well && find . -type f | sort && cmp -n 99 deep/empty '{ODD_NAME}'")
    )


async def talk(play: Play) -> object:
    """A program that answers line by line, while other commands run."""
    process = await play.sandbox.spawn(["bash", "-c", 'while read -r line; do echo "got $line"; done; exit 5'])
    heard = []
    for line in (b"one\n", b"two\n"):
        await process.write(line)
        heard.append(await process.read())
        heard.append((await play.sandbox.exec(["echo", "meanwhile"])).stdout)
    await process.close_input()
    rest = await process.read()
    return heard, rest, await process.wait()


async def killed(play: Play) -> object:
    process = await play.sandbox.spawn(["sleep", "1000"])
    await process.kill()
    return await process.wait()


def snapshot(name: str) -> Act:
    async def act(play: Play) -> object:
        play.snapshots[name] = await play.sandbox.snapshot()
        return None

    return act


def restore(name: str) -> Act:
    async def act(play: Play) -> object:
        await play.sandbox.restore(play.snapshots[name])
        return None

    return act


async def fork(play: Play) -> object:
    """Both go on from the same files, and neither sees what the other does."""
    other = await play.sandbox.fork(play.snapshots["two"])
    try:
        begun = (await other.exec("cat state given/sub/two.txt")).stdout
        await other.exec("echo forked > state; rm -r given")
        await play.sandbox.exec("echo first > state")
        return begun, await other.read("state"), await play.sandbox.read("state"), await play.sandbox.read("given/one.txt")
    finally:
        await other.close()


async def kill_all(play: Play) -> object:
    await play.sandbox.exec("nohup sleep 1000 >/dev/null 2>&1 & echo $! > pid")
    before = said(await play.sandbox.exec("kill -0 $(cat pid)"))
    await play.sandbox.kill_all()
    after = await play.sandbox.exec("kill -0 $(cat pid) 2>/dev/null")
    return before, after.exit_code


async def stats(play: Play) -> object:
    await play.sandbox.exec("sleep 1000 >/dev/null 2>&1 & head -c 3000000 /dev/urandom > blob")
    now = await play.sandbox.stats()
    return now.processes >= 1, now.memory_bytes > 0, now.disk_bytes >= 3_000_000, now.cpu_s >= 0


async def reset(play: Play) -> object:
    await play.sandbox.reset()
    return said(await play.sandbox.exec("find . | sort; cat given/sub/two.txt"))


async def respec(play: Play) -> object:
    """Another spec from now on, and back."""
    spec = play.sandbox.spec
    await play.sandbox.reset(SandboxSpec(workdir="/elsewhere", env={"ONLY": "here"}, limits=LIMITS))
    there = said(await play.sandbox.exec('pwd; ls -A; echo "$ONLY$COLOUR"'))
    await play.sandbox.reset(spec)
    return there, said(await play.sandbox.exec('pwd; ls; echo "$ONLY$COLOUR"'))


FRESH = ".\n./given\n./given/one.txt\n./given/sub\n./given/sub/two.txt\ntwo, above\n"
LONG = "".join(f"{number}\n" for number in range(1, 100_001))

SHELL = (
    Line("begins in the working folder", shell("pwd; ls"), out("/workspace\ngiven\n")),
    Line(
        "folder, variables, arrays and functions stay",
        shell("mkdir -p a/b; cd a; x=1; y=(p q r); f() { echo \"f:$1:$x\"; }"), out(),
    ),
    Line("… in the next call", shell('pwd; f "$x"; echo "${y[2]}"; x=2'), out("/workspace/a\nf:1:1\nr\n")),
    Line("exit codes", shell("false"), out(code=1)),
    Line("exit code of a subshell", shell("(exit 7)"), out(code=7)),
    Line("both streams in their order", shell("echo out; echo err >&2; echo out again"), out("out\nerr\nout again\n")),
    Line("input is closed", shell("cat; read -r line; echo read:$?"), out("read:1\n")),
    Line(
        "here documents and quotes",
        shell("cat <<'END'\n$x `date`\n\tEND\nEND\necho \"it's $x\""), out("$x `date`\n\tEND\nit's 2\n"),
    ),
    Line("a syntax error is said, and the shell lives", outcome(shell("if then")), out(code=2)),
    Line("state after a syntax error", shell("echo $x"), out("2\n")),
    Line("text of any script", shell("printf 'žluť 漢字 😀 %s' \"$COLOUR\""), out("žluť 漢字 😀 žlutá")),
    Line("bytes of any value", shell(r"printf '\x00\xff\x01\r\n\x1b[0m'"), out(b"\x00\xff\x01\r\n\x1b[0m")),
    Line(
        "long output keeps head and tail", ends(shell("seq 1 100000")),
        (0, OUTPUT_BYTES, b"1\n2\n3\n", b"100000\n", len(LONG) - OUTPUT_BYTES),
    ),
    Line("a job in the background holds nothing up", shell("sleep 1000 & echo begun; jobs -r | wc -l"), out("begun\n1\n")),
    Line("… and can be ended later", shell("kill %1; wait %1; jobs -r | wc -l"), out("0\n")),
    Line("commands past their time are ended", outcome(shell("sleep 1000", timeout_s=0.3)), out(code=None, timed_out=True)),
    Line("… and the shell goes on", shell("echo $x"), out("2\n")),
    Line(
        "a shell that cannot be stopped is replaced",
        outcome(shell("while :; do :; done", timeout_s=0.3)), out(code=None, timed_out=True, restarted=True),
    ),
    Line("leaving the shell", outcome(shell("x=4; echo bye; exit 3")), out(code=3)),
    Line(
        "… gives a fresh one where it was, without the variables",
        shell('pwd; echo "${x-gone}"'), out("/workspace/a\ngone\n", restarted=True),
    ),
    Line("a shell that kills itself", outcome(shell("kill -9 $$")), out(code=-9)),
    Line("… is replaced", shell("cd ..; ls"), out("a\ngiven\n", restarted=True)),
)  # fmt: skip

COMMANDS = (
    Line("arguments are not read by a shell", execute(("printf", "%s|", "a b", "*", "$HOME", "")), out("a b|*|$HOME||")),
    Line("a text is read by bash", execute("echo {1..3} | tr ' ' -; echo no >&2; exit 4"), out("1-2-3\n", 4, err=b"no\n")),
    Line(
        "input, folder and variables",
        execute('cat; pwd; echo "$K"', input=BYTES, cwd="/tmp", env={"K": "é"}), out(BYTES + b"/tmp\n\xc3\xa9\n"),
    ),
    Line("a program that does not exist", outcome(execute(("no-such-program",))), out(code=127)),
    Line("a program ended by a signal", execute(("bash", "-c", "kill -TERM $$")), out(code=-15)),
    Line(
        "a whole tree of processes past its time",
        outcome(execute("sleep 1000 & echo $! > pid; wait", timeout_s=0.3)), out(code=None, timed_out=True),
    ),
    Line("… is gone", execute("kill -0 $(cat pid) 2>/dev/null"), out(code=1)),
    Line(
        "nothing of the host's environment",
        execute('echo "$COLOUR ${HTTP_PROXY-}${SSH_AUTH_SOCK-}${PYTEST_CURRENT_TEST-}${VIRTUAL_ENV-}"'), out("žlutá \n"),
    ),
    Line("a conversation with a program", talk, ([b"got one\n", b"meanwhile\n", b"got two\n", b"meanwhile\n"], b"", 5)),
    Line("a program that is killed", killed, -9),
)  # fmt: skip

PYTHON = (
    Line("python keeps its names", python("import math\ndef area(r):\n    return math.pi * r ** 2\nr = 2"), out()),
    Line("… in the next call", python("print(f'{area(r):.3f} ž')"), out("12.566 ž\n")),
    Line("an exception is shown, and python lives", last_line(python("1 / 0")), (1, [b"ZeroDivisionError: division by zero"])),
    Line("python and bash share the files", python("open('made.txt', 'w').write('by python')\nprint(r)"), out("2\n")),
    Line("leaving python", outcome(python("raise SystemExit(6)")), out(code=6)),
    Line("… gives a fresh one", python("print('r' in globals())"), out("False\n", restarted=True)),
)

FILES = (
    Line("files come back as they went in", write("bin/data.bin", BYTES), None),
    Line("… by absolute path", read("/workspace/bin/data.bin"), BYTES),
    Line("programs can be written", write("bin/tool", b"#!/bin/bash\necho tool\n", mode=0o755), None),
    Line(
        "… and run, and belong to the user",
        shell("bin/tool; echo more >> bin/tool; test -O bin/tool && echo mine"), out("tool\nmine\n"),
    ),
    Line("a file that is missing", read("nothing/there"), "ENOENT"),
    Line("a folder is no file", read("bin"), "EISDIR"),
    Line("a file that is too long", read("bin/data.bin", limit=100), "EFBIG"),
    Line("a mount shows its file", read("/shown/note.txt"), b"read me\n"),
    Line("… and takes none", outcome(execute("echo x > /shown/note.txt || rm /shown/note.txt")), out(code=1)),
    Line("layers lie over each other", execute("cat given/one.txt given/sub/two.txt"), out("one, below\ntwo, above\n")),
    Line("what lies in layers can be changed", execute("echo new > given/one.txt; rm -r given/sub; ls given"), out("one.txt\n")),
    Line(
        "a tree goes in with its modes",
        put, out(f"ran well\n./deep/empty\n./run.sh\n./{ODD_NAME}\n", 1, err=b"cmp: EOF on deep/empty which is empty\n"),
    ),
    Line(
        "nothing but regular files comes out",
        execute("mkdir -p o/d/e; cd o; echo 1 >f; echo 2 >d/e/g; ln -s f link; ln -s /etc out; mkfifo pipe; truncate -s 1G hole"),
        out(),
    ),
    Line(
        "… within the limits", take("o", limits=TreeLimits(file_bytes=2**20)),
        ({"f": b"1\n", "d/e/g": b"2\n"}, ["hole", "link", "out", "pipe"]),
    ),
    Line("some of a tree", take("o", only=("d/**",)), ({"d/e/g": b"2\n"}, [])),
    Line("one file as a tree", take("o/f"), ({"f": b"1\n"}, [])),
)  # fmt: skip

STATES = (
    Line("a snapshot", shell("rm -rf o bin tree; echo one > state; cd a; z=7"), out()),
    Line("… is taken", snapshot("one"), None),
    Line("the shell goes on after it", shell("pwd; echo $z"), out("/workspace/a\n7\n")),
    Line("another on top", shell("cd ..; echo two > state; echo second > extra; rm made.txt; z=8"), out()),
    Line("… is taken too", snapshot("two"), None),
    Line("what comes later", shell("rm state extra; echo three > last"), out()),
    Line("back to the second", restore("two"), None),
    Line("… all is as it was", execute("cat state extra; ls"), out("two\nsecond\na\nextra\ngiven\npid\nstate\n")),
    Line("back to the first", restore("one"), None),
    Line("… all is as it was then", execute("cat state made.txt; ls"), out("one\nby pythona\ngiven\nmade.txt\npid\nstate\n")),
    Line("the shell is where it was", shell("pwd"), out("/workspace/a\n")),
    Line("forward to the second", restore("two"), None),
    Line("a fork", fork, (b"two\n", b"forked\n", b"first\n", b"new\n")),
    Line("all processes are ended", kill_all, (out(), 1)),
    Line("what is used", stats, (True, True, True, True)),
    Line("a reset", reset, out(FRESH)),
    Line("a reset to another spec", respec, (out("/elsewhere\nhere\n"), out("/workspace\ngiven\nžlutá\n"))),
    Line("the shell after a reset", shell('pwd; echo "${z-gone}"'), out("/workspace\ngone\n")),
)  # fmt: skip

SCRIPT = SHELL + COMMANDS + PYTHON + FILES + STATES
"""In this order: later lines build on what earlier ones left."""
