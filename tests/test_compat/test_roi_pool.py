"""RoI pooling, against its definition: maxima of the cells that a bin touches."""

import math

import torch
from mmcv.ops import roi_pool
from torch.autograd import gradcheck

ROIS = torch.tensor(
    [[0, 2, 1, 11, 9], [1, -5, -6, 4, 25], [0, 3, 3, 1, 9], [1, 40, 40, 50, 50]],
    dtype=torch.float64,
)
SIZE, SCALE = (3, 2), 0.5


def _map():
    generator = torch.Generator().manual_seed(0)
    cells = torch.randperm(2 * 2 * 6 * 7, generator=generator)
    return (cells.double() - 200).view(2, 2, 6, 7)


def _slow(x):
    output = torch.zeros(len(ROIS), x.shape[1], *SIZE, dtype=torch.float64)
    for r, (image, *box) in enumerate(ROIS.tolist()):
        left, top = box[0] * SCALE, box[1] * SCALE
        width, height = ((box[2 + k] + 1 - box[k]) * SCALE for k in range(2))
        if width <= 0 or height <= 0:
            continue
        for i in range(SIZE[0]):
            for j in range(SIZE[1]):
                rows = range(
                    max(math.floor(top + i * height / SIZE[0]), 0),
                    min(math.ceil(top + (i + 1) * height / SIZE[0]), x.shape[2]),
                )
                columns = range(
                    max(math.floor(left + j * width / SIZE[1]), 0),
                    min(math.ceil(left + (j + 1) * width / SIZE[1]), x.shape[3]),
                )
                for c in range(x.shape[1]):
                    cells = [x[int(image), c, y, z] for y in rows for z in columns]
                    output[r, c, i, j] = max(cells, default=0)
    return output


def test_equals_the_slow_loop():
    expected = _slow(_map())
    torch.testing.assert_close(roi_pool(_map(), ROIS, SIZE, SCALE), expected)
    assert (expected[0] < 0).any() and not expected[2:].any()


def test_gradient():
    x = _map().requires_grad_()
    assert gradcheck(lambda x: roi_pool(x, ROIS, SIZE, SCALE), x)


def test_a_region_of_the_whole_map_is_the_map():
    x = torch.tensor([[[[1.0, 2], [3, 4]]]], requires_grad=True)
    rois = torch.tensor([[0.0, 0, 0, 1, 1]])
    output = roi_pool(x, rois, (2, 2), 1.0)
    assert torch.equal(output, x)
    output.sum().backward()
    assert torch.equal(x.grad, torch.ones_like(x))


def test_no_regions_and_half_precision():
    x = _map().half()
    assert roi_pool(x, ROIS[:0].half(), SIZE, SCALE).shape == (0, 2, 3, 2)
    actual = roi_pool(x, ROIS.half(), SIZE, SCALE)
    torch.testing.assert_close(actual.double(), _slow(_map()))
