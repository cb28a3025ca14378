"""A small routed algorithm, batches for it, and steps."""

import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper
from mmengine.structures import BaseDataElement

from mmtaskssl.registry import MODELS

from ._elastic import fresh_hub

GROUPS = (1, 1, 2, 2)


def _neck(inputs, hidden, outputs, **options):
    return {
        "type": "mmtaskssl.ElasticNonLinearNeck",
        "in_channels": inputs,
        "hid_channels": hidden,
        "out_channels": outputs,
        **options,
    }


def model_config(kind="RoutedSimSiam", **options):
    shift = 1.0 if kind == "RoutedBYOL" else 0.0
    if kind == "RoutedJointEmbedding":
        options.setdefault("head", {"type": "mmtaskssl.SIGRegHead"})
    return ConfigDict(
        type=f"mmtaskssl.{kind}",
        data_preprocessor={"type": "mmengine.BaseDataPreprocessor"},
        backbone={
            "type": "mmtaskssl.RoutedResNet",
            "depth": 10,
            "base_width": 8,
            "groups": GROUPS,
            "stem_kernel": 3,
            "out_indices": [3],
            "zero_init_residual": False,
        },
        subnet_sampler={
            "type": "Progressive",
            "shares": (0, 0, 1),
            "seed": 3,
        },
        neck=_neck(64, 16, 12, with_last_bn=True, with_last_bn_affine=False),
        **{
            "head": {
                "type": "mmselfsup.LatentPredictHead",
                "predictor": _neck(12, 8, 12, with_avg_pool=False),
                "loss": {
                    "type": "mmselfsup.CosineSimilarityLoss",
                    "shift_factor": shift,
                },
            },
            **options,
        },
    )


def build(kind="RoutedSimSiam", **options):
    torch.manual_seed(0)
    return MODELS.build(model_config(kind, **options)).train()


def make_batch(path, n=6, m=4, seed=0):
    """n images of all and m of a path's cluster, two views each."""
    generator = torch.Generator().manual_seed(seed)
    views = [torch.randn(n + m, 3, 12, 12, generator=generator) for _ in range(2)]
    name = ".".join(str(max(group, 0)) for group in path or ())
    samples = []
    for index in range(n + m):
        sample = BaseDataElement()
        part = int(index >= n)
        sample.set_field(part, "part", field_type="metainfo")
        sample.set_field(name if part else "", "path", field_type="metainfo")
        samples.append(sample)
    return {"inputs": views, "data_samples": samples}


def train_step(model, path=None, step=0, **options):
    """One step at rate 0: gradients stay on the parameters. Returns the logs."""
    hub = fresh_hub()
    hub.update_info("iter", step)
    path = model.subnets_of_step()[1].path if path is None else path
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    wrapper = OptimWrapper(optimizer)
    kept = {}

    def keep(*_):
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                kept[name] = parameter.grad.clone()

    optimizer.register_step_pre_hook(keep)
    batch = make_batch(path, **options)
    return model.train_step(batch, wrapper), batch, kept
