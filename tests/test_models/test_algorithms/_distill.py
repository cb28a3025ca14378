"""Small students, a small teacher, and batches of images for them."""

import copy
from functools import partial

import torch
from torch import nn

from mmtaskssl.models.teachers import FrozenTeacher
from mmtaskssl.registry import MODELS
from mmtaskssl.weights import weights_sha256

from . import _build, _routed, _slimmable, _supernets

DIM, SIDE = 10, 20


@MODELS.register_module()
class TinyTeacher(FrozenTeacher):
    """Two convolutions; the second map is its dense feature."""

    def __init__(self, seed=0, view_size=SIDE, **options):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            body = nn.Sequential(
                nn.Conv2d(3, 6, 3, 2),
                nn.BatchNorm2d(6),
                nn.ReLU(),
                nn.Conv2d(6, DIM, 3, 2),
                nn.Dropout(0.5),
            )
        digest = weights_sha256(body)
        super().__init__(body, f"tiny{seed}", digest, view_size, **options)


def distill(queue_len=16, **options):
    """Arguments of a `Distillation` of every loss."""
    return {
        "teacher": {"type": "mmtaskssl.TinyTeacher"},
        "losses": [
            {"type": "CosineRegression", "weight": 2.0},
            {"type": "SimilarityMatching", "queue_len": queue_len},
        ],
        "dense_losses": [{"type": "DenseCosine"}],
        "norm": "standard",
        "norm_images": 12,
        "head": {"num_layers": 2},
        "dense_head": {},
        "weight": 0.5,
        **options,
    }


def _views(config, side=16, views=2):
    config["data_preprocessor"] = {
        "type": "mmtaskssl.TwoViewPreprocessor",
        "view_size": side,
        "views": views,
        "seed": 5,
    }
    return config


def plain(kind="Distill", views=1, **options):
    """A plain algorithm with a teacher."""
    asked = options.pop("distill", None) or distill(options.pop("queue_len", 16))
    for part in [asked] if isinstance(asked, dict) else asked:
        for name in ("head", "dense_head"):
            if part[name] is not None:
                part[name] = {"in_channels": 32, **part[name]}
    options = _views(options, views=views if kind == "Distill" else 2)
    if kind != "Distill":
        return _build.build(kind, distill=asked, **options)
    torch.manual_seed(0)
    model = {
        "type": "mmtaskssl.Distill",
        "backbone": {
            "type": "mmselfsup.ResNet",
            "depth": 18,
            "stem_channels": 4,
            "base_channels": 4,
            "out_indices": [4],
            "norm_cfg": {"type": "BN"},
        },
        "distill": asked,
    }
    return MODELS.build(model | options).train()


def elastic(kind="ElasticDistill", **options):
    """A slimmable or supernet algorithm with a teacher."""
    asked = options.pop("distill", None) or distill(options.pop("queue_len", 16))
    views = 1 if "Distill" in kind else 2
    options = _views({**options, "distill": asked}, views=views)
    if kind.startswith("Supernet"):
        return _supernets.build(kind.removeprefix("Supernet"), **options)
    if kind.startswith("Slimmable"):
        return _slimmable.build(kind.removeprefix("Slimmable"), **options)
    torch.manual_seed(0)
    model = copy.deepcopy(dict(_slimmable.model_config("BYOL", norm="BN")))
    for name in ("neck", "head"):
        model.pop(name)
    return MODELS.build(
        {**model, "type": "mmtaskssl.ElasticDistill", **options}
    ).train()


def routed(kind="RoutedDistill", **options):
    """A routed algorithm with a teacher."""
    asked = options.pop("distill", None) or distill()
    options = _views({**options, "distill": asked}, 16, 2)
    torch.manual_seed(0)
    model = dict(_routed.model_config())
    if kind == "RoutedDistill":
        for name in ("neck", "head"):
            model.pop(name)
    return MODELS.build({**model, "type": f"mmtaskssl.{kind}", **options}).train()


def images(step=0, n=8):
    """A batch as the loader makes it, with ``sample_idx``."""
    generator = torch.Generator().manual_seed(step)
    pixels = [
        torch.randint(0, 256, (3, 24 + i, 28), dtype=torch.uint8, generator=generator)
        for i in range(n)
    ]
    return {"inputs": pixels, "sample_idx": list(range(n))}


def routed_images(model, n=6, m=4):
    """A joined batch of a routed step."""
    path = model.subnets_of_step()[1].path
    samples = _routed.make_batch(path, n, m)["data_samples"]
    batch = images(n=n + m)
    batch["part"] = [sample.part for sample in samples]
    batch["path"] = [sample.path for sample in samples]
    return batch


#: Algorithms with teachers, by a name of their own.
ALGORITHMS = {
    "Distill": partial(plain, views=1),
    "MoCo": partial(plain, "MoCo"),
    "BYOL": partial(plain, "BYOL"),
    "SimSiam": partial(plain, "SimSiam"),
    "ElasticDistill": elastic,
    "SlimmableMoCo": partial(elastic, "SlimmableMoCo"),
    "SupernetMoCo": partial(elastic, "SupernetMoCo"),
    "RoutedDistill": routed,
    "RoutedSimSiam": partial(routed, "RoutedSimSiam"),
}


def batch_for(name, model, step=0):
    """A batch for an algorithm of `ALGORITHMS`."""
    return routed_images(model) if name.startswith("Routed") else images(step)
