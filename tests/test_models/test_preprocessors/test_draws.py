"""The parameters of the views follow torchvision's distributions."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torchvision.transforms import RandomResizedCrop

from mmtaskssl.models.preprocessors.draws import ORDERS, draw_crops, draw_view
from mmtaskssl.models.preprocessors.recipes import RECIPES, ViewRecipe, build_recipes
from mmtaskssl.utils.errors import UserError

RATIO = (3 / 4, 4 / 3)


def _generator():
    return np.random.default_rng(0)


def _crops(height, width, count, scale=(0.2, 1.0), ratio=RATIO):
    sizes = np.tile([height, width], (count, 1))
    return torch.from_numpy(draw_crops(sizes, scale, ratio, _generator())).double()


# The second needs several tries for most crops, the third mostly falls back.
@pytest.mark.parametrize(
    ("size", "scale"),
    [((64, 64), (0.2, 1.0)), ((40, 90), (0.2, 1.0)), ((20, 90), (0.2, 1.0))],
)
def test_crops_are_distributed_as_torchvisions(size, scale):
    count = 4000
    mine = _crops(*size, count, scale)
    torch.manual_seed(1)
    image = torch.empty(3, *size)
    theirs = torch.tensor(
        [RandomResizedCrop.get_params(image, scale, RATIO) for _ in range(count)]
    ).double()
    for power in (1, 2):  # means of top, left, height, width and of their squares
        a, b = mine**power, theirs**power
        error = ((a.var(0) + b.var(0)) / count).sqrt().clamp_min(1e-9)
        assert ((a.mean(0) - b.mean(0)).abs() / error).max() < 4
    # Two-sample Kolmogorov-Smirnov distance; 0.1 % level for 4,000 and 4,000.
    for a, b in zip(mine.T, theirs.T, strict=True):
        grid = torch.arange(0, max(size) + 1).double()
        cdfs = [(x[:, None] <= grid).double().mean(0) for x in (a, b)]
        assert (cdfs[0] - cdfs[1]).abs().max() < 1.95 * (2 / count) ** 0.5


def test_crops_lie_within_images_of_different_sizes():
    sizes = np.random.default_rng(1).integers(1, 50, (2000, 2))
    top, left, height, width = draw_crops(sizes, (0.08, 1), RATIO, _generator()).T
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (height >= 1).all()
    assert (width >= 1).all()
    assert (top + height <= sizes[:, 0]).all()
    assert (left + width <= sizes[:, 1]).all()


@pytest.mark.parametrize("size", [(10, 100), (100, 10), (7, 11), (1, 1)])
def test_fallback_is_torchvisions_centre(size):
    # No crop can have three times the area.
    box = _crops(*size, 3, scale=(3.0, 3.0)).long()
    expected = RandomResizedCrop.get_params(torch.empty(3, *size), (3.0, 3.0), RATIO)
    assert box.tolist() == [list(expected)] * 3


def _draws(recipe, count=20_000):
    draws = draw_view(recipe, np.full((count, 2), 32), _generator())
    return SimpleNamespace(
        **{name: torch.from_numpy(value) for name, value in vars(draws).items()}
    )


def test_probabilities_and_ranges():
    recipe = replace(
        ViewRecipe(),
        flip=0.3,
        jitter=0.7,
        brightness=0.1,
        contrast=0.2,
        saturation=0.3,
        hue=0.4,
        grey=0.25,
        blur=0.6,
        blur_sigma=(0.5, 1.5),
        solarise=0.15,
    )
    draws = _draws(recipe)
    for flags, probability in (
        (draws.flip, 0.3),
        (draws.order >= 0, 0.7),
        (draws.grey, 0.25),
        (draws.sigma > 0, 0.6),
        (draws.solarise, 0.15),
    ):
        error = (probability * (1 - probability) / len(flags)) ** 0.5
        assert abs(flags.double().mean() - probability) < 4 * error
    for column, (low, high) in zip(
        draws.factors.T, ((0.9, 1.1), (0.8, 1.2), (0.7, 1.3), (-0.4, 0.4)), strict=True
    ):
        _assert_uniform(column, low, high)
    _assert_uniform(draws.sigma[draws.sigma > 0], 0.5, 1.5)


def _assert_uniform(values, low, high):
    assert values.min() >= low - 1e-6
    assert values.max() <= high + 1e-6
    shares = ((values - low) / (high - low)).sort().values
    ideal = torch.linspace(0, 1, len(values))
    assert (shares - ideal).abs().max() < 1.95 / len(values) ** 0.5  # KS, 0.1 %


def test_orders_are_equally_frequent():
    order = _draws(replace(ViewRecipe(), jitter=1.0)).order
    counts = order.bincount(minlength=24).double()
    assert len(counts) == 24 == len(set(ORDERS))
    chi2 = ((counts - len(order) / 24) ** 2 / (len(order) / 24)).sum()
    assert chi2 < 49.7  # 0.1 % level at 23 degrees of freedom


def test_draws_are_independent():
    draws = _draws(ViewRecipe())
    columns = torch.stack(
        [
            draws.flip.double(),
            (draws.order >= 0).double(),
            draws.grey.double(),
            (draws.sigma > 0).double(),
            *draws.factors.T.double(),
            *draws.boxes[:, 2:].prod(1, keepdim=True).T.double(),
        ]
    )
    correlation = torch.corrcoef(columns) - torch.eye(len(columns))
    assert correlation.abs().max() < 4 / len(draws.flip) ** 0.5


def test_presets_are_the_papers():
    moco, byol = RECIPES["mocov2"], RECIPES["byol"]
    assert moco[0] == moco[1] == RECIPES["simsiam"][0]
    assert (moco[0].crop_scale, moco[0].saturation, moco[0].blur) == (
        (0.2, 1),
        0.4,
        0.5,
    )
    assert (byol[0].blur, byol[0].solarise) == (1.0, 0.0)
    assert (byol[1].blur, byol[1].solarise) == (0.1, 0.2)
    assert byol[0].crop_scale == (0.08, 1.0)
    assert byol[0].saturation == 0.2


def test_changes_apply_to_both_views_or_each():
    assert [r.blur for r in build_recipes("byol", {"blur": 0.0})] == [0, 0]
    recipes = build_recipes("byol", [{"hue": 0.0}, {"grey": 1.0}])
    assert [r.hue for r in recipes] == [0, 0.1]
    assert [r.grey for r in recipes] == [0.2, 1]


@pytest.mark.parametrize(
    ("preset", "changes", "message"),
    [
        ("mocov9", None, "preset"),
        ("byol", {"sharpen": 1}, "sharpen"),
        ("byol", [{}], "two views"),
        ("byol", {"flip": 1.5}, "flip"),
        ("byol", {"hue": 0.6}, "hue"),
        ("byol", {"contrast": -1}, "contrast"),
        ("byol", {"crop_scale": (1.0, 0.5)}, "crop_scale"),
        ("byol", {"interpolation": "nearest"}, "interpolation"),
    ],
)
def test_bad_recipes(preset, changes, message):
    with pytest.raises(UserError, match=message):
        build_recipes(preset, changes)
