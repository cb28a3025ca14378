"""What README and docs say exists: commands, flags, functions, figures, sentences."""

import ast
import functools
import inspect
import re
import shlex

import pytest

from mmtaskssl import apis
from mmtaskssl.cli.verbs import commands, parser_of, scripts
from mmtaskssl.config.transfer_options import TRANSFER_OPTIONS
from mmtaskssl.config.variables import OTHERS, PLACES
from mmtaskssl.datasets import pixel_limit
from mmtaskssl.utils.errors import UserError

BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.M | re.S)
INLINE = re.compile(r"(`+)(.+?)\1", re.S)
COMMAND = re.compile(r"(?:[A-Z_]+=\S+ )*(?:mmtaskssl|make|python|bash|torchrun) ")
FIGURE = re.compile(
    r"[+-]?\d+\.\d+(?: ± \d+\.\d+| \[[+-]\d+\.\d+, [+-]\d+\.\d+\])?(?![\d.])"
)
#: Flags of other programs that the pages name.
FOREIGN = {"--nproc_per_node", "--config-path", "--config-name"}


@pytest.fixture(scope="module")
def texts(repo_root):
    """Pages that are written by hand."""
    docs = repo_root / "docs"
    made = [docs / "reference" / name for name in ("api", "cli", "registries")]
    made += [docs / "notebooks"]
    paths = [repo_root / "README.md", *docs.rglob("*.md")]
    kept = [p for p in paths if not {*made, docs / "_build"} & {*p.parents}]
    assert len(kept) > 20
    return {
        str(path.relative_to(repo_root)): path.read_text(encoding="utf-8")
        for path in (*kept, repo_root / "model_zoo.md")
    }


def _lines(text):
    """Commands of a page's blocks, each as one line without its comment."""
    for kind, body in BLOCK.findall(text):
        if kind in ("", "bash"):
            yield from re.sub(r"\\\n\s*", "", body).splitlines()


def _words(line):
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words.pop(0)
    return words


@functools.cache
def _flags(command):
    return frozenset(parser_of(command)._option_string_actions)


@functools.cache
def _flags_of_studies(root):
    """Every flag that a script of `tools/benchmarks`, or what they share, defines."""
    texts = [p.read_text() for p in (root / "tools/benchmarks").rglob("*.py")]
    return frozenset(re.findall(r'"(--[a-z][\w-]*)"', "\n".join(texts)))


def _check(words, root):
    """Says what of a command does not exist; "" where all does."""
    tool = next((w for w in words if re.fullmatch(r"tools/\S+\.(py|sh)", w)), None)
    if words[0] == "make":
        goals = [w for w in words[1:] if "=" not in w and not w.startswith("-")]
        rules = (root / "Makefile").read_text()
        return next((g for g in goals if f"\n{g}:" not in rules), "")
    if words[0] == "mmtaskssl":
        command, rest = words[1], words[2:]
    elif tool:
        if not (root / tool).is_file():
            return tool
        command = tool.removeprefix("tools/").removesuffix(".py")
        rest = words[words.index(tool) + 1 :]
    else:
        return ""
    if command.startswith("benchmarks/"):
        flags = {w for w in rest if w.startswith("--")}
        return next(iter(flags - _flags_of_studies(root)), "")
    if command in scripts() or command == "completion" or command.endswith(".sh"):
        return ""
    if command not in commands():
        return "" if tool else command
    if {"...", "VERB", "["} & {*rest} or any(w.startswith("[") for w in rest):
        given = {w for w in rest if w.startswith("--")}
        return next(iter(given - _flags(command)), "")
    try:
        parser_of(command).parse_args(rest)
    except SystemExit as error:
        return "" if not error.code else "arguments"
    except UserError as error:
        return str(error)
    return ""


def test_commands_exist_and_take_their_arguments(texts, repo_root, monkeypatch, capsys):
    monkeypatch.setattr(pixel_limit, "set_max_pixels", lambda pixels: None)
    wrong, seen = [], set()
    for name, text in texts.items():
        for line in _lines(text):
            words = _words(line) if COMMAND.match(line) else []
            if words and (reason := _check(words, repo_root)):
                told = capsys.readouterr().err[-300:]
                wrong.append(f"{name}: {line}: {reason} {told}")
            seen.update(words[1:2] if words[:1] == ["mmtaskssl"] else ())
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 12  # of the verbs, or this test reads nothing


def test_flags_in_sentences_exist(texts, repo_root):
    known = FOREIGN.union(*map(_flags, commands()), _flags_of_studies(repo_root))
    known |= {"--to", "--from", "--protocols"}  # of scripts and of an action
    unknown = set()
    for name, text in texts.items():
        for _, code in INLINE.findall(BLOCK.sub("", text)):
            if code.startswith(("pip", "python -m pip")):
                continue
            for flag in re.findall(r"(?<![\w-])--[a-z][\w-]*", code):
                if flag not in known:
                    unknown.add(f"{name}: {flag}")
    assert not unknown


def test_configs_exist(texts, repo_root):
    names = set()
    for text in texts.values():
        names |= {*re.findall(r"(?<![\w/:])configs/[\w/.-]+\.py", text)}
        quoted = re.findall(r'"([a-z]+/[\w/.-]+px\.py)"', text)
        names |= {f"configs/{name}" for name in quoted}
    names = {n for n in names if n != "configs/_base_/datasets/transfer/SET.py"}
    names = {n for n in names if not n.startswith("configs/vicreg/")}  # made on the way
    assert len(names) > 8
    assert {n for n in names if not (repo_root / n).is_file()} == set()


def test_functions_exist_and_take_their_arguments(texts):
    checked = 0
    for text in texts.values():
        for body in (b for kind, b in BLOCK.findall(text) if kind == "python"):
            tree = ast.parse(body)
            known = {}
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module == "mmtaskssl.apis":
                    known |= {a.name: getattr(apis, a.name) for a in node.names}
            for call in ast.walk(tree):
                function = getattr(getattr(call, "func", None), "id", None)
                if isinstance(call, ast.Call) and function in known:
                    keywords = {k.arg: None for k in call.keywords}
                    given = inspect.signature(known[function])
                    given.bind(*call.args, **keywords)  # a TypeError names it
                    checked += 1
    assert checked > 20


def test_figures_are_those_of_the_measurements(texts, repo_root):
    def plain(text):
        return " ".join(text.split())

    studies = [t for n, t in texts.items() if n.startswith("docs/evidence/")]
    measured = plain("\n".join(studies))
    said, wrong = 0, []
    for name, text in texts.items():
        if not name.startswith(("docs/concepts/", "model_zoo.md")):
            continue
        prose = re.sub(r"(\[\d{4}\.\d{5})?\]\([^)]*\)", "]", BLOCK.sub("", text))
        for figure in FIGURE.findall(plain(INLINE.sub("", prose))):
            said += 1
            if figure not in measured:
                wrong.append(f"{name}: {figure}")
    assert said > 50 and not wrong


def test_every_key_of_a_config_is_explained(texts):
    page = texts["docs/reference/config_keys.md"]
    for key in {*PLACES, *OTHERS, *TRANSFER_OPTIONS, "target_share", "max_pixels"}:
        assert f"`{key}`" in page, key
