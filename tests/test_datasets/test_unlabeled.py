import pickle

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmtaskssl.datasets import UnlabeledImages, pack_images, read_image, unlabeled
from mmtaskssl.registry import DATASETS
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder


@pytest.fixture
def pool(tmp_path):
    """Ten images in two folders, of which a/001, a/002 and b/004 are broken."""
    root = make_image_folder(tmp_path / "pool", 5)
    for name in ("a/001", "a/002", "b/004"):
        (root / f"{name}.png").write_bytes(b"broken")
    return root


def _numbers(loader):
    """One number per sample that tells the images apart, in loading order."""
    return [x.double().mean().item() for batch in loader for x in batch["inputs"]]


@pytest.mark.parametrize("scope", ["mmtaskssl.", ""])
def test_sample(tmp_path, scope):
    root = make_image_folder(tmp_path, 2)
    data = DATASETS.build({"type": f"{scope}UnlabeledImages", "source": str(root)})
    assert len(data) == 4
    assert data.image_ids == ["a/000.png", "a/001.png", "b/000.png", "b/001.png"]
    sample = data[2]
    assert sample["sample_idx"] == 2
    assert sample["inputs"].dtype == torch.uint8
    expected = read_image(root / "b/000.png").transpose(2, 0, 1)
    np.testing.assert_array_equal(sample["inputs"].numpy(), expected)
    assert data[-1]["sample_idx"] == 3
    with pytest.raises(IndexError):
        data[4]


def test_store_size_shrinks(tmp_path):
    root = make_image_folder(tmp_path, 1, size=64)
    assert UnlabeledImages(root, store_size=24)[0]["inputs"].shape == (3, 24, 24)
    assert UnlabeledImages(root, store_size=None)[0]["inputs"].shape == (3, 64, 64)


def test_subset_keeps_the_given_order(tmp_path):
    data = UnlabeledImages(make_image_folder(tmp_path, 2))
    expected = [data[3]["inputs"], data[0]["inputs"]]
    data.get_subset_([3, 0])
    assert data.image_ids == ["b/001.png", "a/000.png"]
    for i in range(2):
        assert torch.equal(data[i]["inputs"], expected[i])


def test_broken_images_are_replaced_by_the_next_good_one(pool):
    data = UnlabeledImages(pool, max_broken=0.3)
    for index, replacement in ((1, 3), (2, 3), (9, 0)):
        assert torch.equal(data[index]["inputs"], data[replacement]["inputs"])
        assert data[index]["sample_idx"] == index
    assert data.broken_images == ["a/001.png", "a/002.png", "b/004.png"]


@pytest.mark.parametrize("collate", [pseudo_collate, pack_images])
def test_workers_change_nothing_and_report_broken_images(pool, collate):
    data = UnlabeledImages(pool, max_broken=0.3)
    alone = _numbers(DataLoader(data, 1, collate_fn=pseudo_collate))
    for workers in (0, 2):
        data = UnlabeledImages(pool, max_broken=0.3)
        loader = DataLoader(data, 1, collate_fn=collate, num_workers=workers)
        if collate is pack_images:
            got = [batch["inputs"].double().mean().item() for batch in loader]
        else:
            got = _numbers(loader)
        assert got == alone
        assert data.broken_images == ["a/001.png", "a/002.png", "b/004.png"]


@pytest.mark.parametrize("workers", [0, 1])
def test_too_many_broken_images_stop_with_one_sentence(pool, workers):
    data = UnlabeledImages(pool, max_broken=0.2)
    with pytest.raises(UserError) as error:
        _numbers(DataLoader(data, 2, collate_fn=pseudo_collate, num_workers=workers))
    assert str(error.value) == (
        f"3 of 10 images of {pool} are broken, more than the share max_broken=0.2"
        " allows; the first: a/001.png, a/002.png, b/004.png"
    )


def test_all_images_broken(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"every image of .* is broken"):
        UnlabeledImages(tmp_path, max_broken=1)[0]


def test_cache_gives_the_same_samples_without_the_files(pool):
    plain = UnlabeledImages(pool, max_broken=0.3)
    expected = [plain[i]["inputs"] for i in range(10)]
    cached = UnlabeledImages(pool, max_broken=0.3, cache="ram")
    cached.full_init()
    assert cached.broken_images == plain.broken_images
    for file in pool.rglob("*.png"):
        file.unlink()
    for i in range(10):
        assert torch.equal(cached[i]["inputs"], expected[i])


def test_cache_is_made_for_the_subset(pool):
    data = UnlabeledImages(pool, max_broken=0, cache="ram")
    data.get_subset_([0, 3])
    data.full_init()
    assert len(data) == 2
    assert data.broken_images == []


def test_cache_larger_than_memory_is_refused(tmp_path, monkeypatch):
    root = make_image_folder(tmp_path, 4)  # 8 images of 3 KiB
    monkeypatch.setattr(unlabeled, "available_memory", lambda: 20_000)
    with pytest.raises(UserError, match="cache='none'"):
        UnlabeledImages(root, cache="ram").full_init()
    monkeypatch.setattr(unlabeled, "available_memory", lambda: 40_000)
    UnlabeledImages(root, cache="ram").full_init()


def test_pickles(tmp_path):
    data = UnlabeledImages(make_image_folder(tmp_path, 1))
    copy = pickle.loads(pickle.dumps(data))
    assert torch.equal(copy[1]["inputs"], data[1]["inputs"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"store_size": 0}, "store_size"),
        ({"max_broken": 2}, "max_broken"),
        ({"cache": "disk"}, "cache"),
    ],
)
def test_bad_options(tmp_path, options, message):
    make_image_folder(tmp_path, 1)
    with pytest.raises(UserError, match=message):
        UnlabeledImages(tmp_path, **options)
