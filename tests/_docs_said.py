"""What README and docs say exists, compared with parsers, functions and files."""

import argparse
import ast
import contextlib
import functools
import importlib.util
import inspect
import io
import re
import shlex
import sys
from pathlib import Path
from unittest import mock

from mmtaskssl import apis
from mmtaskssl.cli.verbs import commands, parser_of
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resource_root
from tests import _docs

ROOT = resource_root("tools").parent
#: Flags of other programs that the pages name.
FOREIGN = {"--nproc_per_node", "--config-path", "--config-name", "--durations"}
#: Words that stand for a command.
_ANY_COMMAND = ("VERB", "COMMAND")
_FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*")
_OPTIONAL = re.compile(r" \[(--[^\]]*)\]")
#: What shells hand on to a tool.
_SHELLS = {"train": ("dist_train.sh", "slurm_train.sh")}


class _Asked(Exception):
    """Ends a tool that has its parser."""


@functools.cache
def parser(tool: str) -> argparse.ArgumentParser:
    """Returns the parser of a command, or of a script ``FOLDER/NAME`` of ``tools``.

    A script is asked for it by its own ``main``, which ends there.
    """
    if tool in commands():
        return parser_of(tool)
    path = ROOT / "tools" / f"{tool}.py"
    name = f"asked_{tool.replace('/', '_')}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    found = []

    def ask(self, *arguments, **options):
        found.append(self)
        raise _Asked

    sys.modules[name] = module  # as its data classes want it
    with (
        mock.patch.object(sys, "path", [str(path.parent), *sys.path]),
        mock.patch.object(argparse.ArgumentParser, "parse_args", ask),
        contextlib.suppress(_Asked),
    ):
        spec.loader.exec_module(module)
        module.main([])
    return found[0]


@functools.cache
def _scripts() -> dict[str, str]:
    """Every ``NAME.py`` of ``tools`` by its name: what `parser` takes."""
    paths = sorted((ROOT / "tools").rglob("*.py"))
    own = [p.relative_to(ROOT / "tools").with_suffix("").as_posix() for p in paths]
    own = [name for name in own if not re.search("/(harness|studies)/", name)]
    return {f"{name.rpartition('/')[2]}.py": name for name in own}


def tool_of(words: list[str]) -> tuple[str, list[str], str]:
    """Returns the tool that words call, what it is given, and what does not exist.

    The tool is "" where it is none of ours.
    """
    first = words[0]
    if first == "mmtaskssl":
        name = words[1] if len(words) > 1 else ""
        if not name or name.startswith("-") or name in (*_ANY_COMMAND, "completion"):
            return "", [], ""
        known = name in commands() or (ROOT / "tools" / f"{name}.py").is_file()
        return (name, words[2:], "") if known else ("", [], f"no command {name}")
    at = next((i for i, w in enumerate(words) if re.search(r"\.(py|sh)$", w)), None)
    if at is None or (at and first not in ("python", "bash", "torchrun")):
        return (first, words[1:], "") if first in commands() else ("", [], "")
    path, rest = words[at], words[at + 1 :]
    if "/" in path and not (ROOT / path).is_file():
        return "", [], f"no file {path}"
    name = Path(path).name
    for tool, shells in _SHELLS.items():
        if path in [f"tools/{shell}" for shell in shells]:
            return tool, rest, ""
    tool = _scripts().get(name, "")
    if not path.startswith("tools/") and "/" in path:
        tool = ""  # a script of docs or demo
    return tool, rest, ""


def flag_fault(tool: str, words: list[str]) -> str:
    """Says which flag a tool does not have, or which value of one it does not take.

    Args:
        tool: As `parser` takes it.
        words: Some of its arguments: others may be left out.
    """
    actions, action = parser(tool)._option_string_actions, None
    for word in words:
        if word.startswith("--"):
            action = actions.get(word.partition("=")[0])
            if action is None:
                return f"{tool} has no {word}"
        elif word == "...":
            action = None
        elif action and action.choices and word not in action.choices:
            if action.nargs in ("+", "*", None) and not word.isupper():
                return f"{tool} {action.option_strings[0]} takes no {word}"
            action = None
    return ""


