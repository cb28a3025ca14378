"""What README tells a stranger to run, and mim on an installed wheel."""

import os
import re
import sys
from pathlib import Path

from release_rows import FAILED, NOT_RUN, OK, Row, last_line, run

_QUICKSTART = "README's quickstart"
_MIM = "mim"
_HOURS = 2 * 3600.0


def start_row(root: Path) -> Row:
    """Says whether the script of the quickstart starts, and has the Makefile's flags.

    Args:
        root: The checkout.
    """
    name = f"{_QUICKSTART}: start"
    recipe = (root / "Makefile").read_text(encoding="utf-8")
    recipe = recipe.partition("\nquickstart: env\n")[2].partition("\n\n")[0]
    flags = re.findall(r"(?<![\w-])--[a-z-]+", recipe)
    status, said = run([sys.executable, "tools/quickstart.py", "--help"], root)
    if status:
        return Row(name, FAILED, last_line(said))
    missing = [flag for flag in flags if flag not in said]
    if missing or not flags:
        what = f"has no {', '.join(missing)}" if missing else "is in no recipe"
        return Row(name, FAILED, f"tools/quickstart.py {what}")
    return Row(name, OK, f"it takes {', '.join(flags)}")


def quickstart_row(root: Path, out: Path, wanted: bool) -> Row:
    """Runs README's first command whole: minutes.

    Args:
        root: The checkout.
        out: Receives what it makes.
        wanted: Whether to run it.
    """
    if not wanted:
        return Row(_QUICKSTART, NOT_RUN, "minutes: --quickstart runs it")
    status, said = run(["make", "quickstart", f"WORK={out}"], root, _HOURS)
    if status or not (out / "customized" / "report.html").is_file():
        return Row(_QUICKSTART, FAILED, f"status {status}, {last_line(said)}")
    return Row(_QUICKSTART, OK, "it ends with a report")


def mim_row(root: Path, python: Path, wheel: Path, folder: Path, network: bool) -> Row:
    """Asks mim, in an environment of its own, for the configs of an installed wheel.

    Args:
        root: The checkout: of its model-index.yml's first file mim has to know all.
        python: An interpreter.
        wheel: Is installed without its dependencies, which mim does not import.
        folder: Receives the environment.
        network: Whether a package index may be asked for mim.
    """
    if not network:
        return Row(_MIM, NOT_RUN, "needs a package index")
    status, said = run([python, "-m", "venv", folder])
    inside = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = [inside / "python", "-m", "pip", "install", "-q"]
    pip.append("--disable-pip-version-check")
    for words in ([*pip, "openmim"], [*pip, "--no-deps", wheel]):
        if not status:
            status, said = run(words)
    if status:
        return Row(_MIM, FAILED, f"not installed: {last_line(said)}")
    # mim writes files beside itself: not into the checkout.
    status, said = run([inside / "mim", "search", "mmtaskssl"], folder)
    listed = {*re.findall(r"config id: (\S+)", said)}
    index = (root / "model-index.yml").read_text(encoding="utf-8")
    files = re.findall(r"^\s*- (\S+\.yml)", index, re.M)
    text = "\n".join((root / name).read_text(encoding="utf-8") for name in files)
    wanted = {*re.findall(r"^\s*Config: \S+/(\S+)\.py", text, re.M)}
    if status or not wanted or wanted - listed:
        what = last_line(said) if status else f"it lists {len(listed & wanted)}"
        return Row(_MIM, FAILED, f"mim search: {what} of {len(wanted)} configs")
    return Row(_MIM, OK, f"it lists {len(wanted)} configs")
