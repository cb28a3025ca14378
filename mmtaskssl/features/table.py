"""A feature store as one Parquet table, for other tools."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..runs.output_file import OutputFile
from ..utils.errors import UserError
from ..utils.families import PackageMissing
from ..utils.parquet import open_parquet
from ..utils.redaction import redacted_value

if TYPE_CHECKING:
    from .store import FeatureStore

#: What the table's own description stands under.
ABOUT = b"mmtaskssl"


def place_of(file: str | os.PathLike) -> OutputFile:
    """Returns where a table goes: over one of ours, and over nothing else."""
    return OutputFile(Path(file).expanduser(), "a table of features", _objection)


def _objection(file: Path) -> str:
    try:
        about = open_parquet(file).schema_arrow.metadata
    except UserError:
        return "it is no Parquet file"
    return "" if ABOUT in (about or {}) else "it was written by something else"


def write_table(store: "FeatureStore", file: str | os.PathLike) -> Path:
    """Writes a table of the columns image, label (if there are any) and embedding.

    Embeddings are lists of float32 of length 1. Rows without a usable feature are left
    out; it is written some rows at a time.

    Args:
        store: Its rows.
        file: The table.

    Raises:
        UserError: Something else stands there, or pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        raise PackageMissing("Parquet needs pyarrow: pip install pyarrow") from error
    place = place_of(file)
    names = store.class_names if store.labels is not None else None
    about = {
        "extractor": store.manifest["extractor"],
        "transform": store.manifest["transform"],
        "root": store.root,
    }
    columns: list[Any] = [("image", pa.string())]
    columns += [("label", pa.string())] if names is not None else []
    columns += [("embedding", pa.list_(pa.float32()))]
    described = json.dumps(redacted_value(about)).encode()
    schema = pa.schema(columns, metadata={ABOUT: described})
    with (
        place.written() as temporary,
        # Numbers do not become smaller, and are mapped as they are.
        ParquetWriter(
            temporary, schema, compression="none", use_dictionary=["label"]
        ) as writer,
    ):
        for rows, features in _good_rows(store):
            flat = pa.array(features.astype(np.float32).ravel())
            ends = np.arange(len(rows) + 1, dtype=np.int32) * store.dim
            parts: list[Any] = [pa.array([_text(store.image_ids[row]) for row in rows])]
            if names is not None and store.labels is not None:
                labels = store.labels[rows].tolist()
                parts.append(pa.array([names[i] if i >= 0 else None for i in labels]))
            parts.append(pa.ListArray.from_arrays(pa.array(ends), flat))
            writer.write_table(pa.Table.from_arrays(parts, schema=schema))
    return place.path


def _good_rows(store: "FeatureStore") -> Iterator[tuple[np.ndarray, np.ndarray]]:
    bad = store.bad_rows
    for first, features in store.iter_shards():
        rows = np.arange(first, first + len(features))
        good = ~np.isin(rows, bad)
        yield rows[good], features[good]


def _text(image: str) -> str:
    """Returns an id as a text that Parquet can hold; a name may be any bytes."""
    return os.fsencode(image).decode("utf-8", "backslashreplace")
