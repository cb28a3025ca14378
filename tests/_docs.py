"""The commands and the Python of README and docs, to be run as they are written."""

import ast
import contextlib
import io
import itertools
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mmtaskssl.cli import main as cli
from mmtaskssl.cli.verbs import commands
from mmtaskssl.utils.errors import run_tool

BLOCK = re.compile(r"^( *)```([^\n]*)\n(.*?)^ *```", re.M | re.S)
INLINE = re.compile(r"(`+)(.+?)\1", re.S)
COMMAND = re.compile(
    r"(?:[A-Z_]+=\S+ )*(?:mmtaskssl|make|python|bash|torchrun|export|pip"
    r"|\$\(make -s print-python\)) "
)
#: Blocks of these kinds are no programs.
SHOWN = ("text", "{")  # and directives of the site
#: Written by hand beside README and docs, and not run: studies of hours, set-ups.
_NOT_RUN = ("CONTRIBUTING.md", "model_zoo.md", "docs/evidence/")


@dataclass(frozen=True)
class Unit:
    """A command, or a block of Python."""

    page: str
    line: int
    text: str
    python: bool

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.page}:{self.line}"


def made(root: Path) -> tuple[str, ...]:
    """Returns the folders of pages that `docs/made_pages.py` makes."""
    names = runpy.run_path(str(root / "docs" / "made_pages.py"))["FOLDERS"]
    return tuple(f"docs/{name}/" for name in names)


def written(root: Path) -> dict[str, str]:
    """Returns all pages that are written by hand, by their paths."""
    names = ("README.md", "CONTRIBUTING.md", "model_zoo.md")
    paths = [*(root / name for name in names), *sorted((root / "docs").rglob("*.md"))]
    apart = (*made(root), "docs/_build/")
    found = {path.relative_to(root).as_posix(): path for path in paths}
    return {
        name: path.read_text(encoding="utf-8")
        for name, path in found.items()
        if not name.startswith(apart)
    }


def pages(root: Path) -> dict[str, str]:
    """Returns what is written by hand, and a reader may run."""
    found = written(root)
    return {name: found[name] for name in found if not name.startswith(_NOT_RUN)}


def units(page: str, text: str) -> list[Unit]:
    """Returns what a page says to run, in its order.

    Raises:
        ValueError: A block is neither shown, nor Python, nor commands. One without a
            kind is refused: a command with a slip would pass for what is shown.
    """
    found = []
    for match in BLOCK.finditer(text):
        kind, body = match[2].strip(), match[3]
        line = text.count("\n", 0, match.start()) + 2
        if kind.startswith(SHOWN) or re.fullmatch(r"python \S+\.py( added)?", kind):
            continue  # files of a worked example are run by tests/test_contributing.py
        if kind == "python":
            ast.parse(body)
            found.append(Unit(page, line, body, True))
            continue
        if kind != "bash":
            raise ValueError(f"{page}:{line}: a block of kind {kind!r}")
        whole = re.sub(r"\\\n\s*", "", body)
        for command in whole.splitlines():
            if not COMMAND.match(command):
                raise ValueError(f"{page}:{line}: no command: {command}")
            found.append(Unit(page, line, command, False))
    return found


def inline_units(page: str, text: str, is_whole: Callable[[str], bool]) -> list[Unit]:
    """Returns commands that stand in sentences with all that they need, each once.

    Args:
        page: Its name.
        text: The page.
        is_whole: Whether a command's own parser takes it.
    """
    found = {}
    for code in codes(text):
        named = re.match(r"(mmtaskssl|python|bash|torchrun) .* --(?!help)", code)
        if named and is_whole(code):
            line = text.count("\n", 0, text.find(code.split(" --")[0])) + 1
            found[code] = Unit(page, line, code, False)
    return [*found.values()]


def codes(text: str) -> list[str]:
    """Returns what sentences have in backticks, each on one line."""
    prose = BLOCK.sub("", text)
    return [" ".join(code.split()) for _, code in INLINE.findall(prose)]


