"""Every public set is read from a small copy by torchvision's own reader."""

import shutil

import pytest
import torch
from mmengine.dataset import pseudo_collate

from mmtaskssl.datasets import AbsentData, PublicImages
from mmtaskssl.datasets.public_sets import PUBLIC_SETS
from mmtaskssl.registry import DATASETS
from mmtaskssl.utils.errors import UserError
from tests._public_sets import COLOURS, MAKERS, accept_copies, make_public_sets

# Images of the copies: to train, to validate, to test.
SIZES = {
    "aircraft": (5, 4, 6),
    "caltech101": (75, 15, 6),
    "cars": (8, 2, 6),
    "cifar10": (18, 2, 6),
    "cifar100": (18, 2, 6),
    "dtd": (6, 4, 4),
    "flowers102": (4, 3, 6),
    "food101": (18, 2, 6),
    "imagenet": (6, 2, 4),
    "pets": (8, 2, 6),
    "places205": (6, 2, 4),
    "sun397": (8, 2, 6),
    "voc2007": (12, 12, 12),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        root = make_public_sets(tmp_path_factory.mktemp("data"))
        accept_copies(patch.setattr, root)
        yield root


def copy_of(root, tmp_path, folder):
    shutil.copytree(root / folder, tmp_path / folder)
    return tmp_path


def colour_of(sample):
    mean = sample["inputs"].float().mean(dim=(1, 2))
    return int((mean - torch.tensor(COLOURS)).abs().sum(1).argmin())


def test_all_sets_have_a_copy():
    assert PUBLIC_SETS.keys() == MAKERS.keys() == SIZES.keys()


@pytest.mark.parametrize("name", SIZES)
def test_splits(root, name):
    data = {
        split: PublicImages(name, root, split)
        for split in ("train", "val", "test", "train+val")
    }
    assert tuple(len(data[split]) for split in ("train", "val", "test")) == SIZES[name]
    ids = {split: set(part.image_ids) for split, part in data.items()}
    assert ids["train"] | ids["val"] == ids["train+val"]
    assert not ids["train"] & ids["val"] and not ids["train+val"] & ids["test"]
    for part in data.values():
        assert len(set(part.image_ids)) == len(part) == len(part.labels)
        assert part.class_names == data["test"].class_names
        assert part.metainfo["classes"] == tuple(part.class_names)


@pytest.mark.parametrize("name", sorted(SIZES.keys() - {"voc2007"}))
def test_images_are_of_their_class(root, name):
    """The copies' classes have a colour each, so a wrong row or label shows."""
    colours = {}
    for split in ("train", "val", "test"):
        data = PublicImages(name, root, split)
        for sample in data:
            assert sample["inputs"].dtype == torch.uint8
            colours.setdefault(sample["label"], set()).add(colour_of(sample))
        if name == "caltech101":
            break
    assert all(len(found) == 1 for found in colours.values())
    assert len(set(map(frozenset, colours.values()))) == len(colours) >= 2


@pytest.mark.parametrize("name", ["caltech101", "cifar10", "food101"])
def test_drawn_images_depend_on_the_seed_alone(root, name):
    first, again, other = (
        PublicImages(name, root, "val", seed=seed).image_ids for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other and len(first) == len(other)


def test_a_drawn_validation_part_has_every_class(root):
    data = PublicImages("food101", root, "val")
    assert data.labels == [0, 1]


def test_caltech_has_its_background_and_thirty_of_each_class(root):
    train = PublicImages("caltech101", root, "train+val")
    assert train.class_names == ["accordion", "wrench", "BACKGROUND_Google"]
    assert torch.tensor(train.labels).bincount().tolist() == [30, 30, 30]
    test = PublicImages("caltech101", root, "test")
    assert torch.tensor(test.labels).bincount().tolist() == [3, 1, 2]


def test_caltech_with_too_few_images(root, tmp_path):
    copy = copy_of(root, tmp_path, "caltech101")
    (copy / "caltech101/101_ObjectCategories/wrench/image_0001.jpg").unlink()
    with pytest.raises(UserError, match="wrench holds 30 images"):
        PublicImages("caltech101", copy, "test")


def test_sun_takes_the_images_of_its_list(root, tmp_path):
    copy = copy_of(root, tmp_path, "SUN397")
    listing = copy / "SUN397/Testing_01.txt"
    listing.write_text("/b/bar/indoor/sun_7.jpg\n/a/abbey/sun_5.jpg\n")
    data = PublicImages("sun397", copy, "test")
    assert data.image_ids == [
        "SUN397/b/bar/indoor/sun_7.jpg",
        "SUN397/a/abbey/sun_5.jpg",
    ]
    assert [data.class_names[label] for label in data.labels] == ["bar/indoor", "abbey"]
    listing.write_text("/a/abbey/sun_5.jpg\n/a/abbey/sun_99.jpg\n")
    with pytest.raises(UserError, match=r"sun_99.jpg does not.*_01.txt, line 2, lists"):
        PublicImages("sun397", copy, "test")


def test_voc_has_several_labels_and_open_ones(root):
    data = PublicImages("voc2007", root, "test")  # images 24 to 35
    assert data.class_names == ["aeroplane", "bicycle", "bird"]
    assert data.labels[0].tolist() == [1, 0, 0]
    assert data.labels[1].tolist() == [0, 1, -1]  # number 25 has a difficult bird
    batch = pseudo_collate([data[0], data[1]])
    assert torch.stack(batch["label"]).tolist() == [[1, 0, 0], [0, 1, -1]]
    assert colour_of(data[2]) == 26 % 3
    train = PublicImages("voc2007", root, "train+val")
    assert train.labels[5].tolist() == [-1, 0, 1]


def test_voc_has_no_shots(root):
    with pytest.raises(UserError, match="one label an image"):
        PublicImages("voc2007", root, shots=1)
    assert len(PublicImages("voc2007", root, "train", shots=None)) == 12


def test_a_malformed_list_of_voc(root, tmp_path):
    copy = copy_of(root, tmp_path, "VOCdevkit")
    listing = copy / "VOCdevkit/VOC2007/ImageSets/Main/bird_test.txt"
    listing.write_text("000024 -1\n000025 yes\n")
    with pytest.raises(UserError, match=r"bird_test.txt, line 2, is not IMAGE -1, 0"):
        PublicImages("voc2007", copy, "test")


def test_arrays_follow_their_rows(root):
    whole = PublicImages("cifar10", root, "train+val", store_size=None)
    part = PublicImages("cifar10", root, "train", store_size=None)
    row = whole.image_ids.index(part.image_ids[5])
    torch.testing.assert_close(whole[row]["inputs"], part[5]["inputs"])
    small = PublicImages("cifar10", root, "train", store_size=8, cache="ram")
    small.full_init()
    assert small[5]["inputs"].shape == (3, 8, 8)
    part.get_subset_([5, 0])
    torch.testing.assert_close(part[0]["inputs"], whole[row]["inputs"])


def test_a_part_of_a_public_set(root):
    cfg = {"type": "PublicImages", "name": "food101", "data_root": str(root)}
    data = DATASETS.build({**cfg, "shots": 3, "_scope_": "mmtaskssl"})
    assert data.labels == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("name", SIZES)
def test_an_absent_set_says_what_belongs_where(name, tmp_path):
    with pytest.raises(AbsentData, match=r"is not in .* does not exist; unpack") as e:
        PublicImages(name, tmp_path)
    assert str(tmp_path / PUBLIC_SETS[name].files[0]) in str(e.value)
    assert not list(tmp_path.iterdir())


def test_a_damaged_set(root, tmp_path):
    copy = copy_of(root, tmp_path, "cifar-10-batches-py")
    (copy / "cifar-10-batches-py/data_batch_3").write_bytes(b"cut short")
    with pytest.raises(UserError, match=r"CIFAR-10 in .* cannot be read .*official"):
        PublicImages("cifar10", copy)
    copy = copy_of(root, tmp_path, "Places205")
    listing = copy / "Places205/trainvalsplit_places205/val_places205.csv"
    listing.write_text("a/abbey/val_0.jpg 0\nb/bar/val_0.jpg\n")
    with pytest.raises(UserError, match=r"val_places205.csv, line 2"):
        PublicImages("places205", copy, "test")
    listing.write_text("a/abbey/elsewhere.jpg 0\n")
    with pytest.raises(UserError, match=r"Places205 lists .*elsewhere.jpg, which does"):
        PublicImages("places205", copy, "test")


def test_unsorted_validation_images_of_imagenet(root, tmp_path):
    copy = copy_of(root, tmp_path, "imagenet")
    source = copy / "imagenet/val/n01440764/n01440764_0.JPEG"
    source.rename(copy / "imagenet/val/ILSVRC2012_val_00000001.JPEG")
    with pytest.raises(UserError, match="sort the images into the class folders"):
        PublicImages("imagenet", copy, "test")


def test_unknown_names(root):
    with pytest.raises(UserError, match=r"no public set 'birds'; known are aircraft"):
        PublicImages("birds", root)
    with pytest.raises(UserError, match="split is one of train, val"):
        PublicImages("dtd", root, "validation")
