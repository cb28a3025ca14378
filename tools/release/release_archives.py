"""Builds the wheel and the source archive, and looks at what is in them."""

import re
import sys
import tarfile
import zipfile
from collections.abc import Collection
from pathlib import Path

from release_rows import FAILED, Row, last_line, row, run

_WHEEL, _SOURCES = "wheel", "source archive"
#: Of the wheel: folder there, and the folder of the repository that it is made of.
_PLACES = {
    "mmtaskssl/.mim/configs/": "configs/",
    "mmtaskssl/.mim/tools/": "tools/",
    "mmtaskssl/.mim/": "",
    "mmtaskssl/": "mmtaskssl/",
}
# What users have no use for: studies, their harness, and these checks.
_NOT_FOR_USERS = re.compile(
    r"tools/(release/|benchmarks/((studies|harness)/|[^/]+\.py$))"
)
_DATA = re.compile(
    r"\.(pth|pt|pkl|npy|npz|safetensors|onnx|png|jpe?g|tiff?|tar|parquet|ipynb|pyc)$"
)
# Of those who change it, not of those who build, test or read it.
_NOT_IN_SOURCES = (".gitignore", ".pre-commit-config.yaml")


def wheel_faults(names: Collection[str], tracked: Collection[str]) -> list[str]:
    """Says what the wheel lacks, or holds and should not.

    Args:
        names: Of its files.
        tracked: Files of the repository.
    """
    faults, origins = [], set()
    for name in names:
        info = re.match(r"mmtaskssl-[^/]+\.dist-info/", name)
        place = next((p for p in _PLACES if name.startswith(p)), None)
        if info:
            continue
        origin = None if place is None else _PLACES[place] + name[len(place) :]
        if origin is None or origin.startswith("tests/"):
            faults.append(f"{name} does not belong there")
        elif origin not in tracked:
            faults.append(f"{name} is in no commit")
        elif _NOT_FOR_USERS.match(origin) or _DATA.search(name):
            faults.append(f"{name} is not for users")
        origins.add(origin)
    kinds = ("configs/", "mmtaskssl/", "model-index.yml", "tools/")
    wanted = {
        name
        for name in tracked
        if name.startswith(kinds) and not _NOT_FOR_USERS.match(name)
    }
    faults += [f"{name} is missing" for name in sorted(wanted - origins)]
    if not any(re.search(r"\.dist-info/licenses/LICENSE$", name) for name in names):
        faults.append("LICENSE is missing")
    return faults


def sources_faults(names: Collection[str], tracked: Collection[str]) -> list[str]:
    """Says what the source archive lacks, or holds though no commit does.

    Args:
        names: Of its files, without the folder that all lie in.
        tracked: Files of the repository.
    """
    made = {"PKG-INFO"}
    faults = [f"{n} is in no commit" for n in sorted({*names} - {*tracked} - made)]
    missing = {*tracked} - {*names} - {*_NOT_IN_SOURCES}
    return faults + [f"{n} is missing" for n in sorted(missing)]


def build(root: Path, out: Path) -> tuple[list[Row], Path | None]:
    """Builds both, and looks at them.

    Args:
        root: The checkout.
        out: An empty folder, which receives them.

    Returns:
        Their rows, and the wheel; None: there is none.
    """
    status, listed = run(["git", "-c", "core.quotePath=false", "ls-files"], root)
    if status:
        return [Row("build", FAILED, last_line(listed))], None
    tracked = set(listed.splitlines())
    command = [sys.executable, "-m", "hatchling", "build", "-d", out]
    status, said = run([*command, "-t", "wheel", "-t", "sdist"], root)
    if status:
        return [Row("build", FAILED, last_line(said))], None
    (wheel,), (sources,) = out.glob("*.whl"), out.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        packed = [name for name in archive.namelist() if not name.endswith("/")]
    with tarfile.open(sources) as archive:
        members = [member.name for member in archive if member.isfile()]
    inside = {name.partition("/")[2] for name in members}
    return [
        row(
            _WHEEL, wheel_faults(packed, tracked), f"{wheel.name}, {len(packed)} files"
        ),
        row(
            _SOURCES,
            sources_faults(inside, tracked),
            f"{sources.name}, {len(inside)} files",
        ),
    ], wheel
