"""Runs many sub-nets on the same images, what they have in common only once."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..models.backbones import ElasticBackbone, SubnetResNet
from ..networks import block_of, cut_blocks
from ..subnets import Subnet

Key = tuple[tuple[str, str], ...]


class PopulationNorm(nn.Module):
    """A batch norm whose statistics are those of the first batch that it meets.

    That batch comes out as evaluation would put it out: statistics and normalisation
    take one pass, where calibration and evaluation would take two. Later batches are
    normalised with the same statistics.

    The variance is the batch's own, without Bessel's correction, so that the first
    batch and the later ones are treated alike.

    Args:
        norm: Gives weight, bias and eps.
        stored: Whether to use the statistics that ``norm`` has, from the first batch.
    """

    def __init__(self, norm: _BatchNorm, stored: bool = False) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps
        self.mean = norm.running_mean if stored else None
        self.var = norm.running_var if stored else None

    def forward(self, x: Tensor) -> Tensor:
        """Normalises ``x`` (N, C, ...)."""
        if self.mean is None:
            # The kernel of training, which hands out what it measures.
            out, self.mean, scale = torch.native_batch_norm(
                x, self.weight, self.bias, None, None, True, 0.0, self.eps
            )
            self.var = (scale.double() ** -2 - self.eps).clamp_min(0).float()
            return out
        return F.batch_norm(
            x, self.mean, self.var, self.weight, self.bias, False, 0.0, self.eps
        )


def measure_norms(module: nn.Module, stored: bool = False) -> nn.Module:
    """Replaces the batch norms of a module, in place.

    Args:
        module: In evaluation mode.
        stored: See `PopulationNorm`.

    Returns:
        The module; what replaces it, if it is a batch norm itself.
    """
    if isinstance(module, _BatchNorm):
        return PopulationNorm(module, stored)
    for name, child in module.named_children():
        setattr(module, name, measure_norms(child, stored))
    return module


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a network.

    Attributes:
        key: Equal for the equal parts of two sub-nets.
        module: Maps what the step before put out.
    """

    key: Key
    module: nn.Module


def step_keys(backbone: ElasticBackbone, subnet: Subnet) -> list[Key]:
    """Returns the keys of the steps of a sub-net, stem first.

    Two sub-nets compute the same up to where their keys part: a ResNet's steps are its
    stem and its blocks, and a network of another kind is one step.
    """
    units = backbone.view(subnet).units.values()
    if "layer1.0.conv1" not in backbone.view(subnet).units:
        return [(("", subnet.name),)]
    steps = itertools.groupby(units, lambda unit: block_of(unit.conv))
    return [
        tuple(
            (unit.conv, f"{unit.in_}>{unit.out} norm {unit.view.switch}")
            for unit in group
        )
        for _, group in steps
    ]


def make_steps(
    backbone: ElasticBackbone, subnet: Subnet, stored: bool = False
) -> list[Step]:
    """Cuts the plain network of a sub-net into steps.

    Args:
        backbone: Holds the weights.
        subnet: Which.
        stored: Whether its batch norms keep the statistics they have.

    Raises:
        UserError: ``stored``, but the sub-net has not been calibrated.
    """
    plain = backbone.extract(subnet, uncalibrated_ok=not stored).eval()
    plain = measure_norms(plain, stored).requires_grad_(False)
    resnet = isinstance(plain, SubnetResNet)
    modules = cut_blocks(plain) if resnet else [_LastMap(plain)]
    keys = step_keys(backbone, subnet)
    return [Step(*pair) for pair in zip(keys, modules, strict=True)]


class _LastMap(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)[-1]


def prefix_order(backbone: ElasticBackbone, subnets: Sequence[Subnet]) -> list[Subnet]:
    """Returns the sub-nets, each once, so that common beginnings are neighbours."""
    return sorted(dict.fromkeys(subnets), key=lambda s: step_keys(backbone, s))


class PrefixRunner:
    """Runs sub-nets one after the other and keeps what later ones need.

    The result of a sub-net is that of running it alone, bit by bit, because the
    statistics of a batch norm depend on what comes before it, never on what follows.

    Args:
        backbone: Holds the weights, on the device of the images.
        chunks: Batches of images; the statistics are those of the first.
        cache_bytes: Most memory for what is kept, beside what is being computed.
    """

    def __init__(
        self,
        backbone: ElasticBackbone,
        chunks: Sequence[Tensor],
        cache_bytes: float = 2**30,
    ) -> None:
        self.backbone = backbone
        self.chunks = list(chunks)
        self.cache_bytes = cache_bytes
        self.steps_run = self.steps_shared = 0

    @torch.inference_mode()
    def run(self, subnets: Sequence[Subnet]) -> Iterator[tuple[Subnet, list[Tensor]]]:
        """Yields each sub-net with its last feature maps, one tensor per chunk.

        Args:
            subnets: In `prefix_order`.
        """
        keys = [step_keys(self.backbone, subnet) for subnet in subnets]
        common = [_common(a, b) for a, b in itertools.pairwise(keys)]
        kept: dict[int, list[Tensor]] = {}  # by number of steps done
        for place, subnet in enumerate(subnets):
            shared = common[place - 1] if place else 0
            kept = {done: maps for done, maps in kept.items() if done <= shared}
            rest = (common[i] for i in range(place, len(common)))
            needed = _branches(rest)
            begin = max(kept, default=0)
            maps = kept.get(begin, self.chunks)
            steps = make_steps(self.backbone, subnet)
            for done, step in enumerate(steps[begin:], begin + 1):
                maps = [step.module(x) for x in maps]
                if done in needed:
                    self._keep(kept, done, maps)
            self.steps_run += len(steps) - begin
            self.steps_shared += begin
            kept = {done: maps for done, maps in kept.items() if done in needed}
            yield subnet, maps

    def _keep(
        self, kept: dict[int, list[Tensor]], done: int, maps: list[Tensor]
    ) -> None:
        """Keeps a step's maps; early ones, the largest, make room for late ones."""
        kept[done] = maps
        while kept and sum(map(_bytes, kept.values())) > self.cache_bytes:
            del kept[min(kept)]


def _branches(common: Iterable[int]) -> set[int]:
    """Returns after how many steps later sub-nets leave the present one's way.

    Args:
        common: Steps that the present sub-net shares with the next, that one with the
            one after it, and so on.
    """
    branches = set()
    shared = itertools.accumulate(common, min)
    for steps in itertools.takewhile(bool, shared):
        branches.add(steps)
        if steps == 1:
            break  # there is no earlier branch
    return branches


def _common(first: Sequence[Key], second: Sequence[Key]) -> int:
    pairs = itertools.takewhile(
        lambda p: p[0] == p[1], zip(first, second, strict=False)
    )
    return sum(1 for _ in pairs)


def _bytes(maps: Sequence[Tensor]) -> int:
    return sum(x.numel() * x.element_size() for x in maps)
