"""Tasks and pools that lie under addresses, and clusters of parts of images."""

import fsspec
import pytest

from mmtaskssl import apis
from mmtaskssl.clustering.cluster_sample import ClusterSample
from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.utils.families import FileMissing, ImagesMismatch
from tests._images import make_image_folder
from tests.test_routing._routed import make_clusters, write_files


@pytest.fixture
def bucket(tmp_path):
    """The pool of clusters and a task, in folders and under the same addresses."""
    make_clusters(tmp_path)
    make_image_folder(tmp_path / "task" / "train", 4, ("a", "b"), size=20)
    system = fsspec.filesystem("memory")
    for name in ("pool", "task"):
        system.put(str(tmp_path / name), f"/bucket/{name}", recursive=True)
    yield tmp_path
    system.rm("/bucket", recursive=True)


def moved(clusters, root, ids=None):
    ids = clusters.image_ids if ids is None else ids
    return Clusters(clusters.tree, ids, root, clusters.leaf, clusters.paths)


def test_what_lies_under_addresses_is_routed_alike(bucket):
    near = Clusters.open(bucket / "clusters")
    far = moved(near, "memory://bucket/pool")
    config, checkpoint, _ = write_files(bucket)
    network = bucket / "calibrated.pth"
    apis.calibrate((config, checkpoint), clusters=near, num_images=3).save(network)
    near, far = (
        apis.route((config, network), task, clusters, router="shortlist", shortlist=3)
        for task, clusters in ((bucket / "task", near), ("memory://bucket/task", far))
    )
    rows = [[(str(c.subnet), c.score) for c in one.ranking] for one in (near, far)]
    assert rows[0] == rows[1]


def test_clusters_of_objects_have_no_images_to_calibrate_on(tmp_path):
    clusters = make_clusters(tmp_path)
    ids = [f"{image}@1,1,9,9" for image in clusters.image_ids]
    parts = moved(clusters, clusters.root, ids)
    with pytest.raises(ImagesMismatch, match="take the features of whole images"):
        ClusterSample(parts, EvalTransform(16), 2)


def test_clusters_are_named_by_their_address():
    with pytest.raises(FileMissing, match="clusters memory://bucket/c does not exist"):
        Clusters.open("memory://bucket/c")
