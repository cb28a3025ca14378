"""Every operation against a per-image reference, on both ways to make views."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter, ImageOps
from torchvision.transforms import functional as reference

from mmtaskssl.models.preprocessors import opencv_views, tensor_views
from mmtaskssl.models.preprocessors.draws import ORDERS, draw_view, plain_view
from mmtaskssl.models.preprocessors.recipes import RECIPES
from mmtaskssl.models.preprocessors.tensor_crops import line_weights, plan_crops
from mmtaskssl.utils.copies import send

ONE, ZERO = torch.ones(3, 1, 1), torch.zeros(3, 1, 1)
SIZES = [(40, 56), (90, 70), (33, 33), (64, 120), (20, 24), (150, 151)]


def _images(sizes=SIZES):
    """Smooth colour images with some noise, (3, H, W) uint8."""
    rng = np.random.default_rng(0)
    images = []
    for height, width in sizes:
        small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        large = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))
        noisy = np.clip(large + rng.normal(0, 8, large.shape), 0, 255).astype(np.uint8)
        images.append(torch.from_numpy(noisy).permute(2, 0, 1))
    return images


def _sizes(images):
    return np.array([image.shape[1:] for image in images])


def _by_opencv(images, draws, size, mode="bilinear", scale=ONE, bias=ZERO):
    out = torch.full((len(images), 3, size, size), torch.nan)
    opencv_views.fill_views(out, images, draws, mode, scale, bias)
    return out


def _by_tensors(images, draws, size, mode="bilinear", scale=ONE, bias=ZERO):
    out = torch.full((len(images), 3, size, size), torch.nan)
    pixels = torch.cat([image.permute(1, 2, 0).reshape(-1, 3) for image in images])
    sizes = _sizes(images)
    tensor_views.fill_views(out, pixels, sizes, [draws], [mode], scale, bias)
    return out


WAYS = pytest.mark.parametrize("make", [_by_opencv, _by_tensors])


def _square(side=48):
    """One image whose plain view at its own size is itself, and its neutral draws."""
    images = _images([(side, side)])
    return images, plain_view(np.array([[side, side]]), 1.0)


def _pil(image):
    return Image.fromarray(image.permute(1, 2, 0).numpy())


def _levels(image):
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float()


@WAYS
def test_neutral_draws_change_nothing(make):
    images, draws = _square()
    assert torch.equal(make(images, draws, 48)[0], images[0].float())


@WAYS
def test_scale_and_bias(make):
    images, draws = _square()
    scale, bias = torch.rand(3, 1, 1), torch.rand(3, 1, 1)
    view = make(images, draws, 48, scale=scale, bias=bias)[0]
    torch.testing.assert_close(view, images[0] * scale + bias)


# Both round to whole levels after each of two passes, but Pillow takes the vertical one
# first where that is cheaper: a level apart here and there.
@WAYS
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [16, 48])
def test_crops_are_pillows(make, mode, size):
    images = _images()
    sizes = _sizes(images)
    draws = draw_view(RECIPES["mocov2"][0], sizes, np.random.default_rng(3))
    draws.order[:] = -1
    draws.sigma[:] = 0
    draws.grey[:] = False
    draws.flip = np.arange(len(images)) % 2 == 0
    views = make(images, draws, size, mode)
    resample = Image.Resampling[mode.upper()]
    for image, box, flip, view in zip(
        images, draws.boxes.tolist(), draws.flip, views, strict=True
    ):
        top, left, height, width = box
        crop = _pil(image).crop((left, top, left + width, top + height))
        expected = crop.resize((size, size), resample)
        if flip:
            expected = ImageOps.mirror(expected)
        difference = (view - _levels(expected)).abs()
        assert difference.max() <= 2
        assert difference.mean() < 0.35


@WAYS
@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("share", [0.0, 0.25, 0.8, 1.0])
def test_colour_operations_are_torchvisions(make, number, share):
    images, draws = _square()
    low, high = ((0.2, 1.8), (0.2, 1.8), (0.2, 1.8), (-0.5, 0.5))[number]
    factor = low + share * (high - low)
    draws.factors[:, number] = factor
    draws.order[:] = 0
    adjust = (
        reference.adjust_brightness,
        reference.adjust_contrast,
        reference.adjust_saturation,
        reference.adjust_hue,
    )[number]
    view = make(images, draws, 48)[0]
    # torchvision rounds red's share of grey to 0.2989, which is up to 0.03 levels
    expected = 255 * adjust(images[0] / 255, factor)
    torch.testing.assert_close(view, expected, rtol=0, atol=0.1)
    # Pillow works on whole levels, and with 256 hues.
    rounded = adjust(_pil(images[0]), factor)
    assert (view - _levels(rounded)).abs().mean() < (3 if number == 3 else 1)


@WAYS
@pytest.mark.parametrize("order", [0, 5, 13, 23])
def test_jitter_keeps_the_drawn_order(make, order):
    images, draws = _square()
    factors = (1.4, 1.3, 0.4, 0.1)
    draws.factors[:] = factors
    draws.order[:] = order
    adjust = (
        reference.adjust_brightness,
        reference.adjust_contrast,
        reference.adjust_saturation,
        reference.adjust_hue,
    )
    expected = images[0] / 255
    for number in ORDERS[order]:
        expected = adjust[number](expected, factors[number])
    view = make(images, draws, 48)[0]
    torch.testing.assert_close(view, 255 * expected, rtol=0, atol=0.2)


@WAYS
def test_grey_pixels_have_no_hue(make):
    images = [torch.full((3, 8, 8), 77, dtype=torch.uint8)]
    draws = plain_view(np.array([[8, 8]]), 1.0)
    draws.factors[:] = (1, 1, 1, 0.3)
    draws.order[:] = 0
    torch.testing.assert_close(make(images, draws, 8)[0], images[0].float())


@WAYS
def test_grey_is_pillows(make):
    images, draws = _square()
    draws.grey = np.array([True])
    expected = _levels(_pil(images[0]).convert("L").convert("RGB"))
    assert (make(images, draws, 48)[0] - expected).abs().max() <= 0.51


@WAYS
def test_solarise_is_pillows(make):
    images, draws = _square()
    draws.solarise = np.array([True])
    expected = _levels(ImageOps.solarize(_pil(images[0]), 128))
    torch.testing.assert_close(make(images, draws, 48)[0], expected)


@WAYS
@pytest.mark.parametrize("sigma", [0.1, 0.5, 1.0, 2.0])
def test_blur_is_gaussian(make, sigma):
    images, draws = _square()
    draws.sigma = np.array([sigma])
    reach = 12
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = torch.outer(taps, taps) / taps.sum() ** 2
    padded = torch.nn.functional.pad(
        images[0][None].float(), (reach,) * 4, mode="replicate"
    )
    expected = torch.nn.functional.conv2d(padded.transpose(0, 1), kernel[None, None])
    view = make(images, draws, 48)[0]
    # Both stop at 3 sigma: 0.3 % of the weight of the whole range of values.
    torch.testing.assert_close(view, expected[:, 0], rtol=0, atol=1.0)
    pillows = _pil(images[0]).filter(ImageFilter.GaussianBlur(sigma))
    assert (view - _levels(pillows)).abs().mean() < 1.5


@pytest.mark.parametrize("preset", ["mocov2", "byol"])
@pytest.mark.parametrize("view", [0, 1])
def test_both_ways_agree(preset, view):
    images = _images(SIZES * 8)
    sizes = _sizes(images)
    recipe = RECIPES[preset][view]
    draws = draw_view(recipe, sizes, np.random.default_rng(1))
    first = _by_opencv(images, draws, 40, recipe.interpolation)
    second = _by_tensors(images, draws, 40, recipe.interpolation)
    difference = (first - second).abs()
    # One level of the crop, which contrast and hue may stretch; and solarisation
    # turns 127 | 128 into 127 | 127 whichever side a level falls.
    assert difference.max() < 8
    assert difference.mean() < 0.1


@WAYS
def test_samples_do_not_depend_on_their_batch(make):
    images = _images()
    sizes = _sizes(images)
    draws = draw_view(RECIPES["byol"][1], sizes, np.random.default_rng(2))
    together = make(images, draws, 24)
    for i in range(len(images)):
        one = type(draws)(
            **{name: value[i : i + 1] for name, value in vars(draws).items()}
        )
        torch.testing.assert_close(
            make(images[i : i + 1], one, 24)[0], together[i], rtol=0, atol=0.01
        )


def test_images_are_left_alone():
    images = _images()
    before = [image.clone() for image in images]
    sizes = _sizes(images)
    draws = draw_view(RECIPES["byol"][1], sizes, np.random.default_rng(2))
    _by_opencv(images, draws, 24)
    _by_tensors(images, draws, 24)
    for a, b in zip(before, images, strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("length", [2, 5, 24, 61])
def test_lines_are_pillows(mode, length):
    sizes = np.array([[length, 64], [64, length]])
    draws = plain_view(sizes, 1.0)
    draws.boxes[:] = [[0, 0, length, 64], [0, 0, 64, length]]
    cubic = np.array([mode == "bicubic"] * 2)
    starts = np.array([0, 64 * length])
    plan = plan_crops(sizes, starts, 128 * length, draws, cubic, 24)
    index, weights = line_weights(plan, send(plan.arrays, torch.device("cpu")))
    assert index.shape == (2, 2, 24, plan.taps)
    line = torch.rand(length, generator=torch.Generator().manual_seed(0))
    expected = Image.fromarray(line.numpy()[None])
    expected = expected.resize((24, 1), Image.Resampling[mode.upper()])
    expected = torch.from_numpy(np.array(expected))[0]
    for axis in range(2):
        matrix = torch.zeros(24, length + plan.taps)
        row = plan.arrays["place"].tolist().index(axis)
        columns = index[axis, row] - int(plan.arrays["shift"][axis, row])
        matrix.scatter_(1, columns, weights[axis, row])
        assert (matrix[:, length:] == 0).all()
        torch.testing.assert_close(matrix[:, :length] @ line, expected)
