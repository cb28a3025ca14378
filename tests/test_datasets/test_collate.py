import torch

from mmtaskssl.datasets import pack_images
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
