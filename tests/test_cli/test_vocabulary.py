import ast
import re

import pytest

from mmtaskssl.cli import vocabulary
from mmtaskssl.cli.verbs import commands, parser_of

FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def test_the_page_is_the_parsers(repo_root):
    page = (repo_root / "docs" / "flags.md").read_text(encoding="utf-8")
    assert page == vocabulary.page()


def test_every_meaning_is_of_a_flag_that_is_shared():
    assert set(vocabulary.MEANINGS) == set(vocabulary.shared_flags())


@pytest.mark.parametrize("flag", vocabulary.shared_flags())
def test_a_flag_takes_the_same_kind_of_value_everywhere(flag):
    kinds = {
        (action.nargs == 0, getattr(action.type, "__name__", None))
        for command in vocabulary.shared_flags()[flag]
        if (action := vocabulary.flags_of(parser_of(command))[flag])
    }
    assert len(kinds) == 1


def _texts(path):
    """Text of a module that is no docstring, with its line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    inside = {id(part) for whole in strings for part in whole.values}
    strings += [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and id(node) not in docstrings | inside
    ]
    for node in strings:
        parts = getattr(node, "values", [node])
        texts = [part.value for part in parts if isinstance(part, ast.Constant)]
        yield node.lineno, "".join(text for text in texts if isinstance(text, str))


_STYLE = re.compile(r"var\(--[\w-]+\)")
# Variables of style sheets, and options of pip.
OTHERS = {
    "check_env/probes.py",
    "compat/mmcv_ext.py",
    "clustering/page.py",
    "routing/page.py",
}


def _is_command(text):
    """Whether a text is a command to type, or a word of one that is put together."""
    return (
        "mmtaskssl " in text
        or ".py" in text
        or "torchrun" in text
        or FLAG.fullmatch(text.strip())
    )


def test_no_room_names_a_flag_that_its_reader_may_lack(repo_root):
    package = repo_root / "mmtaskssl"
    found = [
        f"{path.relative_to(package)}:{line}: {text}"
        for path in sorted(package.rglob("*.py"))
        if path.relative_to(package).parts[0] != "cli"
        and str(path.relative_to(package)) not in OTHERS
        for line, text in _texts(path)
        if FLAG.search(_STYLE.sub("", text)) and not _is_command(text)
    ]
    assert found == []


@pytest.mark.parametrize("command", sorted(set(commands().values())))
def test_a_command_names_only_flags_that_it_has(repo_root, command):
    path = repo_root / "mmtaskssl" / "cli" / f"{command}.py"
    known = set(parser_of(command)._option_string_actions)
    # Of another command that the text names beside them.
    elsewhere = {
        flag
        for other in commands().values()
        for flag in parser_of(other)._option_string_actions
    }
    for line, text in _texts(path):
        flags = set(FLAG.findall(text))
        allowed = elsewhere if _is_command(text) else known
        assert flags <= allowed, (line, text)
