"""A selection uses what `deduplicate` found."""

import shutil

import numpy as np
import pytest
from PIL import Image

from mmtaskssl import apis
from mmtaskssl.features.importing import import_features
from mmtaskssl.features.removing import remove_images
from mmtaskssl.selection.duplicates.staying import read_duplicates
from mmtaskssl.utils.errors import UserError


@pytest.fixture
def world(tmp_path):
    """Twelve images; 0, 1 and 2 are the same and 5 and 6 are."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((12, 8)).astype(np.float32)
    features[[1, 2]] = features[0] + 0.01
    features[6] = features[5] + 0.01
    ids = [f"{i}.png" for i in range(12)]
    (tmp_path / "images").mkdir()
    for i, name in enumerate(ids):
        # The largest of a group stays: 2, and 5.
        side = 40 if i in (2, 5) else 20
        pixels = rng.integers(0, 255, (side, side, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / name)
    pool = import_features(
        *(features, ids, tmp_path / "pool"), root=str(tmp_path / "images")
    )
    target = apis.import_features(features[[0, 5]] + 0.05, ["a", "b"])
    found = apis.deduplicate(pool, by="features", threshold=0.99)
    return pool, target, found.save(tmp_path / "alike")


def test_only_what_stays_is_selected(world, tmp_path):
    pool, target, alike = world
    assert read_duplicates(alike) == {
        **{f"{i}.png": "2.png" for i in range(3)},
        **{f"{i}.png": "5.png" for i in (5, 6)},
    }
    plain = apis.select(pool, target, 5)
    assert {"0.png", "1.png", "2.png", "5.png", "6.png"} == {*plain.image_ids}
    found = apis.select(pool, target, 5, duplicates=alike)
    assert {"0.png", "1.png", "6.png"}.isdisjoint(found.image_ids)
    assert {"2.png", "5.png"} < {*found.image_ids}
    assert dict(found.copies) == {
        "0.png": "2.png",
        "1.png": "2.png",
        "6.png": "5.png",
    }
    assert (
        found.summary["pool"]["copies"] == 3 and found.summary["pool"]["reachable"] == 9
    )
    assert "3 pool images are copies of others" in " ".join(found.notes)
    assert "copies in the pool" in found.table() and "left out" in found.page()
    folder = found.save(tmp_path / "out")
    assert apis.Selected.open(folder, pool, target).copies == found.copies
    assert "duplicates" in found.summary["inputs"]
    assert "duplicates" not in plain.summary["inputs"]


def test_where_what_stays_is_gone_the_next_one_does(world):
    pool, target, alike = world
    pool = remove_images(pool, ["2.png"])
    found = apis.select(pool, target, 9, duplicates=alike)
    assert "0.png" in found.image_ids and "1.png" not in found.image_ids
    assert dict(found.copies) == {"1.png": "0.png", "6.png": "5.png"}


def test_removed_images_are_no_copies(world):
    pool, _, _ = world
    pool = remove_images(pool, ["2.png", "6.png"])
    found = apis.deduplicate(pool, by="features", threshold=0.99)
    assert found.removed in ({"0.png": "1.png"}, {"1.png": "0.png"})
    assert {"2.png", "6.png"}.isdisjoint(found.image_ids)


def test_other_folders_are_refused(world, tmp_path):
    pool, target, alike = world
    with pytest.raises(UserError, match="holds no result of deduplicate"):
        apis.select(pool, target, 5, duplicates=tmp_path / "images")
    other = apis.import_features(pool.read(), [f"x{i}" for i in range(12)])
    with pytest.raises(UserError, match="is of other images"):
        apis.select(other, target, 5, duplicates=alike)
    changed = shutil.copytree(alike, tmp_path / "changed")
    (changed / "duplicates.csv").write_text("image,stays\n")
    with pytest.raises(UserError, match=r"duplicates\.csv"):
        apis.select(pool, target, 5, duplicates=changed)
