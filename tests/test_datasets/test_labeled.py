import pytest

from mmtaskssl.datasets import LabeledImages
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder


def test_labels_are_the_folders(tmp_path):
    root = make_image_folder(tmp_path, 2, classes=("cat", "ant"))
    data = LabeledImages(root)
    assert data.class_names == ["ant", "cat"]
    assert data.labels == [0, 0, 1, 1]
    assert data[2]["label"] == 1
    assert data[2]["sample_idx"] == 2
    assert data.metainfo["classes"] == ("ant", "cat")
    data.get_subset_([3, 0])
    assert [data[0]["label"], data[1]["label"]] == [1, 0]


def test_given_classes_keep_their_numbers(tmp_path):
    root = make_image_folder(tmp_path, 1, classes=("cat",))
    assert LabeledImages(root, class_names=["ant", "cat"]).labels == [1]
    with pytest.raises(UserError, match="cat"):
        LabeledImages(root, class_names=["ant"])


def test_an_image_outside_the_class_folders(tmp_path):
    make_image_folder(tmp_path, 1, classes=())
    with pytest.raises(UserError, match="class folder"):
        LabeledImages(tmp_path)
