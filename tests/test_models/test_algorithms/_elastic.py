"""A small elastic algorithm with a teacher and a queue, and steps of it."""

import itertools

import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.logging import MessageHub
from mmselfsup.models.algorithms.base import BaseModel
from torch import nn

from mmtaskssl.models.algorithms import ElasticAlgorithm
from mmtaskssl.models.algorithms.momentum import MomentumEncoder
from mmtaskssl.models.elastic import ElasticLinear
from mmtaskssl.registry import MODELS

SPACE = {
    "kind": "grid",
    "arch": {"kind": "resnet", "block": "basic", "stem_kernel": 3},
    "stem": [4, 8],
    "widths": [[4, 8], [8, 12], [8, 16]],
    "depths": [[1, 2], [1], [1, 2]],
}
GN = {"type": "GN", "group_size": 4}
_COUNTER = itertools.count()


@MODELS.register_module()
class TinyElastic(ElasticAlgorithm, BaseModel):
    """Regresses the projection of an averaged teacher; remembers what was called."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.project = ElasticLinear(16, 6)
        self.teacher = MomentumEncoder(self.backbone, momentum=0.5)
        self.target = nn.Linear(16, 6).requires_grad_(False)
        self.register_buffer("queue_ptr", torch.tensor(0))
        self.calls = []

    def extract_feat(self, inputs, data_samples=None):
        return self.backbone(inputs)

    def prepare(self, inputs, data_samples=None):
        assert not torch.is_grad_enabled()
        self.calls.append("prepare")
        self.teacher.update(self.backbone)
        return self.target(_pool(self.teacher(inputs[1])))

    def subnet_loss(self, inputs, shared, subnet):
        self.calls.append(subnet.name)
        z = self.project(_pool(self.backbone(inputs[0], subnet)))
        error = (z.float() - shared.float()).square().mean()
        return {"loss": error, "loss_l1": 0.1 * z.float().abs().mean(), "std": z.std()}

    def finish(self, shared):
        assert not torch.is_grad_enabled()
        self.calls.append("finish")
        self.queue_ptr += len(shared)


def _pool(outs):
    return F.adaptive_avg_pool2d(outs[-1], 1).flatten(1)


def model_config(sampler="Sandwich", norm_cfg=GN, backbone=None, **options):
    return ConfigDict(
        type="mmtaskssl.TinyElastic",
        data_preprocessor={"type": "mmengine.BaseDataPreprocessor"},
        backbone={
            "type": "mmtaskssl.DynamicResNet",
            "space": SPACE,
            "strides": [1, 2, 2],
            "dilations": [1, 1, 1],
            "out_indices": [2],
            "norm_cfg": norm_cfg,
            **(backbone or {}),
        },
        subnet_sampler={"type": sampler, "seed": 3, **options},
    )


def build(*args, **kwargs):
    torch.manual_seed(0)
    # Without init_weights: a block that starts as the identity has no gradients.
    return MODELS.build(model_config(*args, **kwargs)).train()


def batch(step, n=8):
    generator = torch.Generator().manual_seed(step)
    return [torch.randn(n, 3, 12, 12, generator=generator) for _ in range(2)]


def fresh_hub(max_iters=10):
    """A message hub as of a new Runner: other tests leave theirs behind."""
    hub = MessageHub.get_instance(f"elastic{next(_COUNTER)}")
    hub.update_info("iter", 0)
    hub.update_info("max_iters", max_iters)
    return hub


class RecordingSGD(torch.optim.SGD):
    """Keeps the gradients of every step."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.gradients = []

    def step(self, closure=None):
        params = [p for group in self.param_groups for p in group["params"]]
        grads = [None if p.grad is None else p.grad.clone() for p in params]
        self.gradients.append(grads)
        return super().step(closure)
