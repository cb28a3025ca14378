"""Multi-crop: smaller views behind the whole ones."""

import numpy as np
import pytest
import torch

from mmtaskssl.models.preprocessors import TwoViewPreprocessor, tensor_views, two_view
from mmtaskssl.utils.errors import UserError

IMAGES = [
    torch.from_numpy(np.random.default_rng(i).integers(0, 256, (3, 40, 30 + i), "u1"))
    for i in range(4)
]


def build(**options):
    return TwoViewPreprocessor(**{"view_size": 28, "seed": 3, **options})


def views(preprocessor, training=True):
    return preprocessor({"inputs": IMAGES}, training)["inputs"]


def test_local_views_leave_the_whole_ones_alone():
    plain, crops = views(build()), views(build(local_views=3))
    assert [view.shape[2] for view in crops] == [28, 28, 12, 12, 12]
    assert all(torch.equal(a, b) for a, b in zip(plain, crops, strict=False))
    assert not torch.equal(crops[2], crops[3])
    assert len(views(build(local_views=3), training=False)) == 1


def test_they_depend_on_seed_and_step_alone():
    first, second = build(local_views=2), build(local_views=2)
    before = views(first), views(first)
    second.load_state_dict({**second.state_dict(), "step": torch.tensor(1)})
    torch.manual_seed(8)
    assert all(torch.equal(a, b) for a, b in zip(before[1], views(second), strict=True))


def test_they_are_small_parts():
    preprocessor = build(local_views=1, local_size=8)
    assert preprocessor.local_recipe.crop_scale == (0.05, 0.14)
    changed = build(local_views=1, local_augment={"crop_scale": (0.1, 0.3)})
    assert changed.local_recipe.crop_scale == (0.1, 0.3)
    assert changed.local_recipe.flip == changed.recipes[0].flip


def test_both_ways_to_make_views_agree(monkeypatch):
    options = {"local_views": 2, "augment": {"jitter": 0.0, "blur": 0.0}}
    expected = views(build(**options))
    block = torch.cat([image.permute(1, 2, 0).reshape(-1, 3) for image in IMAGES])
    sizes = np.array([image.shape[1:] for image in IMAGES])

    def fill(view, images, draw, mode, scale, bias):
        tensor_views.fill_views(view, block, sizes, [draw], [mode], scale, bias)

    monkeypatch.setattr(two_view.opencv_views, "fill_views", fill)
    for mine, theirs in zip(views(build(**options)), expected, strict=True):
        assert (mine - theirs).abs().mean() < 0.05


def test_bad_options_are_refused():
    with pytest.raises(UserError, match="local_views"):
        build(local_views=-1)
    with pytest.raises(UserError, match="no augmentation"):
        build(local_augment={"sharpen": 1})


@pytest.mark.parametrize("name", ["views", "view_size", "local_views", "local_size"])
@pytest.mark.parametrize("value", [1.5, -1, "2"])
def test_what_is_counted_is_a_whole_number(name, value):
    with pytest.raises(UserError, match=f"`{name}` must be a whole number from"):
        build(**{name: value})
