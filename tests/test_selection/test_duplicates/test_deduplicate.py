"""Copies within a pool: what is found, what stays, what is written."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from mmtaskssl import apis
from mmtaskssl.cli.deduplicate import main
from mmtaskssl.datasets.images import list_images
from mmtaskssl.features.copies import KINDS, make_copy
from mmtaskssl.utils.errors import UserError

from .._pictures import picture

_SEVERAL = 12


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """Twelve pictures, and copies of the first five: one of each kind."""
    folder = tmp_path_factory.mktemp("pool")
    rng = np.random.default_rng(3)
    for n in range(_SEVERAL):
        image = picture(n, side=128)
        Image.fromarray(image).save(folder / f"{n:02d}.png")
        if n < len(KINDS):
            copy = make_copy(image, KINDS[n], rng)
            Image.fromarray(copy).save(folder / f"copy-{n:02d}.png")
    (folder / "same.png").write_bytes((folder / "11.png").read_bytes())
    return folder


def test_each_kind_of_copy_is_found_and_nothing_else(pool):
    found = apis.deduplicate(pool)
    groups = [sorted(found.all_ids[r] for r in group) for group in found.groups]
    planted = [[f"{n:02d}.png", f"copy-{n:02d}.png"] for n in range(len(KINDS))]
    assert sorted(groups) == sorted([*planted, ["11.png", "same.png"]])
    # What is larger stays: of a crop and of a smaller one the original.
    gone = found.removed
    for n, kind in enumerate(KINDS):
        if kind in ("crop", "resize"):
            assert gone[f"copy-{n:02d}.png"] == f"{n:02d}.png"
    assert len(found.image_ids) == _SEVERAL and gone["same.png"] == "11.png"
    assert {copy.how for copy in found.copies} == {"bytes", "pixels"}
    flip = KINDS.index("flip")
    told = {found.all_ids[copy.second]: copy.transform for copy in found.copies}
    assert told[f"copy-{flip:02d}.png"] == "mirrored"
    assert set(found.facts["recall"]) == set(KINDS)


def test_by_bytes_only_the_same_file_goes(pool):
    found = apis.deduplicate(pool, by="bytes", keep="first")
    assert found.removed == {"same.png": "11.png"}
    assert found.facts["keep"] == "first"


def test_by_features_what_is_near_goes():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((8, 16)).astype("f")
    features[5] = features[2] + 0.01
    features[7] = features[5] + 0.01
    store = apis.import_features(features, [f"{n}.png" for n in range(8)])
    found = apis.deduplicate(store, by="features", threshold=0.99)
    assert found.removed == {"5.png": "2.png", "7.png": "2.png"}
    assert "copies" not in "".join(found.facts["notes"])
    guessed = apis.deduplicate(store, by="features")
    assert "`leak_copies`" in guessed.facts["notes"][0]
    assert guessed.facts["threshold"] == 0.98


def test_the_tool_s_note_names_the_flag_and_its_verb(tmp_path, capsys):
    features = np.random.default_rng(0).standard_normal((8, 16)).astype("f")
    store = apis.import_features(features, [f"{n}.png" for n in range(8)])
    store.save(tmp_path / "store")
    argv = [str(tmp_path / "store"), "--by", "features", "--out", str(tmp_path / "out")]
    main(argv)
    said = capsys.readouterr().out
    assert "with `extract --leak-copies`, or give a --threshold" in said


def test_by_features_the_largest_stays_where_the_images_are_there(tmp_path):
    for n, side in enumerate((24, 48, 32)):
        Image.fromarray(picture(n, side=side)).save(tmp_path / f"{n}.png")
    features = np.array([[1, 0], [1, 0.01], [0, 1]], "f")
    ids = [f"{n}.png" for n in range(3)]
    store = apis.import_features(features, ids, root=str(tmp_path))
    found = apis.deduplicate(store, by="features", threshold=0.99)
    assert found.removed == {"0.png": "1.png"} and found.facts["keep"] == "largest"
    gone = apis.import_features(features, ids)
    found = apis.deduplicate(gone, by="features", threshold=0.99)
    assert found.removed == {"1.png": "0.png"} and found.facts["keep"] == "first"
    assert "the first stays" in found.facts["notes"][-1]


def test_other_images_of_the_same_names_are_another_pool(pool, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(picture(0)).save(tmp_path / name / "0.png")
    one = apis.deduplicate(tmp_path / "a", by="bytes")
    one.save(tmp_path / "out")
    with pytest.raises(UserError, match="not made from the same inputs"):
        apis.deduplicate(tmp_path / "b", by="bytes").save(tmp_path / "out")
    Image.fromarray(picture(1)).save(tmp_path / "a" / "0.png")
    with pytest.raises(UserError, match="not made from the same inputs"):
        apis.deduplicate(tmp_path / "a", by="bytes").save(tmp_path / "out")


def test_what_stays_is_a_source_of_images_and_is_written(pool, tmp_path):
    found = apis.deduplicate(pool, by="bytes")
    assert list_images(found) == (pool, found.image_ids)
    folder = found.save(tmp_path / "out")
    kept = (folder / "kept.txt").read_text().split()
    assert kept == found.image_ids and "11.png" in kept
    with open(folder / "duplicates.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(x["image"], x["stays"], x["match"]) for x in lines] == [
        ("11.png", "yes", "same.png"),
        ("same.png", "no", "11.png"),
    ]
    told = json.loads((folder / "summary.json").read_text())
    assert (told["images"], told["kept"]) == (len(found.all_ids), len(kept))
    with pytest.raises(UserError, match="not made from the same inputs"):
        apis.deduplicate(pool, by="bytes", keep="first").save(folder)


def test_an_image_that_cannot_be_read_stays_and_is_counted(tmp_path):
    for n in range(3):
        Image.fromarray(picture(n)).save(tmp_path / f"{n}.png")
    (tmp_path / "3.png").write_bytes(b"no image")
    (tmp_path / "4.png").write_bytes(b"no image")
    found = apis.deduplicate(tmp_path)
    assert not found.groups and len(found.image_ids) == 5
    assert "2 images could not be read" in found.facts["notes"][0]


def test_what_cannot_be_done_is_said(pool, tmp_path):
    with pytest.raises(UserError, match="name a feature store"):
        apis.deduplicate(pool, by="features")
    with pytest.raises(UserError, match="`by` must be one of"):
        apis.deduplicate(pool, by="names")
    with pytest.raises(UserError, match="`threshold`"):
        apis.deduplicate(pool, by="bytes", threshold=0.5)
    features = np.eye(3, dtype="f")
    store = apis.import_features(features, ["a.png", "b.png", "c.png"])
    with pytest.raises(UserError, match="none of the 3 images"):
        apis.deduplicate(store)


def test_the_tool_does_it_once(pool, tmp_path, capsys):
    command = [str(pool), "--out", str(tmp_path / "out"), "--by", "bytes"]
    main(command)
    assert "1 are copies" in capsys.readouterr().out
    main(command)
    assert "nothing to do" in capsys.readouterr().out
