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


@pytest.fixture
def uneven(tmp_path):
    make_image_folder(tmp_path, 20, classes=("ant", "bee"), size=4)
    return make_image_folder(tmp_path, 4, classes=("cat",), size=4)


def test_a_fraction_has_every_class(uneven):
    data = LabeledImages(uneven, fraction=0.1)
    assert data.labels == [0, 0, 1, 1, 2]  # 10 % of 20, of 20, and one of 4
    assert data[4]["label"] == 2 and len(data) == 5
    assert data.image_ids == LabeledImages(uneven, fraction=0.1).image_ids
    others = [LabeledImages(uneven, fraction=0.1, seed=s).image_ids for s in (1, 2)]
    assert data.image_ids != others[0] != others[1]
    more = LabeledImages(uneven, fraction=0.5)
    assert set(data.image_ids) < set(more.image_ids)
    assert more.labels.count(0) == 10 and more.labels.count(2) == 2


def test_a_draw_does_not_depend_on_order_or_on_other_classes(uneven, tmp_path):
    ids = LabeledImages(uneven).image_ids
    (tmp_path / "back.txt").write_text("\n".join(reversed(ids)))
    back = LabeledImages(tmp_path / "back.txt", root=str(uneven), shots=3)
    assert set(back.image_ids) == set(LabeledImages(uneven, shots=3).image_ids)
    (tmp_path / "ants.txt").write_text("\n".join(i for i in ids if "ant" in i))
    ants = LabeledImages(tmp_path / "ants.txt", root=str(uneven), shots=3)
    assert set(ants.image_ids) < set(back.image_ids)


def test_every_image_has_the_same_chance(uneven):
    counts = dict.fromkeys(LabeledImages(uneven).image_ids, 0)
    for seed in range(200):
        for name in LabeledImages(uneven, shots=2, seed=seed).image_ids:
            counts[name] += 1
    ants = [count for name, count in counts.items() if name.startswith("ant")]
    assert sum(ants) == 400 and min(ants) >= 8 and max(ants) <= 36  # 20 +- 4.2


def test_a_published_list(uneven, tmp_path):
    """SimCLR's lists have file names without folders."""
    keep = tmp_path / "1percent.txt"
    (uneven / "ant" / "000.png").rename(uneven / "ant" / "n1_7.png")
    keep.write_text("n1_7.png\nbee/003.png\n")
    data = LabeledImages(uneven, keep=str(keep))
    assert data.image_ids == ["ant/n1_7.png", "bee/003.png"] and data.labels == [0, 1]
    keep.write_text("n1_7.png\nn1_8.png\n")
    with pytest.raises(UserError, match=r"1 of the 2 .* such as n1_8\.png"):
        LabeledImages(uneven, keep=str(keep))
    keep.write_text("\n")
    with pytest.raises(UserError, match="is empty"):
        LabeledImages(uneven, keep=str(keep))
    with pytest.raises(UserError, match="cannot be read"):
        LabeledImages(uneven, keep=str(tmp_path / "none.txt"))


def test_parts_that_cannot_be_drawn(uneven):
    with pytest.raises(UserError, match=r"class cat .* 4 images, fewer than 5 shots"):
        LabeledImages(uneven, shots=5)
    with pytest.raises(UserError, match="not several"):
        LabeledImages(uneven, shots=5, fraction=0.1)
    with pytest.raises(UserError, match="fraction must be"):
        LabeledImages(uneven, fraction=0)
    with pytest.raises(UserError, match="shots must be"):
        LabeledImages(uneven, shots=0)
