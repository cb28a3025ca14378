"""Reads a config that mmengine dumped as data: nothing in it is run."""

import ast
from pathlib import Path
from typing import Any

from ..utils.families import FileFormat, UntrustedFile
from ..utils.inputs import MAX_DEPTH, read_text

_LIMIT = 8 << 20
_NUMBERS = {"inf": float("inf"), "nan": float("nan")}
_SEQUENCES = {ast.List: list, ast.Tuple: tuple, ast.Set: set}


def read_dumped_config(path: str | Path) -> dict[str, Any]:
    """Reads the assignments of a config in Python's syntax, see `parse_dumped_config`.

    Args:
        path: For example ``WORK_DIR/TIME/vis_data/config.py``.

    Raises:
        UserError: It cannot be read, or holds anything else; names the line.
    """
    try:
        text = read_text(path, _LIMIT)
    except (OSError, ValueError) as error:
        raise FileFormat(f"config {path} cannot be read: {error}") from error
    return parse_dumped_config(text, path)


def parse_dumped_config(text: str, path: str | Path) -> dict[str, Any]:
    """Reads the assignments of a config in Python's syntax.

    mmengine writes numbers, texts, lists, tuples and ``dict(...)`` there. Of a config
    with anything else, such as a call or an expression, nothing is taken.

    Args:
        text: Of the config.
        path: Where it is from, for messages.

    Raises:
        UserError: It holds anything else; names the line.
    """
    try:
        tree = ast.parse(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or str(error) or "it is nested too deeply"
        raise FileFormat(f"config {path} cannot be read: {reason}") from error
    values = {}
    for number, line in enumerate(tree.body):
        if number == 0 and _is_text(line):
            continue  # the docstring
        try:
            if not isinstance(line, ast.Assign) or len(line.targets) != 1:
                raise _NoValue(line)
            if not isinstance(line.targets[0], ast.Name):
                raise _NoValue(line)
            values[line.targets[0].id] = _value(line.value, 0)
        except _NoValue as error:
            raise UntrustedFile(
                f"config {path}, line {error.node.lineno}, holds more than values, "
                f"and is not run: {ast.unparse(error.node)[:60]}"
            ) from None
    return values


class _NoValue(Exception):
    def __init__(self, node: ast.AST) -> None:
        self.node = node


def _is_text(line: ast.stmt) -> bool:
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )


def _value(node: ast.expr, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise _NoValue(node)
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name) and node.id in _NUMBERS:
        return _NUMBERS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _value(node.operand, depth + 1)
        if type(number) in (int, float):
            return -number
    if type(node) in _SEQUENCES:
        items = [_value(item, depth + 1) for item in node.elts]
        return _SEQUENCES[type(node)](items)
    if isinstance(node, ast.Dict) and None not in node.keys:
        pairs = zip(node.keys, node.values, strict=True)
        return {_value(k, depth + 1): _value(v, depth + 1) for k, v in pairs}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "dict":
            return _call_of_dict(node, depth)
        if node.func.id == "set" and not node.args and not node.keywords:
            return set()
    raise _NoValue(node)


def _call_of_dict(node: ast.Call, depth: int) -> dict[str, Any]:
    """Reads ``dict(a=1)``, and ``dict({"a b": 1}, c=2)``."""
    found: dict[str, Any] = {}
    for argument in node.args:
        if len(node.args) > 1 or not isinstance(argument, ast.Dict):
            raise _NoValue(argument)
        found |= _value(argument, depth + 1)
    for keyword in node.keywords:
        if keyword.arg is None:
            if not isinstance(keyword.value, ast.Dict):
                raise _NoValue(keyword.value)
            found |= _value(keyword.value, depth + 1)
        else:
            found[keyword.arg] = _value(keyword.value, depth + 1)
    return found