@dataclass
class Rule:
    """How a unit is run.

    Attributes:
        page: A part of the page's name.
        text: A part of the unit.
        network: Which of the networks CONFIG and CKPT are.
        add: Arguments that are added to the command, as a user could.
        change: Texts that stand for what the reader has.
        long: Whether it is left to ``.ci/full``.
        reason: Why it is not run at all.
    """

    page: str
    text: str
    network: str = ""
    add: tuple[str, ...] = ()
    change: dict[str, str] = field(default_factory=dict)
    long: bool = False
    reason: str = ""

    def fits(self, unit: Unit) -> bool:
        """Whether it is for a unit."""
        return self.page in unit.page and self.text in unit.text


def replaced(text: str, table: dict[str, str]) -> str:
    """Returns a text with each whole word of a table replaced, the longest first."""
    words = "|".join(re.escape(old) for old in sorted(table, key=len, reverse=True))
    pattern = rf"(?<![\w/.-])(?:{words})(?![\w-])"
    return re.sub(pattern, lambda match: table[match[0]], text) if words else text


def words_of(command: str) -> tuple[dict[str, str], list[str], str]:
    """Returns the environment, the words without what is in brackets, and a file."""
    words = shlex.split(re.sub(r" \[--[^\]]*\]", "", command), comments=True)
    environment = {}
    while re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        name, _, value = words.pop(0).partition("=")
        environment[name] = value
    into = ""
    if ">" in words:
        into = words[-1]
        words = words[: words.index(">")]
    return environment, words, into


def tool_of(words: list[str]) -> str:
    """Returns the module of ``mmtaskssl.cli``, or the script, that a command runs."""
    if words[0] == "mmtaskssl":
        return commands().get(words[1], words[1])
    script = next((w for w in words if re.fullmatch(r"tools/\S+\.(py|sh)", w)), "")
    name = script.removeprefix("tools/").removesuffix(".py")
    return commands().get(name, name) or words[0]


def run(words: list[str], root: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Runs a command, in this process if it is one of ours.

    Returns:
        Its exit status, and what it wrote.
    """
    if words[0] in ("bash", "torchrun"):
        words = [str(root / w) if w.startswith("tools/") else w for w in words]
        if words[0] == "torchrun":  # that of this interpreter
            words[:1] = [sys.executable, "-m", "torch.distributed.run"]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            words,
            env={**os.environ, "PATH": path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout
    argv, path, kept = sys.argv, sys.path[:], dict(os.environ)
    hook = sys.excepthook
    os.environ.update(environment)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            if words[0] == "mmtaskssl":
                sys.argv = list(words)
                run_tool(lambda _: cli.run(words[1:]))
            else:  # python tools/...
                sys.argv = [str(root / words[1]), *words[2:]]
                sys.path.insert(0, str((root / words[1]).parent))
                runpy.run_path(sys.argv[0], run_name="__main__")
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        finally:
            sys.argv, sys.path[:], sys.excepthook = argv, path, hook
            os.environ.clear()  # what flags have put there, such as --max-pixels
            os.environ.update(kept)
    return status, said.getvalue()


def named_outputs(words: list[str]) -> list[str]:
    """Returns the files and folders that a command says it will write."""
    flags = ("--out", "--work-dir", "--json", "--plot")
    found = [b for a, b in itertools.pairwise(words) if a in flags]
    # What lies in one is read.
    outs = [w for w in words if w.startswith("OUT") and "/" not in w]
    return found + [w for w in outs if w not in found]


def stamp_of(name: str) -> set[tuple[str, int]]:
    """Returns each file of an output and when it was written; empty: there is none.

    An output may have digits in its name that publishing puts there.
    """
    path = Path(name)
    found = [path] if path.exists() else []
    found += path.parent.glob(f"{path.stem}-*{path.suffix}") if path.suffix else []
    every = [inner for one in found for inner in (one, *one.rglob("*"))]
    return {(str(one), one.stat().st_mtime_ns) for one in every}
