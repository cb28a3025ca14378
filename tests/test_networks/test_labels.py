"""What is said of the labels that weights know of."""

import pytest
from mmengine.config import Config
from torch import nn

from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.networks import Network
from mmtaskssl.networks.labels import known_labels

_LITE = "timm:tf_efficientnet_lite0=/my/lite0.pth"
_KNOWN = "ImageNet-1k, if they are timm's own weights"


def _network(encoder="online", **config):
    cfg = Config({"train_cfg": {"max_iters": 1}, **config})
    return Network(nn.Conv2d(3, 2, 1), "config.py", encoder, EvalTransform(224), cfg)


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({}, "none, as far as its config says"),
        ({"weights": _LITE}, _KNOWN),
        ({"weights": "/my/unknown.pth"}, None),
        ({"load_from": "/my/unknown.pth"}, None),
        ({"train_cfg": None}, None),
        ({"labels": "those of an export"}, "those of an export"),
        ({"model": {"head": {"num_classes": 3}}}, None),
        ({"model": {"distill": [{"teacher": {"network": _LITE}}]}}, _KNOWN),
        ({"model": {"distill": {"teacher": {"type": "StartTeacher"}}}}, "none, as"),
        ({"model": {"distill": {"teacher": {"store": "features"}}}}, None),
        (
            {
                "model": {
                    "backbone": {
                        **{"type": "TimmBackbone", "name": "tf_efficientnet_lite0"},
                        "weights": "default",
                    }
                }
            },
            _KNOWN,
        ),
    ],
)
def test_labels_are_those_of_all_that_a_training_learned_from(config, wanted):
    found = known_labels(_network(**config))
    assert found == wanted or (wanted and found and found.startswith(wanted))
    assert known_labels(_network("random", **config)) == "none"
