"""The folder that a search leaves behind, and that the next one goes on with."""

import contextlib
import dataclasses
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import get_world_size

from ..runs import Growing, Work, has_types
from ..utils.budgets import Budget
from ..utils.errors import UserError, option
from ..utils.families import OutTaken
from ..utils.inputs import read_json
from .names import METRIC_NAMES
from .results import RESULTS, ResultsFile, read_header

TEACHER, LATENCY = "teacher", "latency.jsonl"
SUMMARY, NEXT, REPORT = "search.json", "next.sh", "report.html"
# Names in a folder of version 0.1, which has no list of them.
_FEATURES = re.compile(rf"teacher-({'|'.join(METRIC_NAMES)})-[0-9a-f]{{16}}\.pt")
_PART = re.compile(rf"{re.escape(RESULTS)}\.part\d+")
_FILES = (RESULTS, LATENCY, SUMMARY, NEXT, REPORT)
# What its file of scores begins with.
_HEADER = {
    "checkpoint": str,
    "checkpoint_sha256": str,
    "shape": list,
    "interval": dict,
    "teacher_averaged": bool,
    "teacher_bn": str,
    "bn_images": int,
    "images": dict,
}
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
    identity: Mapping[str, Any],
    folder: str | Path,
    overwrite: bool,
    asked: Mapping[str, Any],
) -> Iterator[tuple[ResultsFile, Growing]]:
    """Yields the file of scores in a folder, new or to go on with, and its record.

    Args:
        identity: What the scores depend on; ``checkpoint`` is a name only, a copy may
            be renamed.
        folder: Nobody else writes there meanwhile.
        overwrite: Replace a search that depends on something else, or that was asked
            something else, whose scores stay.
        asked: Budgets and metrics, see `question`.

    Raises:
        UserError: The folder holds anything else, or cannot be written.
    """
    work = _work_of(identity)
    if not overwrite:
        _check_question(Path(folder), asked)
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


def check(folder: str | os.PathLike, overwrite: bool, asked: Mapping[str, Any]) -> None:
    """Refuses a folder in which a search cannot be, whatever its scores depend on.

    Args:
        folder: See `opened`, as for ``overwrite`` and ``asked``.
        overwrite: See above.
        asked: See above.

    Raises:
        UserError: It holds something else, or the answer to another question.
    """
    with contextlib.suppress(OutTaken):  # of other inputs, which are not known yet
        _work_of({}).state(folder)
    if not overwrite:
        _check_question(Path(folder), asked)


def question(budgets: Sequence[Budget], metrics: Sequence[str]) -> dict[str, Any]:
    """Returns what a ranking answers, JSON-ready."""
    return {
        "budgets": [list(dataclasses.astuple(budget)) for budget in budgets],
        "metrics": list(metrics),
    }


def _check_question(folder: Path, asked: Mapping[str, Any]) -> None:
    """Refuses a folder with the answer to another question."""
    try:
        kept = read_json(folder / SUMMARY)
    except (OSError, ValueError, RecursionError):  # none yet, or not ours: see `Work`
        return
    if not isinstance(kept, dict):
        return
    different = [key for key, value in asked.items() if kept.get(key) != value]
    if different:
        raise OutTaken(
            f"{folder} exists and ranks for other {' and '.join(different)}: name "
            f"another folder, or replace it with {option('overwrite')}, which keeps "
            "scores of the same checkpoint, images and options"
        )


def _work_of(
    identity: Mapping[str, Any], made_later: Sequence[str] = _MADE_LATER
) -> Work:
    return Work(
        *("search", 1, _inputs(identity), _files(), "a search", _inputs_of_0_1),
        nested=made_later,
        older=_files_of_0_1,
    )


def _files() -> list[str]:
    pictures = [f"{metric}.png" for metric in METRIC_NAMES]
    parts = [f"{RESULTS}.part{rank}" for rank in range(get_world_size())]
    return [*_FILES, *pictures, *parts]


def _files_of_0_1(folder: Path) -> list[str]:
    """Returns what a search of version 0.1 left: scores, pictures and features."""
    names = [path.name for path in Path(folder, TEACHER).glob("*.pt")]
    own = [f"{TEACHER}/{name}" for name in names if _FEATURES.fullmatch(name)]
    parts = [path.name for path in folder.glob(f"{RESULTS}.part*")]
    own += [name for name in parts if _PART.fullmatch(name)]
    return [RESULTS, LATENCY, *own, *(f"{metric}.png" for metric in METRIC_NAMES)]


def _inputs(identity: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in identity.items() if key != "checkpoint"}


def _inputs_of_0_1(folder: Path) -> Mapping[str, Any] | None:
    """Returns the inputs of a folder from before it had a record."""
    try:
        header = read_header(folder / RESULTS)
    except (OSError, UserError):
        return None
    return _inputs(header) if has_types(header, _HEADER) else None


def absolute(path: str | os.PathLike | None) -> str | None:
    """Returns a path that means the same from any folder; names stay what they are."""
    if path is None:
        return None
    return os.path.abspath(path) if os.path.exists(path) else os.fspath(path)


def script(commands: Sequence[str]) -> str:
    """Returns commands as a script for bash."""
    head = "#!/usr/bin/env bash\n# Runs from any folder.\nset -euo pipefail\n"
    return head + "".join(f"{command}\n" for command in commands)


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
    out = os.path.abspath(out)
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
    first = ["mmtaskssl", "calibrate", config, str(origin["checkpoint"])]
    first += [*names, "--images", str(origin["images"]), *options]
    first += ["--out", calibrated, *same]
    second = ["mmtaskssl", "export", config, calibrated, *names]
    second += ["--out", str(Path(out, EXPORT)), *same]
    return [shlex.join(first), shlex.join(second)]
