"""What ``mmtaskssl`` can be told to do: verbs, and how to find their parsers."""

import argparse
import importlib
import pkgutil

from ..utils.errors import meant
from ..utils.families import BadCommand
from ..utils.paths import resource_root

#: Verb: the module of this package that holds its parser, also its tool's name.
VERBS = {
    "customize": "customize",
    "pretrain": "train",
    "extract": "extract_features",
    "deduplicate": "deduplicate",
    "select": "select_data",
    "take": "take",
    "cluster": "cluster_data",
    "search": "search_subnet",
    "route": "route_subnet",
    "branch": "branch",
    "calibrate": "calibrate_bn",
    "export": "export_subnet",
    "evaluate": "evaluate",
    "line-search": "line_search",
    "controls": "controls",
}
#: Parts of the command line that are no commands.
_PARTS = frozenset(
    [
        *("cfg_options", "cpus", "evaluation", "extractor", "kinds", "main", "options"),
        *(
            "dry_run",
            "extraction_plan",
            "large",
            "parser",
            "plans",
            "saying",
            "training_plans",
            "trial",
            "verbs",
            "vocabulary",
        ),
    ]
)


def commands() -> dict[str, str]:
    """Returns each command and its module of this package.

    The commands are the verbs, and every tool under its own name.
    """
    package = importlib.import_module(__package__)
    modules = {m.name for m in pkgutil.iter_modules(package.__path__)} - _PARTS
    missing = set(VERBS.values()) - modules
    verbs = {verb: name for verb, name in VERBS.items() if name not in missing}
    return {**verbs, **{name: name for name in sorted(modules)}}


def parser_of(command: str) -> argparse.ArgumentParser:
    """Returns the parser of a command; imports no torch.

    Args:
        command: A key of `commands`.

    Raises:
        UserError: There is no such command.
    """
    known = commands()
    if command not in known:
        hint = meant(command, known) or f"; one of: {', '.join(known)}"
        raise BadCommand(f"unknown command {command!r}{hint}")
    module = importlib.import_module(f"{__package__}.{known[command]}")
    parser = module.make_parser()
    parser.prog = f"mmtaskssl {command}"
    return parser


def scripts() -> list[str]:
    """Returns the tools that are no commands: ``misc/print_config`` and the like.

    Scripts that measure or release the project itself are not listed.
    """
    root = resource_root("tools")
    names = {str(p.relative_to(root).with_suffix("")) for p in root.rglob("*.py")}
    known = set(commands())
    own = ("benchmarks/", "release/")
    return sorted(n for n in names - known if not n.startswith(own))
