"""``mmtaskssl COMMAND ...``: the verbs, the other tools, and completion for shells."""

import argparse
import importlib
import runpy
import sys
from collections.abc import Sequence

from ..utils.errors import meant
from ..utils.families import BadCommand
from ..utils.paths import resource_root
from .verbs import VERBS, commands, parser_of, scripts

SHELLS = ("bash", "zsh", "tcsh", "fish")


def run(argv: Sequence[str] | None = None) -> int | None:
    """Runs a command.

    Args:
        argv: The command and its arguments; None: those of the process.

    Raises:
        UserError: There is no such command, or whatever the command raises.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in ("-h", "--help"):
        print(usage())
        return 0
    command, rest = argv[0], argv[1:]
    if command == "--version":
        from mmtaskssl import __version__

        print(__version__)
        return 0
    if command == "completion":
        return _print_completion(rest)
    known = commands()
    if command in known:
        # What usage lines, and the sentence on how to go on, call it.
        sys.argv = [f"mmtaskssl {command}", *rest]
        module = importlib.import_module(f"{__package__}.{known[command]}")
        return module.main(rest)
    return _run_script(command, rest)


def usage() -> str:
    """Returns the text of ``mmtaskssl --help``."""
    known = commands()
    verbs = [name for name in VERBS if name in known]
    named = {known[verb] for verb in verbs}
    others = [name for name in known if name not in VERBS and name not in named]
    lines = ["usage: mmtaskssl COMMAND [arguments]", "", "verbs:"]
    lines += [f"  {verb:<10} {_summary(verb)}" for verb in verbs]
    lines += ["", "also:"]
    lines += [f"  {name}" for name in sorted([*others, *scripts()])]
    lines += [
        "",
        "A verb also goes by its tool's name (tools/select_data.py: select_data).",
        f"mmtaskssl completion {{{','.join(SHELLS)}}} prints what completes commands "
        "and flags:",
        '  eval "$(mmtaskssl completion bash)"',
    ]
    return "\n".join(lines)


def _summary(command: str) -> str:
    text = parser_of(command).description or ""
    return text.strip().splitlines()[0]


def _print_completion(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="mmtaskssl completion")
    parser.add_argument("shell", choices=SHELLS)
    shell = parser.parse_args(argv).shell
    import shtab

    print(shtab.complete(whole_parser(), shell))
    return 0


def whole_parser() -> argparse.ArgumentParser:
    """Returns one parser with every command as a sub-parser; for completion only."""
    parser = argparse.ArgumentParser(prog="mmtaskssl", add_help=True)
    subparsers = parser.add_subparsers()
    for command in commands():
        own = parser_of(command)
        subparsers.add_parser(
            command, parents=[own], add_help=False, help=_summary(command)
        )
    return parser


def _run_script(command: str, argv: Sequence[str]) -> int:
    """Runs a tool that has no module here, wherever the tools were installed."""
    root = resource_root("tools")
    script = root / f"{command}.py"
    if command not in scripts() and not (
        command.startswith("benchmarks/") and script.is_file()
    ):
        known = [*commands(), *scripts()]
        hint = meant(command, known) or f"; one of: {', '.join(known)}"
        raise BadCommand(f"unknown command {command!r}{hint}")
    sys.argv = [str(script), *argv]
    sys.path.insert(0, str(script.parent))  # as Python does for a script
    runpy.run_path(str(script), run_name="__main__")
    return 0
