import numpy as np
import pytest
from pycocotools import mask as coco_masks

from mmtaskssl.datasets.annotations.shapes import ShapeJudge

SIZE = (64, 48)


def levels(*shapes, size=SIZE):
    judge = ShapeJudge()
    for number, shape in enumerate(shapes):
        judge.add(str(number), shape, size)
    return [one.level for one in judge.findings("it")]


def compressed(pixels):
    runs = coco_masks.encode(np.asfortranarray(pixels.astype(np.uint8)))
    return {"size": runs["size"], "counts": runs["counts"].decode()}


@pytest.mark.parametrize("seed", range(4))
def test_run_lengths_that_pycocotools_writes(seed):
    rng = np.random.default_rng(seed)
    pixels = rng.random(SIZE[::-1]) < rng.random() ** 3
    whole = compressed(pixels)
    assert levels(whole, compressed(0 * pixels), compressed(0 * pixels + 1)) == []
    assert levels({**whole, "counts": whole["counts"][:-1]}) == ["error"]
    assert levels(whole, size=(SIZE[1], SIZE[0])) == ["error"]
    assert levels(whole, size=None) == []


def test_polygons():
    triangle = [[1, 2, 30, 2, 9, 9]]
    assert levels(triangle, [[1, 2], *triangle]) == []
    assert levels(triangle, triangle, [[1, 2, 3, 4]]) == ["warning"]
    assert levels([[1, 2, 3, 4]], "text") == ["error"]
    assert levels([["a"] * 6]) == ["error"]
    assert levels({"size": 3}, {"counts": [1]}) == ["error"]
    assert levels({"size": [48, 64], "counts": [3072.0]}) == ["error"]
