"""A feature store as a Parquet table."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from mmtaskssl.features.importing import import_features
from mmtaskssl.utils.errors import UserError


@pytest.fixture
def store(tmp_path):
    rows = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
    rows[7] = np.nan
    ids = [f"pool.tar#{n}.jpg" for n in range(20)]
    labels = [None if n == 3 else "ab"[n % 2] for n in range(20)]
    return import_features(
        *(rows, ids, tmp_path / "store"), labels=labels, rows_per_shard=8, root="/pool"
    )


def test_a_table_is_read_back_as_it_was(tmp_path, store):
    file = store.to_parquet(tmp_path / "table.parquet")
    found = parquet.read_table(file)
    assert found.column_names == ["image", "label", "embedding"]
    good = [n for n in range(20) if n != 7]
    assert found["image"].to_pylist() == [store.image_ids[n] for n in good]
    assert found["label"].to_pylist()[:4] == ["a", "b", "a", None]
    assert np.allclose(np.stack(found["embedding"].to_numpy()), store.read(good))
    assert b'"root": "/pool"' in found.schema.metadata[b"mmtaskssl"]
    again = import_features(file, out=tmp_path / "again")
    assert again.image_ids == [store.image_ids[n] for n in good]
    # Rows are made of length 1 once more, and rounded to float16.
    assert np.allclose(again.read(), store.read(good), atol=1e-3)


def test_a_store_in_memory_without_labels(tmp_path):
    store = import_features(np.eye(3, dtype=np.float32), ["a", "b", "c"])
    file = store.to_parquet(tmp_path / "t.parquet")
    assert parquet.read_table(file).to_pylist()[1] == {
        "image": "b",
        "embedding": [0.0, 1.0, 0.0],
    }


def test_only_a_table_of_ours_is_replaced(tmp_path, store):
    file = tmp_path / "table.parquet"
    store.to_parquet(file)
    store.to_parquet(file)
    parquet.write_table(pa.table({"a": [1]}), file)
    with pytest.raises(UserError, match="written by something else"):
        store.to_parquet(file)
    assert parquet.read_table(file).column_names == ["a"]
    file.write_text("mine")
    with pytest.raises(UserError, match="it is no Parquet file"):
        store.to_parquet(file)
