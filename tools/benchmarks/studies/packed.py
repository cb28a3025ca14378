"""The figures of a study in one small file, to be kept beside its tables."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from mmtaskssl.utils import inputs
from mmtaskssl.utils.atomic import write_json, write_text

from .study import Study, conduct

_FIGURES = "seed*/results/*.json"
# Of a number: more than any table shows.
_DIGITS = 7


def pack(study: Study, file: str | Path) -> None:
    """Writes all figures that there are, to seven digits.

    Args:
        study: Whose working directory holds them.
        file: JSON: by their paths in the working directory, one a line.
    """
    found = {
        path.relative_to(study.out).as_posix(): inputs.read_json(path)
        for path in sorted(study.out.glob(_FIGURES))
    }
    data = getattr(study, "data", None)
    lines = (
        f"{json.dumps(name)}: {json.dumps(_short(data, found[name]))}" for name in found
    )
    write_text(Path(file), "{\n" + ",\n".join(lines) + "\n}\n")


def _short(data: Path | None, value: Any) -> Any:
    """Returns a value with paths in the folder of the data as ``DATA/...``."""
    if isinstance(value, dict):
        return {key: _short(data, one) for key, one in value.items()}
    if isinstance(value, list):
        return [_short(data, one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if data is None or not isinstance(value, str) or not os.path.isabs(value):
        return value
    place = os.path.relpath(value, data.absolute())
    return value if place.startswith("..") else f"DATA/{place}"


def unpack(study: Study, file: str | Path) -> None:
    """Puts figures where the study looks for them, but for those that are there.

    Args:
        study: Whose working directory is filled.
        file: Of `pack`; it need not be there yet.
    """
    if not Path(file).exists():
        return
    for name, figures in inputs.read_json(file).items():
        place = study.out / name
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            write_json(place, figures)


def add_figures(parser: argparse.ArgumentParser) -> None:
    """Adds the option that `conduct_packed` reads."""
    parser.add_argument(
        "--figures",
        metavar="FILE",
        help="figures found before are taken from it, and all are written to it",
    )


def conduct_packed(study: Study, args: argparse.Namespace) -> None:
    """Runs a study, see `conduct`, whose figures are kept in a file if one is named."""
    if args.figures:
        unpack(study, args.figures)
    conduct(study, args.tables_only)
    if args.figures:
        pack(study, args.figures)
