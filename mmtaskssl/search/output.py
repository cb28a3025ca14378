"""The folder that a search leaves behind, and that the next one goes on with."""

import contextlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..runs import Growing, Work
from ..utils.errors import UserError
from .results import RESULTS, ResultsFile, read_header

TEACHER, LATENCY = "teacher", "latency.jsonl"
SUMMARY, NEXT, REPORT = "search.json", "next.sh", "report.html"
_FILES = (
    *(RESULTS, f"{RESULTS}.part*", f"{TEACHER}/*.pt", LATENCY),
    *(SUMMARY, "*.png", NEXT, REPORT),
)
# What the commands in NEXT make there.
CALIBRATED, EXPORT = "calibrated.pth", "export"
_MADE_LATER = (CALIBRATED, f"{CALIBRATED}.parts", EXPORT)

# What a command names where the search does not know it.
UNKNOWN = {
    "config": "CONFIG",
    "images": "IMAGES",
    "calibration": {},
    "cfg_options": {},
}


@contextlib.contextmanager
def opened(
    identity: Mapping[str, Any], folder: str | Path, overwrite: bool = False
) -> Iterator[tuple[ResultsFile, Growing]]:
    """Yields the file of scores in a folder, new or to go on with, and its record.

    Args:
        identity: What the scores depend on; ``checkpoint`` is a name only, a copy may
            be renamed.
        folder: Nobody else writes there meanwhile.
        overwrite: Replace a search that depends on something else.

    Raises:
        UserError: The folder holds anything else, or cannot be written.
    """
    work = _work_of(identity)
    try:
        work.state(folder)
    except UserError:
        if not overwrite:
            raise
        # Exports that stand there are no part of the scores: they are not removed.
        _work_of(identity, ()).clear(folder)
    with work.growing(folder) as growing:
        file = ResultsFile(Path(folder, RESULTS), identity)
        file.prepare()
        yield file, growing


def _work_of(
    identity: Mapping[str, Any], made_later: Sequence[str] = _MADE_LATER
) -> Work:
    return Work(
        *("search", 1, _inputs(identity), _FILES, "a search", _inputs_of_0_1),
        nested=made_later,
    )


def _inputs(identity: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in identity.items() if key != "checkpoint"}


def _inputs_of_0_1(folder: Path) -> Mapping[str, Any] | None:
    """Returns the inputs of a folder from before it had a record."""
    try:
        return _inputs(read_header(folder / RESULTS))
    except (OSError, UserError):
        return None


def next_commands(
    subnets: Sequence[str], origin: Mapping[str, Any], out: str | Path
) -> list[str]:
    """Returns the commands that calibrate and export sub-nets.

    Args:
        subnets: Names.
        origin: ``config``, ``checkpoint`` and ``images`` of the search, the
            ``calibration``'s further options, and ``cfg_options``.
        out: Folder of the search.
    """
    config, calibrated = str(origin["config"]), str(Path(out, CALIBRATED))
    changes = [f"{key}={value}" for key, value in origin["cfg_options"].items()]
    same = ["--cfg-options", *changes] if changes else []
    options = [
        part
        for key, value in origin["calibration"].items()
        if value is not None
        for part in (f"--{key}", str(value))
    ]
    names = ["--subnet", *subnets]
    first = ["python", "tools/calibrate_bn.py", config, str(origin["checkpoint"])]
    first += [*names, "--images", str(origin["images"]), *options]
    first += ["--out", calibrated, *same]
    second = ["python", "tools/export_subnet.py", config, calibrated, *names]
    second += ["--out", str(Path(out, EXPORT)), *same]
    return [shlex.join(first), shlex.join(second)]
