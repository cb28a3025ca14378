"""Tries a wheel on every Python of this machine that it is for."""

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from release_rows import FAILED, NOT_RUN, OK, Row, last_line, run

_TELL = "import sys; print('%d.%d' % sys.version_info[:2])"
#: What a wheel without its dependencies does: needs words of output, and a status.
_MINIMAL: tuple[tuple[tuple[str, ...], int, str], ...] = (
    (("-c", "import mmtaskssl; print(mmtaskssl.__file__)"), 0, "site-packages"),
    (("-m", "mmtaskssl", "--version"), 0, "{version}"),
    (("-m", "mmtaskssl", "--help"), 0, "customize"),
    (("-m", "mmtaskssl", "select", "--help"), 0, "--budget"),
    # Says what is absent, and how to get it.
    (("-m", "mmtaskssl.check_env"), 1, "pip install"),
)
# What README tells a stranger to install.
_EXTRAS = "[cpu,det,seg]"
# With the one light dependency beside it.
_COMPLETION = (("-m", "mmtaskssl", "completion", "bash"), 0, "_shtab_mmtaskssl")


def wanted_versions(requires: str) -> list[str]:
    """Returns the minor versions that ``requires-python`` allows.

    Args:
        requires: ``>=3.LOW,<3.HIGH``.

    Raises:
        ValueError: It has another form.
    """
    found = re.fullmatch(r">=3\.(\d+),\s*<3\.(\d+)", requires)
    if not found:
        raise ValueError(f"requires-python is {requires!r}, not '>=3.LOW,<3.HIGH'")
    return [f"3.{minor}" for minor in range(int(found[1]), int(found[2]))]


def places(wanted: Sequence[str], environ: Mapping[str, str]) -> list[Path]:
    """Returns where an interpreter may lie: the path, then what pyenv and uv keep.

    Args:
        wanted: Minor versions.
        environ: The environment's variables.
    """
    home = Path(environ.get("HOME") or Path.home())
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    kept = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    search = environ.get("PATH", "")
    named = (shutil.which(f"python{version}", path=search) for version in wanted)
    found = [Path(path) for path in named if path]
    found += sorted(pyenv.glob("*/bin/python"))
    return found + sorted((kept / "uv" / "python").glob("*/bin/python"))


def find(candidates: Iterable[Path], wanted: Sequence[str]) -> dict[str, Path]:
    """Asks interpreters for their versions; the first of each that is wanted is taken.

    Args:
        candidates: One that does not start, or is of another version, is passed over.
        wanted: Minor versions.
    """
    found: dict[str, Path] = {}
    for path in candidates:
        status, said = run([path, "-c", _TELL], timeout=60)
        if status == 0 and said.strip() in wanted:
            found.setdefault(said.strip(), path)
    return dict(sorted(found.items(), key=lambda item: wanted.index(item[0])))


def install_row(
    version: str, python: Path, wheel: Path, folder: Path, light: Sequence[str]
) -> Row:
    """Installs the wheel into an empty environment, and tries what needs nothing else.

    Args:
        version: Minor version of the interpreter.
        python: The interpreter.
        wheel: Is installed without its dependencies, which are gigabytes.
        folder: Receives the environment.
        light: Requirements of completion; none: it is not tried.
    """
    name = f"Python {version}: install"
    status, said = run([python, "-m", "venv", folder])
    if status:
        return Row(name, FAILED, f"no environment: {last_line(said)}")
    inside = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [inside, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    status, said = run([*pip, "--no-deps", wheel])
    if status:
        return Row(name, FAILED, last_line(said))
    tried = list(_MINIMAL)
    if light:
        status, said = run([*pip, *light])
        if status:
            return Row(name, FAILED, last_line(said))
        tried.append(_COMPLETION)
    release = wheel.name.split("-")[1]
    for words, expected, needed in tried:
        status, said = run([inside, *words], folder)
        if status != expected or needed.format(version=release) not in said:
            command = " ".join(words)
            return Row(name, FAILED, f"{command}: status {status}, {last_line(said)}")
    return Row(name, OK, f"{len(tried)} commands, without the dependencies")


def resolve_row(version: str, python: Path | None, pip: Path, wheel: Path) -> Row:
    """Asks pip which dependencies it would install.

    Args:
        version: Minor version of the interpreter that they are for.
        python: The interpreter; None: there is none here, so that what is found is
            reported as not run.
        pip: An interpreter whose pip is asked.
        wheel: With what it asks for.
    """
    name = f"Python {version}: dependencies"
    command = [pip, "-m", "pip", "install", "--dry-run", "-q", "--ignore-installed"]
    command += ["--disable-pip-version-check", "--only-binary=:all:"]
    command += ["--python-version", version, "--target", wheel.parent / "unused"]
    status, said = run([*command, f"{wheel}{_EXTRAS}"])
    if status:
        return Row(name, FAILED, last_line(said))
    if python is None:
        return Row(name, NOT_RUN, "they resolve, but this Python is not here")
    return Row(name, OK, "they resolve")
