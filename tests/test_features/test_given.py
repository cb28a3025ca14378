"""Features in files of others."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from safetensors.numpy import save_file

from mmtaskssl.features.given import open_rows, read_ids
from mmtaskssl.features.importing import import_features
from mmtaskssl.utils.errors import UserError


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(25, 6)).astype(np.float32)


def _ids(count, start=0):
    return [f"{n:03d}.jpg" for n in range(start, start + count)]


def _parquet(file, rows, start=0, group=4, name="embedding", **columns):
    kind = pa.list_(pa.float32()) if start else pa.list_(pa.float32(), rows.shape[1])
    table = {"image_path": _ids(len(rows), start), "caption": ["x"] * len(rows)}
    table |= {name: pa.array(rows.tolist(), kind), **columns}
    parquet.write_table(pa.table(table), file, row_group_size=group)


def _write(kind, folder, rows):
    """Writes rows in three files, of which the last sorts first as a text."""
    for number, (start, stop) in enumerate([(0, 9), (9, 10), (10, 25)]):
        name, part = f"img_emb_{number + 9}", rows[start:stop]
        if kind == "npy":
            np.save(folder / f"{name}.npy", part)
        elif kind == "safetensors":
            save_file(
                {"x": np.array(part), "n": np.ones(1)}, folder / f"{name}.safetensors"
            )
        else:
            _parquet(folder / f"{name}.parquet", part, start)


@pytest.mark.parametrize("kind", ["npy", "safetensors", "parquet"])
@pytest.mark.parametrize("pattern", ["", "img_emb_*"])
def test_files_are_one_array_in_the_order_of_their_numbers(
    tmp_path, rows, kind, pattern
):
    _write(kind, tmp_path, rows)
    source = tmp_path / f"{pattern}.{kind}" if pattern else tmp_path
    found = open_rows(source)
    assert found.shape == rows.shape and found.dtype == rows.dtype
    assert np.array_equal(np.asarray(found), rows)
    for start, stop in ((0, 0), (3, 12), (9, 10), (8, 25), (24, 99)):
        assert np.array_equal(found[start:stop], rows[start:stop])


@pytest.mark.parametrize("kind", ["npy", "safetensors", "parquet"])
def test_a_store_of_them_is_that_of_one_array(tmp_path, rows, kind):
    (tmp_path / "in").mkdir()
    _write(kind, tmp_path / "in", rows)
    ids = None if kind == "parquet" else _ids(25)
    store = import_features(tmp_path / "in", ids, tmp_path / "s", rows_per_shard=7)
    plain = import_features(rows, _ids(25))
    assert list(store.image_ids) == list(plain.image_ids)
    assert np.array_equal(store.read(), plain.read())
    assert np.array_equal(import_features(tmp_path / "in", ids).read(), plain.read())
    said = []
    import_features(
        *(tmp_path / "in", ids, tmp_path / "s"), rows_per_shard=7, log=said.append
    )
    assert "complete already" in said[0]


def test_names_come_from_metadata_beside_the_features(tmp_path, rows):
    (tmp_path / "metadata").mkdir()
    for number, (start, stop) in enumerate([(0, 20), (20, 25)]):
        table = pa.table(
            {"key": _ids(stop - start, start), "caption": ["a"] * (stop - start)}
        )
        parquet.write_table(table, tmp_path / "metadata" / f"metadata_{number}.parquet")
    for source in ("metadata", "metadata/metadata_*.parquet"):
        assert read_ids(tmp_path / source, None) == _ids(25)
    (tmp_path / "ids.txt").write_text("\n".join(_ids(3)) + "\n")
    assert read_ids(tmp_path / "ids.txt", tmp_path / "x.parquet") == _ids(3)


def test_the_column_of_features_by_its_name_or_alone(tmp_path, rows):
    other = pa.array(rows[:, :2].tolist(), pa.list_(pa.float32()))
    _parquet(tmp_path / "a.parquet", rows, box=other)
    assert open_rows(tmp_path / "a.parquet").shape == rows.shape
    _parquet(tmp_path / "b.parquet", rows, name="clip")
    assert open_rows(tmp_path / "b.parquet").shape == rows.shape
    _parquet(tmp_path / "c.parquet", rows, name="clip", box=other)
    with pytest.raises(UserError, match="several: clip, box"):
        open_rows(tmp_path / "c.parquet")


def test_lists_of_several_lengths_and_missing_ones_are_refused(tmp_path):
    for values in ([[1.0, 2.0], [1.0]], [[1.0, 2.0], None], [[1.0], [2.0, 3.0, 4.0]]):
        table = pa.table(
            {"path": ["a", "b"], "emb": pa.array(values, pa.list_(pa.float32()))}
        )
        parquet.write_table(table, tmp_path / "a.parquet", row_group_size=1)
        with pytest.raises(UserError, match="differ in length"):
            import_features(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: None, "x.npy do not exist"),
        (lambda f: np.save(f / "x.npy", np.ones((3, 2), int)), "floats of shape"),
        (lambda f: np.save(f / "x.npy", np.ones(3)), "floats of shape"),
        (lambda f: (f / "x.npy").write_bytes(b"no array"), "not a .npy file"),
    ],
)
def test_unusable_arrays(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(UserError, match=message):
        open_rows(tmp_path / "x.npy")


def test_unusable_files_of_other_kinds(tmp_path, rows):
    (tmp_path / "a.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0nonsense")
    with pytest.raises(UserError, match="no safetensors file"):
        open_rows(tmp_path / "a.safetensors")
    save_file({"x": rows, "y": rows}, tmp_path / "b.safetensors")
    with pytest.raises(UserError, match="one tensor"):
        open_rows(tmp_path / "b.safetensors")
    save_file({"x": rows.astype(int)}, tmp_path / "c.safetensors")
    with pytest.raises(UserError, match="floats of shape"):
        open_rows(tmp_path / "c.safetensors")
    (tmp_path / "d.parquet").write_text(json.dumps([1]))
    with pytest.raises(UserError, match="no Parquet file"):
        open_rows(tmp_path / "d.parquet")
    parquet.write_table(pa.table({"path": ["a"]}), tmp_path / "e.parquet")
    with pytest.raises(UserError, match="it has none"):
        open_rows(tmp_path / "e.parquet")
    with pytest.raises(UserError, match="several kinds"):
        open_rows(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="names no"):
        open_rows(tmp_path / "empty")
    parts = tmp_path / "parts"
    parts.mkdir()
    np.save(parts / "1.npy", rows)
    np.save(parts / "2.npy", rows[:, :3])
    with pytest.raises(UserError, match="one dim, not 3, 6"):
        open_rows(parts)


def test_names_that_cannot_be_had(tmp_path, rows):
    np.save(tmp_path / "x.npy", rows)
    with pytest.raises(UserError, match="name the rows with"):
        import_features(tmp_path / "x.npy")
    with pytest.raises(UserError, match="name the rows with"):
        import_features(rows)
    parquet.write_table(pa.table({"text": ["a"]}), tmp_path / "e.parquet")
    with pytest.raises(UserError, match="has none of the columns"):
        read_ids(tmp_path / "e.parquet", None)
    parquet.write_table(pa.table({"path": ["a", None]}), tmp_path / "f.parquet")
    with pytest.raises(UserError, match=r"row 1 of .*f\.parquet has no path"):
        read_ids(tmp_path / "f.parquet", None)
