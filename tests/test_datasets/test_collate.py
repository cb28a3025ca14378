import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmtaskssl.datasets import SyntheticImages, pack_images
from mmtaskssl.datasets.collate import count_images
from mmtaskssl.registry import FUNCTIONS


def test_packs_images_row_by_row():
    a = torch.arange(2 * 3 * 3, dtype=torch.uint8).view(2, 3, 3).permute(2, 0, 1)
    b = torch.full((3, 1, 2), 7, dtype=torch.uint8)
    batch = pack_images(
        [
            {"inputs": a, "sample_idx": 4, "name": "a"},
            {"inputs": b, "sample_idx": 1, "name": "b"},
        ]
    )
    assert batch["sizes"].tolist() == [[2, 3], [1, 2]]
    assert batch["inputs"].tolist() == [
        *torch.arange(18).view(6, 3).tolist(),
        [7, 7, 7],
        [7, 7, 7],
    ]
    assert batch["sample_idx"].tolist() == [4, 1]
    assert batch["name"] == ["a", "b"]


def test_is_registered():
    assert FUNCTIONS.get("pack_images") is pack_images


def test_labels_of_several_classes_are_one_tensor():
    labels = [torch.tensor([0, 1, -1], dtype=torch.int8) for _ in range(2)]
    image = torch.zeros(3, 2, 2, dtype=torch.uint8)
    batch = pack_images([{"inputs": image, "label": label} for label in labels])
    assert torch.equal(batch["label"], torch.stack(labels))
    ragged = pack_images([{"inputs": image, "box": torch.zeros(n, 4)} for n in (1, 2)])
    assert [len(box) for box in ragged["box"]] == [1, 2]


@pytest.mark.parametrize("count", [1, 5])
def test_counts_images_however_they_are_collated(count):
    data = SyntheticImages(count, size=7)
    samples = [data[i] for i in range(count)]
    assert count_images(pack_images(samples)) == count
    assert count_images(pseudo_collate(samples)) == count
    stacked = torch.stack([sample["inputs"] for sample in samples])
    assert count_images({"inputs": stacked}) == count
    assert count_images({"inputs": [stacked, stacked]}) == count  # two views


def test_a_worker_hands_over_few_tensors():
    """Each is a file descriptor while it waits."""
    loader = DataLoader(SyntheticImages(64), 64, collate_fn=pack_images, num_workers=1)
    (batch,) = loader
    alone = pack_images([loader.dataset[i] for i in range(64)])
    assert set(batch) == set(alone)
    for key, value in batch.items():
        assert isinstance(value, torch.Tensor)
        assert torch.equal(value, alone[key])
