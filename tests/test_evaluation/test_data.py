"""Labelled features from stores and tables."""

import json

import numpy as np
import pytest
import torch

from mmtaskssl.evaluation.data import load_stores, read_label_table
from mmtaskssl.features.importing import import_features
from mmtaskssl.utils.errors import UserError


def make_store(path, ids, labels=None, features=None, extractor="e"):
    if features is None:
        features = np.random.default_rng(len(ids)).normal(size=(len(ids), 4))
    np.save(path.with_suffix(".npy"), features.astype(np.float32))
    import_features(
        path.with_suffix(".npy"), ids, path, labels=labels, extractor=extractor
    )
    return path


def test_classes_are_matched_by_name(tmp_path):
    train = make_store(tmp_path / "a", ["1", "2", "3"], ["cat", "owl", "dog"])
    test = make_store(tmp_path / "b", ["4", "5"], ["owl", "dog"])
    a, b = load_stores(train, test)
    assert a.class_names == b.class_names == ["cat", "dog", "owl"]
    assert (a.y.tolist(), b.y.tolist()) == ([0, 2, 1], [2, 1])
    assert b.notes == [
        "1 classes have no test image and do not count in means over classes: cat"
    ]


def test_rows_without_label_or_feature_are_left_out(tmp_path):
    features = np.eye(4)
    features[2] = np.nan
    labels = ["a", None, "b", "b"]
    train = make_store(tmp_path / "a", list("1234"), labels, features)
    test = make_store(tmp_path / "b", ["5"], ["b"])
    a, _ = load_stores(train, test)
    assert a.x.tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]] and a.y.tolist() == [0, 1]
    assert [note.split(":")[1].split()[0] for note in a.notes] == ["1", "1"]


def test_tables(tmp_path):
    (tmp_path / "s.csv").write_text("image,label\nx/1.jpg,cat\nx/2.jpg,dog\n")
    y, names = read_label_table(tmp_path / "s.csv", ["x/2.jpg", "x/9.jpg", "x/1.jpg"])
    assert (y.tolist(), names) == ([1, -1, 0], ["cat", "dog"])
    (tmp_path / "m.csv").write_text("image,labels\n1,cat; dog\n2,\n3,dog\n")
    rows = [{"image": "1", "labels": ["cat", "dog"]}, {"image": "2", "labels": []}]
    rows += [{"image": "3", "labels": ["dog"]}]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    for name in ("m.csv", "m.jsonl"):
        y, names = read_label_table(tmp_path / name, ["3", "1", "2", "7"])
        assert y.tolist() == [[0, 1], [1, 1], [0, 0], [-1, -1]]
        assert names == ["cat", "dog"]


def test_multi_label_stores(tmp_path):
    train = make_store(tmp_path / "a", ["1", "2", "3"])
    test = make_store(tmp_path / "b", ["4", "5"])
    (tmp_path / "a.csv").write_text("image,labels\n1,cat;dog\n2,owl\n3,\n")
    (tmp_path / "b.csv").write_text("image,labels\n4,owl;dog\n")
    a, b = load_stores(train, test, tmp_path / "a.csv", tmp_path / "b.csv")
    assert a.class_names == b.class_names == ["cat", "dog", "owl"]
    assert a.y.tolist() == [[1, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert b.y.tolist() == [[0, 1, 1]]
    assert "1 images without label" in b.notes[0] and "cat" in b.notes[1]


def test_bad_input(tmp_path):
    train = make_store(tmp_path / "a", ["1", "2"], ["cat", "owl"])
    bare = make_store(tmp_path / "bare", ["1"])
    with pytest.raises(UserError, match=r"no labels.*`test_labels`"):
        load_stores(train, bare)
    alien = make_store(tmp_path / "alien", ["1"], ["emu"])
    with pytest.raises(UserError, match="test class emu"):
        load_stores(train, alien)
    other = make_store(tmp_path / "other", ["1"], ["cat"], extractor="f")
    with pytest.raises(UserError, match="another extractor"):
        load_stores(train, other)
    nothing = make_store(
        tmp_path / "nan", ["1"], ["cat"], features=np.full((1, 4), np.nan)
    )
    with pytest.raises(UserError, match="both a label and a feature"):
        load_stores(train, nothing)
    (tmp_path / "m.csv").write_text("image,labels\n1,cat\n")
    with pytest.raises(UserError, match="several labels"):
        load_stores(train, train, None, tmp_path / "m.csv")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "picture,label\n1,cat\n", "columns image and label"),
        ("t.csv", "", "columns image and label"),
        ("t.csv", "image,label\n9.jpg,cat\n", "none of the images"),
        ("t.jsonl", "no json\n", "cannot be read"),
        ("t.jsonl", "[1]\n", "cannot be read"),
        ("missing.csv", None, "cannot be read"),
    ],
)
def test_bad_tables(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        read_label_table(tmp_path / name, ["1"])


def test_features_are_float32_tensors(tmp_path):
    store = make_store(tmp_path / "a", ["1", "2"], ["cat", "owl"])
    train, test = load_stores(store, store)
    assert train.x.dtype == torch.float32 and test.y.dtype == torch.int64
    torch.testing.assert_close(train.x.norm(dim=1), torch.ones(2), atol=1e-3, rtol=0)
