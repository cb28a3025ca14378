"""The arm of the target's clusters: its images, and when there is none."""

from types import SimpleNamespace

import numpy as np
import pytest

from mmtaskssl.customize.arms.arm import Case
from mmtaskssl.customize.arms.known import ARMS
from tests.test_clustering._stores import make_store, planted

_SIZES = [80] * 16


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Features of a pool of sixteen kinds, and which kind each image is of."""
    root = tmp_path_factory.mktemp("specialist")
    features, label = planted(_SIZES, dim=48)
    return root, make_store(root / "pool", features), features, label


def _case(place, rows, folder, pool=None):
    root, store, features, _ = place
    target = make_store(root / folder, features[rows] + 0.01)
    found = SimpleNamespace(pool_root="/pool")
    counts = {"pool": pool or len(features)}
    body = SimpleNamespace(start=SimpleNamespace(name="Lite0"), side=40)
    (root / f"out-{folder}").mkdir()
    return Case(
        *(found, None, body, None, {}, counts),
        stores=(store, target),
        folder=root / f"out-{folder}",
    )


def test_it_trains_on_all_images_of_the_targets_clusters(place):
    label = place[3]
    rows = np.flatnonzero(np.isin(label, [3, 11]))[::8]
    arm, case = ARMS["specialist"], _case(place, rows, "near")
    assert arm.refuses(case) is None
    images = arm.train_images(case)
    chosen = images.selection.read_text().split()
    assert sorted(chosen) == [f"{i:05d}.png" for i in np.flatnonzero(
        np.isin(label, [3, 11])
    )]  # fmt: skip
    assert images.count == 160 and images.root == "/pool"
    # Read from what was found before.
    assert arm.train_images(case).selection == images.selection
    assert "the clusters of the pool that the target lies in" in arm.what(case)


def test_there_is_none_for_a_target_that_lies_everywhere(place):
    rows = np.arange(0, len(place[3]), 7)
    case = _case(place, rows, "everywhere")
    assert "spread over more than half" in ARMS["specialist"].refuses(case)
    few = _case(place, rows, "few", pool=500)
    assert ARMS["specialist"].refuses(few) == "a pool of 500 images has no 16 parts"
