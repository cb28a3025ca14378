"""Small slimmable models, their plain relatives, and steps of them."""

import torch
from mmengine.config import Config, ConfigDict
from mmengine.optim import OptimWrapper

from mmtaskssl.networks.alone import individual_config
from mmtaskssl.registry import MODELS

NAMES = ["s8-w8.12.16-d1.1.1", "s6-w6.9.12-d1.1.1", "s4-w4.6.8-d1.1.1"]
CHANNELS = [16, 12, 8]
_MLP = {"type": "mmtaskssl.ElasticNonLinearNeck", "hid_channels": 12}


def model_config(kind="BYOL", names=NAMES, norm="SwitchableBN", **options):
    """A slimmable model's config over the sub-nets ``names``, the largest first."""
    switchable = norm == "SwitchableBN"
    model = {
        "type": f"mmtaskssl.Slimmable{kind}",
        "data_preprocessor": {"type": "mmengine.BaseDataPreprocessor"},
        "backbone": {
            "type": "mmtaskssl.DynamicResNet",
            "space": {
                "kind": "list",
                "arch": {"kind": "resnet", "block": "basic", "stem_kernel": 3},
                "subnets": names,
            },
            "strides": [1, 2, 2],
            "dilations": [1, 1, 1],
            "out_indices": [2],
            "norm_cfg": {"type": norm},
            "zero_init_residual": False,
        },
        "neck": {
            **_MLP,
            "in_channels": 16,
            "out_channels": 10,
            "norm": norm,
            "num_switches": len(names) if switchable else 1,
            "with_last_bn": kind == "SimSiam",
        },
        "subnet_sampler": {"type": "AllSubnets"},
    }
    if kind == "JointEmbedding":
        model["head"] = {"type": "mmtaskssl.VICRegHead"}
    elif kind == "MoCo":
        loss = {"type": "mmcls.CrossEntropyLoss"}
        head = {"type": "mmselfsup.ContrastiveHead", "loss": loss, "temperature": 0.2}
        model |= {"head": head, "queue_len": 20, "feat_dim": 10}
    else:
        shift = 1.0 if kind == "BYOL" else 0.0
        sides = {"in_channels": 10, "out_channels": 10, "with_avg_pool": False}
        model["head"] = {
            "type": "mmselfsup.LatentPredictHead",
            "predictor": {**_MLP, **sides},
            "loss": {"type": "mmselfsup.CosineSimilarityLoss", "shift_factor": shift},
        }
    return ConfigDict({**model, **options})


def build(*args, **options):
    return build_config(model_config(*args, **options))


def build_config(config):
    torch.manual_seed(0)
    model = MODELS.build(config)
    model.init_weights()
    return model.train()


def build_alone(*args, subnet="MAX", **options):
    """The plain model of one sub-net, by the same config."""
    cfg = Config({"model": model_config(*args, **options)})
    return build_config(individual_config(cfg, subnet).model)


def batch(step, n=8):
    generator = torch.Generator().manual_seed(step)
    return [torch.randn(n, 3, 12, 12, generator=generator) for _ in range(2)]


def optimizer(model, **options):
    parameters = [p for p in model.parameters() if p.requires_grad]
    options = {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-3, **options}
    return OptimWrapper(torch.optim.SGD(parameters, **options))


def losses(model, steps=6):
    wrapper = optimizer(model)
    return [
        model.train_step({"inputs": batch(step)}, wrapper)["loss"]
        for step in range(steps)
    ]
