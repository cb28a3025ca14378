"""Features in files that others have made, read some rows at a time."""

import glob
import os
import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..datasets.shards import PATH_COLUMNS
from ..utils.errors import option
from ..utils.families import (
    BadImageSource,
    FileFormat,
    FileMissing,
    OptionMissing,
    PackageMissing,
    ShapeMismatch,
)
from ..utils.inputs import load_array
from ..utils.parquet import feature_groups, open_parquet, text_column
from .layout import read_id_file

#: Endings of files with features.
SUFFIXES = (".npy", ".safetensors", ".parquet")
#: Columns that name rows, in this order.
ID_COLUMNS = (*PATH_COLUMNS, "image_path", "key", "id", "url")
_DIGITS = re.compile(r"(\d+)")


class Part(Protocol):
    """Rows of one file."""

    shape: tuple[int, int]
    dtype: np.dtype

    def __getitem__(self, rows: slice) -> np.ndarray: ...


class Rows:
    """Rows of several parts, one below the other; none is read before it is asked for.

    Args:
        parts: (rows, dim) each.
        source: Named in errors.

    Attributes:
        shape: Of all together.
        dtype: That holds all.

    Raises:
        UserError: There are none, or their dims differ.
    """

    def __init__(self, parts: Sequence[Part], source: str) -> None:
        dims = {part.shape[1] for part in parts}
        if len(dims) != 1:
            found = ", ".join(map(str, sorted(dims))) or "none"
            raise ShapeMismatch(f"{source} must hold features of one dim, not {found}")
        self.parts = list(parts)
        self._ends = list(accumulate(part.shape[0] for part in parts))
        self.shape = (self._ends[-1], dims.pop())
        self.dtype = np.result_type(*(part.dtype for part in parts))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Returns rows (stop - start, dim); the step is 1."""
        start, stop, _ = rows.indices(len(self))
        out = np.empty((max(0, stop - start), self.shape[1]), self.dtype)
        at = start
        while at < stop:
            number = bisect_right(self._ends, at)
            first = self._ends[number] - self.parts[number].shape[0]
            end = min(stop, self._ends[number])
            out[at - start : end - start] = self.parts[number][at - first : end - first]
            at = end
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Reads all."""
        return np.asarray(self[:], dtype)


def open_rows(source: str | os.PathLike) -> Rows:
    """Opens features that lie in files.

    Args:
        source: A ``.npy``, ``.safetensors`` or ``.parquet`` file; a folder of files of
            one kind; or a pattern such as ``img_emb_*.npy``. Files are taken in the
            order of the numbers in their names.

    Raises:
        UserError: There are none, or one holds no features.
    """
    return Rows(
        [part for file in feature_files(source) for part in _open(file)], str(source)
    )


def read_ids(
    ids: str | os.PathLike | None, features: str | os.PathLike | None
) -> list[str]:
    """Reads the names of rows.

    Args:
        ids: A text file with one a line; Parquet with a column of paths or keys, a
            file, a folder or a pattern; None: the features' own, which are in Parquet.
        features: See `open_rows`; None: they are no file.

    Raises:
        UserError: There are none, or they cannot be read.
    """
    if ids is not None and not _is_parquet(ids):
        return read_id_file(ids)
    source = features if ids is None else ids
    if source is None or not _is_parquet(source):
        raise OptionMissing(f"name the rows with {option('ids')}: one image id a line")
    return [
        name
        for file in feature_files(source)
        for name in text_column(open_parquet(file), file, ID_COLUMNS)
    ]


def _is_parquet(source: str | os.PathLike) -> bool:
    text = os.path.expanduser(os.fspath(source))
    if os.path.isdir(text):
        return any(name.lower().endswith(".parquet") for name in os.listdir(text))
    return text.lower().endswith(".parquet")


def feature_files(source: str | os.PathLike) -> list[Path]:
    """Returns the files of a source, see `open_rows`."""
    text = os.path.expanduser(os.fspath(source))
    if os.path.isdir(text):
        found = [p for p in Path(text).iterdir() if p.suffix.lower() in SUFFIXES]
    elif not os.path.exists(text) and any(mark in text for mark in "*?["):
        found = [Path(path) for path in glob.glob(text)]
    else:
        found = [Path(text)]
    if not found:
        raise FileMissing(f"{source} names no {', '.join(SUFFIXES)} file")
    if len(kinds := {path.suffix.lower() for path in found}) > 1:
        raise BadImageSource(
            f"{source} names files of several kinds: {', '.join(sorted(kinds))}"
        )
    return sorted(found, key=_natural)


def _natural(path: Path) -> list[Any]:
    """Sorts file 10 behind file 9."""
    return [int(x) if x.isdecimal() else x for x in _DIGITS.split(str(path))]


def _open(file: Path) -> list[Part]:
    if not file.exists():
        raise FileMissing(f"features {file} do not exist")
    if file.suffix.lower() == ".safetensors":
        return [_Tensor(file)]
    if file.suffix.lower() == ".parquet":
        return [*feature_groups(file)]
    try:
        array = load_array(file, mapped=True)
    except (OSError, ValueError) as error:
        raise FileFormat(
            f"{file} is not a .npy file of plain numbers ({error})"
        ) from error
    _check(array.shape, np.issubdtype(array.dtype, np.floating), file)
    return [array]


class _Tensor:
    """The one two-dimensional tensor of a safetensors file."""

    def __init__(self, file: Path) -> None:
        try:
            from safetensors import SafetensorError, safe_open
        except ImportError as error:
            raise PackageMissing(
                f"{file} needs safetensors: pip install safetensors"
            ) from error
        try:
            with safe_open(file, framework="numpy") as opened:
                names = list(opened.keys())
                shapes = {name: opened.get_slice(name).get_shape() for name in names}
                wide = [name for name, shape in shapes.items() if len(shape) == 2]
                if len(wide) != 1:
                    raise ShapeMismatch(
                        f"{file} must hold one tensor (rows, dim), not {len(wide)}"
                    )
                rows = opened.get_slice(wide[0])
                kind = rows.get_dtype()
                self.shape = tuple(rows.get_shape())
        except (SafetensorError, OSError) as error:
            raise FileFormat(f"{file} is no safetensors file ({error})") from error
        _check(self.shape, kind in _KINDS, file)
        self.file, self.name, self.dtype = file, wide[0], np.dtype(_KINDS[kind])

    def __getitem__(self, rows: slice) -> np.ndarray:
        from safetensors import safe_open

        with safe_open(self.file, framework="numpy") as opened:
            found: np.ndarray = opened.get_slice(self.name)[rows]
        return found


_KINDS = {"F16": "float16", "F32": "float32", "F64": "float64"}


def _check(shape: Sequence[int], is_float: bool, source: object) -> None:
    if len(shape) != 2 or shape[1] == 0 or not is_float:
        raise ShapeMismatch(f"{source} must hold floats of shape (rows, dim)")
