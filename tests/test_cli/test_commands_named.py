"""Commands that the package tells a user to type work from anywhere."""

import ast
import re

from mmtaskssl.cli.verbs import commands

_TOOL = re.compile(r"python [\w/]*tools/\w+\.py|(?<![\w-])tools/\w+\.py")
_COMMAND = re.compile(r"\bmmtaskssl ([a-z_]+) (?=[A-Z\\-]|\w+/)")


def _said(path):
    """Yields the texts of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    statements = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }
    for node in ast.walk(tree):
        text = getattr(node, "value", None)
        if isinstance(text, str) and id(node) not in statements:
            yield text


def test_no_message_names_a_script_of_the_checkout(repo_root):
    found = [
        (path.name, text)
        for path in (repo_root / "mmtaskssl").rglob("*.py")
        for text in _said(path)
        if _TOOL.search(text)
    ]
    # Of the way that verbs and tools go by each other's names.
    assert [name for name, _ in found] == ["main.py"]


def test_every_command_that_is_named_exists(repo_root):
    named = {
        word
        for path in (repo_root / "mmtaskssl").rglob("*.py")
        for text in _said(path)
        for word in _COMMAND.findall(text)
    }
    assert {"pretrain", "calibrate"} <= named <= {*commands(), "completion"}
