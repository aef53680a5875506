"""A repository as techniques of code see it: a map of it, files, edits in branches, and scripts that are run beside them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import NamedTuple

from quintain.agents.techniques.searching.dialogue import clipped
from quintain.handle import Branch, EpisodeHandle
from quintain.ledger import purpose
from quintain.spaces import Bash, Edit, Observation, Write

SCRIPT = "/tmp/attempt_check.py"
SOLVED, OPEN = 0, 2
"""Exit codes by which a test script says that the problem is solved, or is still there (CodeMonkeys, Ehrlich et al. 2025)."""
OUTPUT = 6000
"""Characters of a script's output that a model is shown."""
EDIT_FORM = """Give every change as
<edit path="relative/path.py">
<old>
lines of the file as they are, enough of them to occur only once
</old>
<new>
the lines that replace them
</new>
</edit>
An empty <old> writes the whole file anew."""


class Change(NamedTuple):
    """Replaces the only occurrence of `old` in a file; an empty one, the whole file."""

    path: str
    old: str
    new: str


class Ran(NamedTuple):
    """What a script said; no exit code where it did not end."""

    exit_code: int | None
    output: str

    @property
    def solved(self) -> bool:
        return self.exit_code == SOLVED

    def shown(self) -> str:
        return f"exit code {self.exit_code}, output:\n{clipped(self.output, OUTPUT)}"


def changes(text: str) -> list[Change]:
    """The edits in a model's answer, in the form of `EDIT_FORM`."""
    form = r'<edit path="([^"\n]+)">\s*<old>\n?(.*?)\n?</old>\s*<new>\n?(.*?)\n?</new>\s*</edit>'
    return [Change(*found) for found in re.findall(form, text, re.DOTALL)]


def written(made: Iterable[Change]) -> str:
    """The same form again."""
    return "\n".join(f'<edit path="{each.path}">\n<old>\n{each.old}\n</old>\n<new>\n{each.new}\n</new>\n</edit>' for each in made)


async def apply(branch: Branch, made: list[Change]) -> str:
    """Make the changes; what was wrong with the first that could not be made, else an empty text."""
    for each in made:
        content = each.new if each.new.endswith("\n") or not each.new else each.new + "\n"
        action = Edit(path=each.path, old=each.old, new=each.new) if each.old else Write(path=each.path, content=content)
        seen = await branch.act(action)
        if seen.error:
            return f"{each.path}: {seen.error}"
    return ""


async def run_aside(branch: Branch | EpisodeHandle, script: str, *, timeout_s: float) -> Ran:
    """Run a Python script in the working folder, in a branch of its own, which leaves nothing behind."""
    with purpose("branch"):
        async with await branch.branch() as aside:
            seen = await aside.act(Write(path=SCRIPT, content=script))
            if seen.error is None:
                seen = await aside.act(Bash(command=f"PYTHONPATH=. python3 -B {SCRIPT}", timeout_s=timeout_s))
            return Ran(seen.exit_code, seen.text or seen.error or "")


async def survey(branch: Branch, *, limit: int) -> str:
    """Every source file with the classes and functions in it, by a program run in the world; at most so many characters."""
    seen = await branch.act(Bash(command=f"python3 - <<'END_OF_SURVEY'\n{_SURVEY}\nEND_OF_SURVEY"))
    if seen.exit_code != 0:
        seen = await branch.act(Bash(command="find . -type f -not -path '*/.*' | sort | head -2000"))
    return clipped(seen.text or "", limit)


async def shown(branch: Branch, paths: list[str], *, limit: int) -> str:
    """The files, each under its path; what is too long is clipped."""
    parts = []
    for path in paths:
        seen: Observation = await branch.act(Bash(command=f"cat -- {shlex.quote(path)}"))
        parts.append(f'<file path="{path}">\n{clipped(seen.text or "", limit // max(1, len(paths)))}\n</file>')
    return "\n".join(parts)


_SURVEY = r"""
import ast, os, re
KINDS = (".py", ".js", ".ts", ".go", ".rs", ".c", ".h", ".cc", ".cpp", ".java", ".rb", ".sh", ".R", ".jl")
WORDS = "def|class|func|fn|function|struct|interface|trait|module"
DEFINED = re.compile(r"^\s*(?:(?:export|pub|public|static|async)\s+)*(?:" + WORDS + r")\s+(\w+)")
def symbols(node, depth=0):
    for each in getattr(node, "body", []):
        if isinstance(each, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            what = "class" if isinstance(each, ast.ClassDef) else "def"
            print("  " * (depth + 1) + f"{what} {each.name} {each.lineno}-{each.end_lineno}")
            if what == "class":
                symbols(each, depth + 1)
for folder, folders, names in os.walk("."):
    folders[:] = sorted(each for each in folders if not each.startswith(".") and each not in ("node_modules", "__pycache__"))
    for name in sorted(names):
        path = os.path.relpath(os.path.join(folder, name))
        print(path)
        if name.endswith(KINDS) and os.path.getsize(path) < 1000000:
            text = open(path, encoding="utf-8", errors="replace").read()
            try:
                if not name.endswith(".py"):
                    raise SyntaxError
                symbols(ast.parse(text))
            except (SyntaxError, ValueError):
                for number, line in enumerate(text.splitlines(), 1):
                    if found := DEFINED.match(line):
                        print(f"  {found.group(1)} {number}")
"""
