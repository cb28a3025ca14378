import numpy as np
import pytest

from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.clustering.images import ClusteredImages
from mmtaskssl.clustering.paths import make_paths
from mmtaskssl.datasets import SelectedImages, SyntheticImages
from mmtaskssl.utils.errors import UserError

TREE = (2, 2, 1, 1)


def synthetic(num_images=12):
    return SyntheticImages(num_images=num_images, num_classes=4, size=8)


def save_clusters(folder, ids, leaf, tree=TREE):
    leaf = np.array(leaf, dtype=np.int32)
    Clusters(tree, ids, "", leaf, make_paths(tree)).save(folder)
    return str(folder)


def test_labels_as_clusters():
    data = ClusteredImages(synthetic(), "labels", TREE)
    assert len(data) == 12
    assert data.leaf.tolist() == [0, 1, 2, 3] * 3
    # The coarse digit is the last stage's group.
    assert [data[i]["path"] for i in range(4)] == [
        "0.0.0.0",
        "0.0.1.0",
        "0.0.0.1",
        "0.0.1.1",
    ]
    assert data[5]["part"] == 0
    assert data[(5, 2)]["part"] == 2
    assert (data[(5, 2)]["inputs"] == synthetic()[5]["inputs"]).all()


def test_members_of_full_and_partial_paths():
    data = ClusteredImages(synthetic(), "labels", TREE)
    assert data.members((-1, -1, 1, 0)).tolist() == [1, 5, 9]
    assert data.members((-1, -1, -1, 1)).tolist() == [2, 3, 6, 7, 10, 11]
    assert data.count((-1, -1, -1, 1)) == 6
    with pytest.raises(UserError, match="does not have"):
        data.members((-1, -1, -1, 2))


def test_folder_of_clusters_in_another_order(tmp_path):
    inner = synthetic(4)
    ids = [*inner.image_ids[::-1], "other.jpg"]
    folder = save_clusters(tmp_path / "c", ids, [3, -1, 1, 0, 2])
    data = ClusteredImages(inner, folder)
    assert data.leaf.tolist() == [0, 1, -1, 3]
    assert data[2]["path"] == ""  # without a cluster, in batches of all images only
    assert data.members((-1, -1, -1, -1)).tolist() == [0, 1, 3]


def test_selection_of_a_clustered_set(tmp_path):
    inner = synthetic()
    chosen = [inner.image_ids[i] for i in (7, 2)]
    (tmp_path / "chosen.txt").write_text("\n".join(chosen))
    clustered = ClusteredImages(inner, "labels", TREE)
    data = SelectedImages(clustered, str(tmp_path / "chosen.txt"))
    assert data.leaf.tolist() == [3, 2]
    assert data[(0, 1)]["path"] == "0.0.1.1"
    assert data.members((-1, -1, -1, 1)).tolist() == [0, 1]


def test_bad_input(tmp_path):
    with pytest.raises(UserError, match="holds no clusters"):
        ClusteredImages(synthetic(), str(tmp_path))
    with pytest.raises(UserError, match="needs a tree"):
        ClusteredImages(synthetic(), "labels")
    folder = save_clusters(tmp_path / "c", synthetic(8).image_ids, [0, 1, 2, 3] * 2)
    with pytest.raises(UserError, match="4 of 12 images are not in the clusters"):
        ClusteredImages(synthetic(), folder)
    with pytest.raises(UserError, match="leave out tree"):
        ClusteredImages(synthetic(8), folder, TREE)
