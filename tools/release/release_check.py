"""What has to hold before a release: builds, installs, and compares what is written.

    python tools/release/release_check.py                 (on every Python that is here)
    python tools/release/release_check.py --no-network    (what needs no package index)
    python tools/release/release_check.py --licences docs/licences.md

Prints a row for each check: ok, failed, or not run. The status is 1 if one failed.
Nothing is published, tagged or changed.
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mmtaskssl.utils.atomic import write_text
from mmtaskssl.utils.errors import run_tool

sys.path.insert(0, str(Path(__file__).resolve().parent))

from release_archives import build
from release_commands import mim_row, quickstart_row, start_row
from release_licences import page, page_faults, requirements
from release_pythons import find, install_row, places, resolve_row, wanted_versions
from release_rows import FAILED, NOT_RUN, Row, row, table, tried
from release_state import project, state_rows, system_rows

_LICENCES = "docs/licences.md"
#: What of the dependencies is small, and enough for a command that is no help text.
_LIGHT = ("shtab",)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--root",
        type=Path,
        default=Path(__file__).resolve().parents[2],
        metavar="DIR",
        help="the checkout (default: this one)",
    )
    parser.add_argument(
        "--python",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="interpreters beside those that are found",
    )
    parser.add_argument(
        "--no-network", action="store_true", help="ask no package index for anything"
    )
    parser.add_argument(
        "--resolve",
        action="store_true",
        help="ask for the dependencies of every Python, not only of those that are not "
        "here: gigabytes, where the index has no metadata apart from the wheels",
    )
    parser.add_argument(
        "--no-build", action="store_true", help="look at the checkout alone"
    )
    parser.add_argument(
        "--quickstart",
        action="store_true",
        help="run README's first command whole, too: minutes",
    )
    parser.add_argument(
        "--licences",
        type=Path,
        metavar="FILE",
        help=f"write {_LICENCES} from the packages of this environment, and end",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    root = args.root.resolve()
    if args.licences:
        there = args.licences
        before = there.read_text(encoding="utf-8") if there.is_file() else ""
        about = project(root)
        build = about["build-system"]["requires"]
        write_text(there, page(about["project"], before, build))
        return 0
    rows = [tried(name, check) for name, check in state_rows(root)]
    rows.append(tried("licences", lambda: _licences_row(root)))
    rows.append(tried("README's quickstart: start", lambda: start_row(root)))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "quickstart"
        rows.append(quickstart_row(root, out, args.quickstart))
    if not args.no_build:
        rows += _built(root, args.python, args.no_network, args.resolve)
    rows += system_rows(root, platform.system())
    print(table(rows))
    return int(any(one.state == FAILED for one in rows))


def _licences_row(root: Path) -> Row:
    whole, text = project(root), (root / _LICENCES).read_text("utf-8")
    about, build = whole["project"], whole["build-system"]["requires"]
    note = f"{len(requirements(about, build))} packages"
    return row("licences", page_faults(about, text, build), note)


def _built(
    root: Path, pythons: Sequence[Path], no_network: bool, resolve: bool
) -> list[Row]:
    about = project(root)["project"]
    wanted = wanted_versions(about["requires-python"])
    found = find([*pythons, *places(wanted, os.environ), Path(sys.executable)], wanted)
    light = [
        line
        for line in about["dependencies"]
        if not no_network and line.startswith(_LIGHT)
    ]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        rows, wheel = build(root, out)
        if wheel is None:
            return rows
        for version in wanted:
            python, name = found.get(version), f"Python {version}: "
            if python is None:
                rows.append(Row(f"{name}install", NOT_RUN, "this Python is not here"))
            else:
                rows.append(install_row(version, python, wheel, out / version, light))
            name = f"{name}dependencies"
            if no_network:
                rows.append(Row(name, NOT_RUN, "needs a package index"))
            elif python is not None and not resolve:
                rows.append(Row(name, NOT_RUN, "gigabytes: --resolve asks for them"))
            else:
                mine = Path(sys.executable)
                rows.append(resolve_row(version, python, mine, wheel))
        python = next(iter(found.values()), Path(sys.executable))
        rows.append(mim_row(root, python, wheel, out / "mim", not no_network))
    return rows


if __name__ == "__main__":
    run_tool(main)
