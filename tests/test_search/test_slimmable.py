"""Search on slimmable networks, against what their training computes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config

from mmtaskssl.datasets.image_sample import draw_images
from mmtaskssl.networks import open_network, preprocessing_of
from mmtaskssl.search.encoders import load_encoders
from mmtaskssl.search.metrics import get_metrics
from mmtaskssl.search.scorer import Scorer
from mmtaskssl.utils.errors import UserError

from ..test_models.test_algorithms._slimmable import NAMES, build_config, model_config
from ..test_models.test_algorithms._slimmable import losses as train
from ._files import write_images

_AUX = {"aux_predictor": {"norm": "SwitchableBN"}}
CASES = {
    "BYOL, switchable": ("BYOL", "SwitchableBN", _AUX),
    "BYOL, one auxiliary norm": ("BYOL", "SwitchableBN", {}),
    "SimSiam": ("SimSiam", "SwitchableBN", _AUX),
    "MoCo, no predictor": ("MoCo", "SwitchableBN", {}),
}


def _trained(tmp_path, kind, norm, options, drop=()):
    """A model, its config and its checkpoint, after some steps."""
    data = {"type": "mmengine.BaseDataPreprocessor"}
    config = model_config(kind, norm=norm, **options)
    model = build_config(config)
    train(model, steps=8)
    state = {k: v for k, v in model.state_dict().items() if not k.startswith(drop)}
    torch.save({"state_dict": state}, tmp_path / "net.pth")
    view = {"view_size": 16, "mean": [127.5] * 3, "std": [64.0] * 3}
    cfg = Config({"model": {**config, "data_preprocessor": {**data, **view}}})
    return model, cfg, str(tmp_path / "net.pth")


@torch.no_grad()
def _reference(model, images, subnet):
    """Cosines of what the training step would compare, by the model itself.

    In training mode batch norms take the batch's own statistics, as a search does.
    """
    model.train()
    teacher = getattr(model, "target_net", getattr(model, "encoder_k", None))
    largest = model.backbone.space.max
    if teacher is None:
        target = model.project(images, largest)
    else:
        target = teacher.train()(images)[0]
    z = model.project(images, subnet)
    if hasattr(model, "aux_predictor"):
        z = model._predict(z, subnet)
    return F.cosine_similarity(z, target).numpy()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_width_is_compared_through_its_own_predictor(case, tmp_path):
    model, cfg, checkpoint = _trained(tmp_path, *case)
    sample = draw_images(write_images(tmp_path), preprocessing_of(cfg))
    encoders = load_encoders(open_network(cfg, checkpoint, subnets=True))
    scorer = Scorer(encoders, sample, get_metrics(["global"]), bn_images=24)
    images = torch.cat(list(sample))
    scores = dict(scorer.score(list(encoders.student.backbone.space)))
    for name, subnet in zip(NAMES, model.backbone.space, strict=True):
        assert subnet.name == name
        expected = _reference(model, images, subnet)
        np.testing.assert_allclose(scores[subnet]["global"], expected, atol=2e-5)


def test_a_checkpoint_without_the_auxiliary_predictor_is_refused(tmp_path):
    _, cfg, checkpoint = _trained(tmp_path, *CASES["SimSiam"], drop=("aux_",))
    with pytest.raises(UserError, match=r"full width alone.*`metrics` dense"):
        load_encoders(open_network(cfg, checkpoint, subnets=True))
