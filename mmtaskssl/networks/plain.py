"""A plain ResNet as the elastic network of one sub-net."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..models.backbones import DynamicResNet
from ..subnets import ResNetArch, Subnet, arch_to_dict
from ..utils.errors import UserError

_BLOCK = re.compile(r"layer(\d+)\.(\d+)\.conv1\.weight")


@torch.no_grad()
def as_elastic(plain: nn.Module) -> DynamicResNet | None:
    """Returns the elastic network whose only sub-net, MAX, is ``plain``.

    So that networks that were pre-trained alone are exported and evaluated by the same
    tools, into the same folders and tables, as sub-nets.

    Args:
        plain: A backbone that returns a tuple of feature maps, the last one last.

    Returns:
        A network that has been seen to compute the same; None if ``plain`` is not a
        ResNet of a shape that sub-nets have.
    """
    state = plain.state_dict()
    norms = [m for m in plain.modules() if isinstance(m, nn.BatchNorm2d)]
    if "conv1.weight" not in state or not norms:
        return None
    try:
        subnet, arch = shape_of(state)
        space = {
            "kind": "list",
            "arch": arch_to_dict(arch),
            "subnets": [subnet.name],
        }
        stages = len(subnet.widths)
        norm = {"type": "BN", "eps": norms[0].eps, "momentum": norms[0].momentum}
        with torch.random.fork_rng(devices=[]):  # construction draws
            elastic = DynamicResNet(
                space,
                norm_cfg=norm,
                out_indices=(stages - 1,),
                zero_init_residual=getattr(plain, "zero_init_residual", True),
            )
        elastic.load_state_dict(state)
        return elastic.eval() if _alike(plain, elastic) else None
    except (UserError, KeyError, RuntimeError):  # other keys or shapes
        return None


def shape_of(state: Mapping[str, Tensor]) -> tuple[Subnet, ResNetArch]:
    """Returns the sub-net that a plain ResNet is, and of which kind, by its weights.

    Args:
        state: By torchvision's names.

    Raises:
        KeyError: They are of no ResNet.
    """
    blocks = sorted(
        tuple(map(int, match.groups()))
        for match in map(_BLOCK.fullmatch, state)
        if match
    )
    if not blocks:
        raise KeyError("layer1.0.conv1.weight")
    stages = range(1, 1 + max(stage for stage, _ in blocks))
    depths = [sum(stage == other for other, _ in blocks) for stage in stages]
    widths = [len(state[f"layer{stage}.0.conv1.weight"]) for stage in stages]
    stem = state["conv1.weight"]
    block = "bottleneck" if "layer1.0.conv3.weight" in state else "basic"
    return Subnet(len(stem), widths, depths), ResNetArch(block, stem.shape[-1])


def _alike(plain: nn.Module, elastic: DynamicResNet) -> bool:
    """Compares features, since strides and dilations do not show in the weights."""
    training = plain.training
    plain.eval()
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    old, new = plain(images), elastic.eval()(images)
    plain.train(training)
    old = old[-1] if isinstance(old, tuple | list) else old
    return old.shape == new[-1].shape and torch.allclose(
        old, new[-1], rtol=1e-4, atol=1e-5 * float(old.abs().max())
    )
