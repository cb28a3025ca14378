import numpy as np
import pytest
from PIL import Image

from mmtaskssl.features.copies import KINDS, copy_names
from mmtaskssl.features.importing import import_features
from mmtaskssl.features.layout import COPIES
from mmtaskssl.utils.errors import UserError
from studies.leaks import measure_features, measure_pixels, table
from tests.test_selection._pictures import picture


def make_store(path, root, ids):
    features = np.random.default_rng(0).standard_normal((len(ids), 8))
    np.save(path.with_suffix(".npy"), features.astype(np.float32))
    path.parent.mkdir(exist_ok=True)
    return import_features(
        path.with_suffix(".npy"), ids, path, root=str(root), extractor="e"
    )


@pytest.fixture
def stores(tmp_path):
    for name, count, first in (("pool", 12, 100), ("test", 10, 0)):
        (tmp_path / name).mkdir()
        for i in range(count):
            image = Image.fromarray(picture(first + i))
            image.save(tmp_path / name / f"{i}.png")
    # One pool image is a test image.
    Image.fromarray(picture(3)).save(tmp_path / "pool" / "7.png")
    pool = make_store(
        tmp_path / "p", tmp_path / "pool", [f"{i}.png" for i in range(12)]
    )
    test = make_store(
        tmp_path / "t", tmp_path / "test", [f"{i}.png" for i in range(10)]
    )
    return pool, test


def test_what_is_found_and_what_is_dropped(stores):
    pool, test = stores
    with pytest.raises(UserError, match="--leak-copies"):
        measure_pixels(pool, test, 4, 12)
    make_store(test.path / COPIES, test.root, copy_names(test.image_ids))
    found = measure_pixels(pool, test, 4, 12)
    assert found["copied"] == 4 and set(found["found"]) == set(KINDS)
    assert min(found["found"].values()) == 1.0
    assert [pair[:2] for pair in found["dropped"]] == [["7.png", "3.png"]]
    by_features = measure_features(pool, test)
    # Features drawn anew for each copy find mirrored ones only, which are known.
    assert by_features["found"]["flip"] == 1.0 and by_features["found"]["crop"] == 0
    lines = table({"mine": found}).splitlines()
    assert lines[-1].count("100.0 (") == len(KINDS)
