"""Small models and their views."""

import torch

from mmtaskssl.registry import MODELS

_NORM_1D = {"type": "BN1d"}


def views(n=8, size=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, 3, size, size, generator=generator) for _ in range(2)]


def build(kind, **options):
    torch.manual_seed(0)
    model = {
        "type": f"mmtaskssl.{kind}",
        "data_preprocessor": {"type": "mmtaskssl.TwoViewPreprocessor", "view_size": 16},
        "backbone": {
            "type": "mmselfsup.ResNet",
            "depth": 18,
            "stem_channels": 4,
            "base_channels": 4,
            "out_indices": [4],
            "norm_cfg": {"type": "BN"},
        },
    }
    if kind == "JointEmbedding":
        model |= {"neck": _mlp(32, 12), "head": {"type": "mmtaskssl.SIGRegHead"}}
    elif kind == "MoCo":
        model["neck"] = {
            "type": "mmselfsup.MoCoV2Neck",
            "in_channels": 32,
            "hid_channels": 16,
            "out_channels": 12,
        }
        loss = {"type": "mmcls.CrossEntropyLoss"}
        head = {"type": "mmselfsup.ContrastiveHead", "loss": loss, "temperature": 0.2}
        model |= {"head": head, "queue_len": 20, "feat_dim": 12}
    else:
        model["neck"] = _mlp(32, 12, with_last_bn=kind == "SimSiam")
        shift = 1.0 if kind == "BYOL" else 0.0
        model["head"] = {
            "type": "mmselfsup.LatentPredictHead",
            "predictor": _mlp(12, 12, with_avg_pool=False, with_last_bn=False),
            "loss": {"type": "mmselfsup.CosineSimilarityLoss", "shift_factor": shift},
        }
    built = MODELS.build(model | options)
    built.train()
    return built


def _mlp(inside, outside, **options):
    widths = {"in_channels": inside, "hid_channels": 16, "out_channels": outside}
    return {"type": "mmselfsup.NonLinearNeck", "norm_cfg": _NORM_1D} | widths | options
