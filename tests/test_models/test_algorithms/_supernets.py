"""Small supernets and their steps."""

import copy

import torch
from mmengine.optim import OptimWrapper

from mmtaskssl.registry import MODELS

from ._elastic import SPACE, batch, fresh_hub

KINDS = ("MoCo", "BYOL", "SimSiam", "DenseCL", "JointEmbedding")
NORM = {"type": "BN"}
#: Last-stage channels of SPACE's MAX.
WIDTH = 16


def build(kind, sampler="Sandwich", norm="BN", backbone_options=None, **options):
    """Builds ``Supernet{kind}``; without ``sampler`` the plain algorithm on MAX."""
    torch.manual_seed(0)
    name = f"Supernet{kind}" if sampler else kind
    model = {
        "type": f"mmtaskssl.{name}",
        "data_preprocessor": {"type": "mmengine.BaseDataPreprocessor"},
        "backbone": {
            "type": "mmtaskssl.DynamicResNet",
            "space": SPACE,
            "strides": [1, 2, 2],
            "dilations": [1, 1, 1],
            "out_indices": [2],
            "norm_cfg": NORM,
            "zero_init_residual": False,
            **(backbone_options or {}),
        },
        **_parts(kind, norm),
    }
    if sampler:
        sampler = {"type": sampler} if isinstance(sampler, str) else sampler
        model["subnet_sampler"] = {"seed": 3, **sampler}
    return MODELS.build(copy.deepcopy(model | options)).train()


def max_alone():
    """A sampler that runs MAX in every step."""
    space = SPACE | {
        "stem": SPACE["stem"][-1:],
        "widths": [w[-1:] for w in SPACE["widths"]],
        "depths": [d[-1:] for d in SPACE["depths"]],
    }
    return {"type": "RandomSubnets", "space": space}


def sgd(model):
    parameters = [p for p in model.parameters() if p.requires_grad]
    return OptimWrapper(torch.optim.SGD(parameters, lr=0.05, momentum=0.9))


def train(model, steps, first=0, wrapper=None):
    """Runs steps ``first`` to ``steps``; returns their losses."""
    hub = fresh_hub()
    wrapper = wrapper or sgd(model)
    losses = []
    for step in range(first, steps):
        hub.update_info("iter", step)
        losses.append(float(model.train_step({"inputs": batch(step)}, wrapper)["loss"]))
    return losses


def _parts(kind, norm):
    neck = {"type": "mmtaskssl.ElasticNonLinearNeck", "norm": norm}
    widths = {"in_channels": WIDTH, "hid_channels": 12, "out_channels": 6}
    if kind in ("MoCo", "DenseCL"):
        loss = {"type": "mmcls.CrossEntropyLoss"}
        head = {"type": "mmselfsup.ContrastiveHead", "loss": loss, "temperature": 0.2}
        if kind == "DenseCL":
            neck["type"] = "mmtaskssl.ElasticDenseCLNeck"
        return {"neck": neck | widths, "head": head, "queue_len": 20, "feat_dim": 6}
    if kind == "JointEmbedding":
        head = {"type": "mmtaskssl.SIGRegHead", "num_directions": 8}
        return {"neck": neck | widths, "head": head}
    predictor = {**widths, "in_channels": 6, "with_avg_pool": False}
    head = {
        "type": "mmselfsup.LatentPredictHead",
        "predictor": {"type": "mmselfsup.NonLinearNeck", "with_last_bn": False}
        | predictor
        | {"norm_cfg": {"type": "BN1d"}},
        "loss": {"type": "mmselfsup.CosineSimilarityLoss"},
    }
    return {"neck": neck | widths, "head": head}


def assert_trained_alike(model, other):
    """Parameters, averages and queues are equal, bit for bit."""
    buffers = [name for name, _ in model.named_buffers() if "queue" in name]
    pairs = [*zip(model.named_parameters(), other.parameters(), strict=True)]
    pairs += [((n, model.get_buffer(n)), other.get_buffer(n)) for n in buffers]
    for (name, mine), theirs in pairs:
        assert torch.equal(mine, theirs), name
