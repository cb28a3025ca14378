"""Border align, against its definition: the maximum of places along a box's side."""

import torch
from mmcv.ops import BorderAlign, border_align
from torch.autograd import gradcheck

POOL = 3
BOXES = torch.tensor(
    [
        [[0.3, 0.4, 3.7, 2.9], [1.0, 1.0, 1.0, 1.0]],
        [[-2.6, 1.2, 6.3, 8.1], [0.1, -0.6, 2.2, 3.4]],
    ],
    dtype=torch.float64,
)


def _map():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 8, 4, 5, dtype=torch.float64, generator=generator)


def _sample(plane, y, x):
    height, width = plane.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return 0.0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    value = 0.0
    for row in range(height):
        for column in range(width):
            share = max(1 - abs(y - row), 0) * max(1 - abs(x - column), 0)
            value += share * plane[row, column].item()
    return value


def _slow(x):
    output = torch.zeros(2, 2, 2, 4, dtype=torch.float64)
    for n, c, k in torch.cartesian_prod(*map(torch.arange, (2, 2, 2))).tolist():
        x1, y1, x2, y2 = BOXES[n, k].tolist()
        ends = {
            0: ((x1, y1), (x2, y1)),  # top
            1: ((x1, y1), (x1, y2)),  # left
            2: ((x2, y2), (x1, y2)),  # bottom
            3: ((x2, y2), (x2, y1)),  # right
        }
        for side, (start, end) in ends.items():
            plane = x[n, side * 2 + c]
            output[n, c, k, side] = max(
                _sample(
                    plane,
                    start[1] + i / POOL * (end[1] - start[1]),
                    start[0] + i / POOL * (end[0] - start[0]),
                )
                for i in range(POOL + 1)
            )
    return output


def test_equals_the_slow_loop():
    torch.testing.assert_close(border_align(_map(), BOXES, POOL), _slow(_map()))


def test_gradient():
    x = _map().requires_grad_()
    assert gradcheck(lambda x: border_align(x, BOXES, POOL), x)


def test_half_precision():
    actual = BorderAlign(POOL)(_map().bfloat16(), BOXES.bfloat16())
    assert actual.dtype == torch.bfloat16
    torch.testing.assert_close(actual.double(), _slow(_map()), rtol=0.1, atol=0.1)
