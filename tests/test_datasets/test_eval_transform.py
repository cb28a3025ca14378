"""The evaluation transform against torchvision's."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from mmtaskssl.datasets.eval_transform import EvalTransform, pixel_statistics
from mmtaskssl.datasets.images import BrokenImage
from mmtaskssl.utils.errors import UserError


@pytest.mark.parametrize("size", [(40, 60), (300, 200), (37, 37), (125, 100)])
def test_is_resize_and_centre_crop(size):
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (9, 7, 3)).astype(np.uint8)
    image = Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC)
    ours = EvalTransform(56).crop(np.asarray(image))
    reference = v2.Compose([v2.Resize(64), v2.CenterCrop(56)])(image)
    assert ours.shape == (56, 56, 3) and ours.dtype == np.uint8
    # torchvision truncates the longer side, this rounds it: the sizes need neither.
    difference = np.abs(ours.astype(int) - np.asarray(reference, dtype=int))
    assert difference.mean() < 1.5


def test_normalize():
    transform = EvalTransform(2, (10.0, 20.0, 30.0), (1.0, 2.0, 4.0))
    images = torch.tensor([12, 24, 38], dtype=torch.uint8).expand(1, 2, 2, 3)
    out = transform.normalize(images)
    assert out.shape == (1, 3, 2, 2) and out.dtype == torch.float32
    assert out[0, :, 0, 0].tolist() == [2, 2, 2]


def test_one_scale_for_both_conventions():
    fractions = pixel_statistics((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    levels = pixel_statistics((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    assert fractions == levels


def test_thin_image_and_broken_file(tmp_path):
    Image.new("RGB", (1, 300), (9, 9, 9)).save(tmp_path / "thin.png")
    assert EvalTransform(16).read(tmp_path / "thin.png").shape == (16, 16, 3)
    (tmp_path / "bad.png").write_bytes(b"no image")
    with pytest.raises(BrokenImage):
        EvalTransform(16).read(tmp_path / "bad.png")


@pytest.mark.parametrize(
    "arguments", [(0,), (8, (0.0,), (1.0,)), (8, (0.0,) * 3, (0.0,) * 3)]
)
def test_bad_arguments(arguments):
    with pytest.raises(UserError):
        EvalTransform(*arguments)


def test_a_reduced_decoding_is_another_transform(tmp_path):
    full, reduced = EvalTransform(16), EvalTransform(16, decode="reduced")
    assert "decode" not in full.describe() and "reduced" not in str(full)
    assert reduced.describe() == {**full.describe(), "decode": "reduced"}
    assert "JPEGs at reduced scale" in str(reduced)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.jpg")
    read = [one.read(tmp_path / "x.jpg").astype(int) for one in (full, reduced)]
    assert read[0].shape == read[1].shape and 0 < np.abs(read[0] - read[1]).mean() < 30
    with pytest.raises(UserError, match="decode must be one of full, reduced"):
        EvalTransform(16, decode="fast")
