"""Pages of the reference that are made from the code whenever the site is built."""

import argparse
import ast
import importlib
import inspect
import json
import re
import shutil
from pathlib import Path
from typing import Any

from mmengine.registry import Registry

import mmtaskssl
from mmtaskssl import apis, registry
from mmtaskssl.cli.verbs import VERBS, commands, parser_of, scripts
from mmtaskssl.utils.paths import resource_root

#: All that is made, below `docs`: of the reference, and the notebooks' pages.
FOLDERS = ("reference/api", "reference/cli", "reference/registries", "notebooks")


def write(docs: Path) -> None:
    """Writes `FOLDERS`: pages, and of the reference an index each.

    Args:
        docs: Receives the folders, of which what an earlier build made goes.
    """
    makers = (_api_pages, _cli_pages, _registry_pages, _notebook_pages)
    for name, make in zip(FOLDERS, makers, strict=True):
        place = docs / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for file, text in make().items():
            (place / file).write_text(text, encoding="utf-8")


def _notebook_pages() -> dict[str, str]:
    """Returns a page for each notebook of ``demo``: its texts and its code."""
    paths = sorted((resource_root("tools").parent / "demo").glob("*.ipynb"))
    return {
        f"{path.stem}.md": _notebook_page(
            path.name, json.loads(path.read_text(encoding="utf-8"))
        )
        for path in paths
    }


def _notebook_page(name: str, notebook: dict[str, Any]) -> str:
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(re.sub(r"\]\((\w+)\.ipynb\)", r"](\1.md)", source))
        else:
            parts.append(f"```python\n{source}\n```")
    place = f"This page is the notebook `demo/{name}` of the repository"
    parts.insert(1, f"{place}, without what its cells show: open it there.")
    return "\n\n".join(parts) + "\n"


def _index(title: str, text: str, names: list[str]) -> str:
    entries = "\n".join(names)
    return f"# {title}\n\n{text}\n\n```{{toctree}}\n:hidden:\n\n{entries}\n```\n"


def _first_sentence(text: str | None) -> str:
    paragraph = " ".join(inspect.cleandoc(text or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.!?]) (?=[A-Z])", paragraph)[0]


def _api_pages() -> dict[str, str]:
    rooms: dict[str, list[str]] = {}
    rows = ["| name | what it is | page |", "| --- | --- | --- |"]
    for name in apis.__all__:
        rooms.setdefault(apis._HOMES[name].split(".")[2], []).append(name)
    pages = {}
    for room, names in sorted(rooms.items()):
        names.sort(key=lambda name: (name[0].isupper(), name))  # functions first
        title = room.capitalize()
        text = _first_sentence(importlib.import_module(f"mmtaskssl.{room}").__doc__)
        parts = [title, "=" * len(title), "", text, ""]
        for name in names:
            kind = "class" if inspect.isclass(getattr(apis, name)) else "function"
            parts += [f".. auto{kind}:: mmtaskssl.apis.{name}", ""]
            sentence = _code_kept(_first_sentence(getattr(apis, name).__doc__))
            rows.append(f"| `{name}` | {sentence} | [{room}]({room}.rst) |")
        pages[f"{room}.rst"] = "\n".join(parts)
    text = (
        "Every verb is a function of `mmtaskssl.apis` that takes and returns values; "
        "importing it loads nothing, each function comes with its first use.\n\n"
        + "\n".join(rows)
    )
    pages["index.md"] = _index("Python", text, sorted(rooms))
    return pages


def _cli_pages() -> dict[str, str]:
    known = commands()
    aliases = {known[verb] for verb in VERBS if verb in known}
    names = [name for name in known if name in VERBS or name not in aliases]
    pages = {f"{name}.md": _command_page(name, known[name]) for name in names}
    rows = ["| command | what it does |", "| --- | --- |"]
    for name in names:
        summary = _code_kept(_first_sentence(parser_of(name).description))
        rows.append(f"| [`{name}`]({name}.md) | {summary} |")
    for name in scripts():
        script = resource_root("tools") / f"{name}.py"
        text = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
        rows.append(f"| `{name}` | {_code_kept(_first_sentence(text))} |")
    text = (
        "From the parsers themselves, as `mmtaskssl COMMAND --help` prints them. "
        "[Flags](../../flags.md) that several commands have mean the same in each.\n\n"
        + "\n".join(rows)
    )
    pages["index.md"] = _index("Command line", text, names)
    return pages


def _command_page(name: str, module: str) -> str:
    parser = parser_of(name)
    description = inspect.cleandoc(parser.description or "").strip()
    summary, _, rest = description.partition("\n\n")
    parts = [f"# mmtaskssl {name}", " ".join(summary.split())]
    if module != name:
        parts.append(f"Also `mmtaskssl {module}`, and `tools/{module}.py`.")
    if rest.strip():
        parts.append(f"```text\n{rest.strip()}\n```")
    parts.append("## Arguments")
    for action in parser._actions:
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._HelpAction):
            continue
        parts.append(_argument(parser, action))
    return "\n\n".join(parts) + "\n"


def _argument(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    formatter = parser._get_formatter()
    value = formatter._format_args(action, action.dest.upper())
    flags = ", ".join(action.option_strings)
    head = f"{flags} {value}".strip() if flags else value
    text = formatter._expand_help(action) if action.help else ""
    facts = [text] if text else []
    if action.choices and action.metavar:
        facts.append(f"one of {', '.join(map(str, action.choices))}")
    if action.required and action.option_strings:
        facts.append("required")
    simple = isinstance(action.default, str | int | float) and action.default != ""
    if simple and not isinstance(action.default, bool) and "default" not in text:
        facts.append(f"default: {action.default}")
    body = "; ".join(facts) or "no further words"
    # Or two dashes would be set as one.
    body = re.sub(r"(?<![\w-])(--[a-z][\w-]*)", r"`\1`", body.replace("`", "'"))
    return f"`{head}`\n: {_code_kept(body)}"


def _escaped(text: str, joined: bool = True) -> str:
    """Returns plain text as Markdown that shows just it, ``joined`` to one line."""
    text = " ".join(text.split()) if joined else text
    return re.sub(r"([\\`*_<>\[\]{}|#~$])", r"\\\1", text)


def _code_kept(text: str) -> str:
    """Returns a docstring's sentence as Markdown: names in backticks stay names."""
    parts = re.split(r"(`+[^`]+`+)", text)
    return "".join(
        f"`{part.strip('`')}`" if part.startswith("`") else _escaped(part, False)
        for part in parts
    )


def _registry_pages() -> dict[str, str]:
    pages = {}
    for name, one in vars(registry).items():
        if not isinstance(one, Registry):
            continue
        one.import_from_location()
        own = {
            key: entry
            for key, entry in sorted(one.module_dict.items())
            if entry.__module__.startswith(f"{mmtaskssl.__name__}.")
        }
        if own:
            pages[f"{name.lower()}.md"] = _registry_page(name, own)
    text = (
        "What a config may name by `type=`: written `mmtaskssl.Name` from another "
        "package's config, and just `Name` in our own."
    )
    pages["index.md"] = _index(
        "Registries", text, [page.removesuffix(".md") for page in pages]
    )
    return pages


def _registry_page(name: str, own: dict[str, type]) -> str:
    parts = [f"# {name.replace('_', ' ').capitalize()}"]
    parts.append(f"Of the registry `mmtaskssl.registry.{name}`.")
    for key, entry in own.items():
        text = _code_kept(_first_sentence(entry.__doc__))
        parts.append(f"`{key}`\n: {text} (`{entry.__module__}`)")
    return "\n\n".join(parts) + "\n"
