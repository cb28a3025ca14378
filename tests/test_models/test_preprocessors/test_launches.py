"""What views ask of an accelerator: on meta tensors, whose values nobody can read."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from harness.traffic import TrafficCounter
from mmtaskssl.datasets import SyntheticImages, pack_images
from mmtaskssl.models.preprocessors import (
    LabeledViewPreprocessor,
    TwoViewPreprocessor,
    tensor_crops,
    tensor_views,
)
from mmtaskssl.models.preprocessors.draws import draw_view

EQUAL, MIXED = [(48, 64)], [(48, 64), (64, 48), (40, 40), (33, 90), (70, 25)]
META = torch.device("meta")


@pytest.fixture(autouse=True)
def _meta_has_no_autocast(monkeypatch):
    monkeypatch.setattr(torch, "autocast", lambda *args, **kwargs: nullcontext())


class _Copies(TorchDispatchMode):
    """Copies from the host to the device: (bytes, whether the host waits)."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        inputs = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        outputs = [x for x in tree_leaves(out) if isinstance(x, torch.Tensor)]
        if {x.device for x in outputs} == {META} and torch.device("cpu") in {
            x.device for x in inputs if x.dim()
        }:
            waits = not (kwargs or {}).get("non_blocking", False)
            self.seen.append((outputs[0].nbytes, waits))
        return out


def _batch(count, sizes, **keys):
    rng = np.random.default_rng(0)
    samples = [
        {
            "inputs": torch.from_numpy(
                rng.integers(0, 256, (3, *sizes[i % len(sizes)]), dtype=np.uint8)
            ),
            "sample_idx": i,
            **{key: values[i] for key, values in keys.items()},
        }
        for i in range(count)
    ]
    return pack_images(samples)


def _on_meta(preprocessor):
    preprocessor._steps = 0  # known, as after the first step
    return preprocessor.to(META)


@pytest.mark.parametrize("preset", ["mocov2", "byol"])
@pytest.mark.parametrize("sizes", [EQUAL, MIXED], ids=["equal", "mixed"])
def test_launches_are_few_and_do_not_grow(preset, sizes):
    launches = []
    for count in (32, 256):
        preprocessor = _on_meta(TwoViewPreprocessor(preset, view_size=32, seed=0))
        batch = _batch(count, sizes)
        with TrafficCounter() as counter:
            views = preprocessor(batch, training=True)["inputs"]
        assert [view.shape for view in views] == [(count, 3, 32, 32)] * 2
        launches.append(counter.launches.total())
    assert max(launches) <= 110
    assert max(launches) - min(launches) <= 4  # none of a kind was drawn


def test_two_copies_a_batch_and_no_waiting():
    preprocessor = _on_meta(TwoViewPreprocessor("byol", view_size=32, seed=0))
    batch = _batch(64, MIXED)
    with _Copies() as copies:
        preprocessor(batch, training=True)
    (pixels, _), (parameters, _) = copies.seen
    assert pixels == batch["inputs"].nbytes
    assert parameters < pixels
    assert not any(waits for _, waits in copies.seen)


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_labels_are_one_more_copy(several):
    count = 40
    labels = list(torch.arange(count) % 7)
    labels = [torch.eye(7)[i].to(torch.int8) if several else int(i) for i in labels]
    batch = _batch(count, MIXED, label=labels)
    preprocessor = _on_meta(LabeledViewPreprocessor(view_size=32, seed=0))
    with _Copies() as copies, TrafficCounter() as counter:
        out = preprocessor(batch, training=True)
    assert len(copies.seen) == 3
    assert not any(waits for _, waits in copies.seen)
    assert counter.launches.total() < 50
    for sample in out["data_samples"]:
        value = sample.gt_label.score if several else sample.gt_label.label
        assert value.device == META
        assert value.shape == ((7,) if several else (1,))


def test_memory_is_bounded_by_pixels(monkeypatch):
    """Views and crops are made in parts, and are the same for it."""
    data = SyntheticImages(24, size=50)
    batch = pack_images([data[i] for i in range(24)])
    preprocessor = TwoViewPreprocessor("byol", view_size=32, seed=0)

    def make(out):
        images = batch["sizes"].numpy()
        generator = np.random.default_rng(0)
        draws = [
            draw_view(recipe, images, generator) for recipe in preprocessor.recipes
        ]
        norm = preprocessor.scale, preprocessor.bias
        modes = ["bicubic"] * 2
        tensor_views.fill_views(out, batch["inputs"], images, draws, modes, *norm)
        return out

    whole = make(torch.empty(48, 3, 32, 32))
    largest = []

    class Largest(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            largest.extend(x.numel() for x in tree_leaves(out) if _owns(x))
            return out

    monkeypatch.setattr(tensor_views, "VIEW_PIXELS", 5 * 32**2)
    monkeypatch.setattr(tensor_crops, "CANVAS_PIXELS", 6000)
    parts = torch.empty(48, 3, 32, 32)
    with Largest():
        make(parts)
    # Sums of another length may round to the next level, of which std has 58.
    difference = (parts - whole).abs()
    assert difference.max() < 0.1
    assert difference.mean() < 1e-4
    assert max(largest) <= 5 * 3 * (32 + 12) ** 2


def _owns(x):
    return isinstance(x, torch.Tensor) and x.is_floating_point() and x.dim() > 1