def _parse_fault(tool: str, words: list[str]) -> str:
    said = io.StringIO()
    try:
        with (
            contextlib.redirect_stderr(said),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            parser(tool).parse_args(words)
    except SystemExit as ended:
        return said.getvalue().strip()[-300:] if ended.code else ""
    except UserError as error:
        return str(error)
    return ""


def _make_fault(words: list[str], makefile: str) -> str:
    for word in words:
        name, pair, _ = word.partition("=")
        if pair:
            if not re.search(rf"^{name} [?:]?=|\$\({name}\)", makefile, re.M):
                return f"the Makefile reads no {name}"
        elif not word.startswith("-") and f"\n{word}:" not in makefile:
            return f"no goal {word}"
    return ""


def command_fault(command: str) -> str:
    """Says what of a command does not exist, or what it does not take; "": nothing.

    What is in brackets is tried by itself, each of ``a|b`` as well.
    """
    whole = re.sub(r" \[[^\]]*\]", "", command)
    _, words, _ = _docs.words_of(whole)
    if words[0] in ("export", "pip"):
        return ""
    if words[0] == "make":
        return _make_fault(words[1:], (ROOT / "Makefile").read_text())
    if words[:2] == ["python", "-m"]:
        known = importlib.util.find_spec(words[2].partition(".")[0]) is not None
        found = known and importlib.util.find_spec(words[2]) is not None
        return "" if found else f"no module {words[2]}"
    tool, rest, fault = tool_of(words)
    if not tool or fault:
        return fault
    if words[0] == "bash":
        return flag_fault(tool, [w for w in rest if w.startswith("--")])
    if "..." in rest and (fault := flag_fault(tool, rest)):
        return fault
    if "..." in rest:  # it stands for what is left out, or for more of the same
        return ""
    tried = [rest]
    for group in _OPTIONAL.findall(command):
        flag, *values = group.split()
        for value in values[0].split("|") if values else [None]:
            value = "1" if value == "N" else value
            tried.append([*rest, flag] + ([value] if value else []))
    return next(filter(None, (_parse_fault(tool, one) for one in tried)), "")


def is_whole(code: str) -> bool:
    """Whether a command of a sentence has all that its parser needs."""
    try:
        _, words, _ = _docs.words_of(code)
    except ValueError:
        return False
    tool, rest, fault = tool_of(words)
    return bool(tool and rest and not fault and not _parse_fault(tool, rest))


def commands_of(text: str) -> list[str]:
    """Returns the commands of a page's blocks, each on one line."""
    found = []
    for match in _docs.BLOCK.finditer(text):
        if match[2].strip() == "bash":
            found += re.sub(r"\\\n\s*", "", match[3]).splitlines()
    return found


def block_faults(page: str, text: str) -> list[str]:
    """Says which commands of a page's blocks are none; so says a block of no kind."""
    try:
        _docs.units(page, text)
    except ValueError as error:
        return [str(error)]
    told = ((line, command_fault(line)) for line in commands_of(text))
    return [f"{page}: {line}: {fault}" for line, fault in told if fault]


@functools.cache
def _any_flag() -> frozenset[str]:
    known = {*FOREIGN}
    for tool in {*commands(), *_scripts().values()}:
        if tool in commands():
            known |= {*parser(tool)._option_string_actions}
    paths = [*(ROOT / "tools").rglob("*.py"), *(ROOT / "tests").glob("*.py")]
    for path in paths:
        known |= {*re.findall(r'"(--[a-z][\w-]*)"', path.read_text())}
    return frozenset(known)


def sentence_faults(page: str, text: str) -> list[str]:
    """Says which commands and flags that sentences name are none.

    Flags beside a command, as in ``search --budget``, have to be that command's.
    """
    faults = []
    for code in _docs.codes(text):
        if re.match(r"(python -m )?pip|mim |\w+\(", code):
            continue
        try:
            words = shlex.split(code)
        except ValueError:  # a quote alone: no command
            words = []
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            words.pop(0)
        fault = ""
        if words[:1] == ["make"]:
            fault = _make_fault(words[1:], (ROOT / "Makefile").read_text())
        elif words[:2] == ["python", "-m"]:
            fault = command_fault(shlex.join(words[:3]))
        elif words and (len(words) > 1 or words[0] in commands()):
            tool, rest, fault = tool_of(words)
            if tool and any(w.startswith("--") for w in rest):
                rest = rest[: rest.index(">")] if ">" in rest else rest
                fault = flag_fault(tool, rest)
        if not fault:
            flags = [f for f in _FLAG.findall(code) if f not in _any_flag()]
            fault = f"nothing has {flags[0]}" if flags else ""
        if fault:
            faults.append(f"{page}: {code}: {fault}")
    return faults


def call_faults(page: str, text: str) -> list[str]:
    """Says which calls of `mmtaskssl.apis` in blocks of Python are not taken."""
    faults = []
    for unit in _docs.units(page, text):
        if unit.python:
            faults += [f"{unit.place}: {fault}" for fault in _calls(unit.text)[1]]
    return faults


def calls_of(page: str, text: str) -> int:
    """Returns how many calls `call_faults` compares."""
    return sum(_calls(unit.text)[0] for unit in _docs.units(page, text) if unit.python)


def _calls(body: str) -> tuple[int, list[str]]:
    tree, known, faults, seen = ast.parse(body), {}, [], 0
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "mmtaskssl.apis":
            names = [a.name for a in node.names]
            faults += [f"no {n} in mmtaskssl.apis" for n in names if not _has(n)]
            known |= {n: getattr(apis, n) for n in names if _has(n)}
    for call in ast.walk(tree):
        function = getattr(getattr(call, "func", None), "id", None)
        if isinstance(call, ast.Call) and function in known:
            seen += 1
            keywords = {k.arg: None for k in call.keywords}
            try:
                inspect.signature(known[function]).bind(*call.args, **keywords)
            except TypeError as error:
                faults.append(f"{function}: {error}")
    return seen, faults


def _has(name: str) -> bool:
    return name in apis.__all__
