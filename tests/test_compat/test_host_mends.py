"""What mmcv and mmselfsup do behind our doors: hue under numpy 2, SwAV on a CPU."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import mmtaskssl  # noqa: F401  (opens the doors)


@pytest.mark.parametrize("factor", [-0.5, -0.3, -0.001, 0.0, 0.2, 0.5])
@pytest.mark.parametrize("backend", ["pillow", "cv2"])
def test_hue_turns_both_ways(factor, backend):
    """Back by the same turn gives the image again, but for 8-bit rounding."""
    import mmcv

    image = np.random.default_rng(0).integers(60, 200, (8, 8, 3), "u1")
    turned = mmcv.adjust_hue(image, factor, backend=backend)
    back = mmcv.adjust_hue(turned, -factor, backend=backend).astype(int)
    assert np.abs(back - image).mean() < 4
    if abs(factor) > 0.1:
        assert np.abs(turned.astype(int) - image).mean() > 10


def test_a_negative_turn_is_taken_modulo_256():
    from mmcv.image import photometric
    from PIL import Image

    image = np.random.default_rng(1).integers(0, 256, (4, 4, 3), "u1")
    h, s, v = Image.fromarray(image[..., ::-1]).convert("HSV").split()
    shifted = (np.array(h, int) + int(-0.3 * 255)) % 256
    parts = Image.fromarray(shifted.astype("u1")), s, v
    expected = np.array(Image.merge("HSV", parts).convert("RGB"))[..., ::-1]
    found = photometric.adjust_hue(image, -0.3, backend="pillow")
    assert np.array_equal(found, expected)


def test_swavs_queue_is_where_the_model_is():
    from mmselfsup.engine.hooks import SwAVHook

    model = nn.Linear(1, 1)
    model.head = SimpleNamespace(loss=SimpleNamespace())
    runner = SimpleNamespace(model=model, epoch=1, world_size=1)
    hook = SwAVHook(batch_size=2, epoch_queue_starts=1, queue_length=4, feat_dim=3)
    hook.before_train_epoch(runner)
    assert hook.queue.shape == (2, 4, 3)
    assert hook.queue.device == torch.device("cpu")
    assert model.head.loss.queue is hook.queue


def test_histograms_of_gradients_are_made_in_mixed_precision():
    from mmselfsup.models.target_generators import HOGGenerator

    images = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    make = HOGGenerator(nbins=9, pool=8, gaussian_window=16)
    exact = make(images)
    with torch.autocast("cpu", dtype=torch.bfloat16):  # converted, where not native
        mixed = make(images)
    assert mixed.dtype == exact.dtype == torch.float32
    assert (mixed - exact).abs().mean() < 0.1 * exact.abs().mean()
