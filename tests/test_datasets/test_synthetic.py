import torch

from mmtaskssl.datasets import SyntheticImages


def test_images_depend_on_seed_and_number_alone():
    first, second = SyntheticImages(8, size=16), SyntheticImages(4, size=16)
    assert len(first) == 8
    for i in range(4):
        assert torch.equal(first[i]["inputs"], second[i]["inputs"])
    other = SyntheticImages(8, size=16, seed=1)
    assert not torch.equal(first[0]["inputs"], other[0]["inputs"])


def test_protocol():
    data = SyntheticImages(6, num_classes=3, size=16)
    assert data.labels == [0, 1, 2, 0, 1, 2]
    assert data[4]["label"] == 1
    assert data[4]["inputs"].shape == (3, 16, 16)
    assert data[4]["inputs"].dtype == torch.uint8
    expected = data[4]["inputs"]
    data.get_subset_([4, 2])
    assert data.image_ids == ["synthetic/000004", "synthetic/000002"]
    assert data.labels == [1, 2]
    assert torch.equal(data[0]["inputs"], expected)


def test_classes_differ_in_colour():
    data = SyntheticImages(40, num_classes=4, size=16)
    colours = torch.stack([data[i]["inputs"].float().mean((1, 2)) for i in range(40)])
    labels = torch.tensor(data.labels)
    centres = torch.stack([colours[labels == label].mean(0) for label in range(4)])
    assert (torch.cdist(colours, centres).argmin(1) == labels).float().mean() > 0.9
