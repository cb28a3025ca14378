"""Teacher and student of a search, from one checkpoint."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from ..models.algorithms.slimmable_base import (
    PredictingAlgorithm,
    aux_places,
    aux_predictor_config,
)
from ..models.backbones import ElasticBackbone
from ..models.necks import ElasticNonLinearNeck
from ..networks import EMA_PREFIXES, Network, averaged_of
from ..registry import MODELS
from ..subnets import Subnet
from ..utils.devices import AUTO, pick_device
from ..utils.errors import option
from ..utils.families import ConfigUnsuited, WeightsMismatch
from ..weights import load_weights, weights_sha256
from .prefixes import measure_norms

# The averaged modules are a sequence of backbone and neck.
_EMA_NECKS = tuple(prefix.replace(".0.", ".1.") for prefix in EMA_PREFIXES)
# Of the first of a training's distillations.
_HEAD = "distill.0.head."


@dataclass(frozen=True)
class Encoder:
    """An elastic backbone and what its training put behind it.

    Attributes:
        backbone: Runs any sub-net.
        neck: Projects its features; has ``extract``. None: not known.
        predictor: Maps projections to the teacher's, of a method that has one.
        aux_predictor: The same for all sub-nets but the largest, of a slimmable
            training; None: they share ``predictor``.
    """

    backbone: ElasticBackbone
    neck: nn.Module | None = None
    predictor: nn.Module | None = None
    aux_predictor: nn.Module | None = None

    @property
    def embeds(self) -> bool:
        """Whether there is a neck that follows a sub-net's width."""
        return hasattr(self.neck, "extract")

    def embedder(self, subnet: Subnet, channels: int, stored: bool) -> nn.Module:
        """Returns what maps last feature maps (N, C, H, W) to embeddings (N, D).

        Args:
            subnet: Whose maps.
            channels: C.
            stored: Whether batch norms keep the statistics they have.

        Raises:
            UserError: There is no neck that follows a sub-net's width.
        """
        if not self.embeds:
            raise ConfigUnsuited(
                "the global metric compares embeddings, so it needs a model.neck of "
                f"type ElasticNonLinearNeck; take {option('metrics', '--metric')} dense"
            )
        switch = self.backbone.norm_view(subnet).switch
        modules = [self.neck.extract(channels, switch)]
        if self.predictor is not None:
            modules.append(self._predictor_of(subnet))
        return measure_norms(nn.Sequential(*modules).eval(), stored)

    def _predictor_of(self, subnet: Subnet) -> nn.Module:
        """The predictor that training put behind a sub-net, with norms of its own."""
        space, predictor = self.backbone.space, self.predictor
        switch = self.backbone.norm_view(subnet).switch
        if self.aux_predictor is not None:
            switch = 0
            if subnet != space.max:
                predictor = self.aux_predictor
                switch = aux_places(space).get(subnet, 0)
        if not isinstance(predictor, ElasticNonLinearNeck):
            return _Predictor(deepcopy(predictor))
        return predictor.extract(predictor.layers[0].in_features, switch)

    def sha256(self) -> str:
        """Hashes all weights."""
        return "-".join(weights_sha256(module)[:16] for module in self.modules())

    def modules(self) -> list[nn.Module]:
        """Returns those that there are."""
        modules = (self.backbone, self.neck, self.predictor, self.aux_predictor)
        return [module for module in modules if module is not None]


class _Predictor(nn.Module):
    """Calls a neck of the hosts, which takes and returns lists."""

    def __init__(self, neck: nn.Module) -> None:
        super().__init__()
        self.neck = neck

    def forward(self, x: Tensor) -> Tensor:
        return self.neck([x])[0]


@dataclass(frozen=True)
class Encoders:
    """What a search compares.

    Attributes:
        teacher: The averaged network, to be run at MAX; the trained one where the
            method keeps no average.
        student: The trained network.
        source: The student's network, with the description of the checkpoint.
        averaged: Whether the teacher is an average.
    """

    teacher: Encoder
    student: Encoder
    source: Network
    averaged: bool


def load_encoders(network: Network, device: str | torch.device = AUTO) -> Encoders:
    """Loads teacher and student.

    Args:
        network: With sub-nets, of a training config and its checkpoint.
        device: Where to put them; see `pick_device`.

    Raises:
        UserError: The checkpoint does not hold its networks completely, such as one of
            another space.
    """
    device = pick_device(device)
    student = _encoder(network, ["neck."], True)
    average = averaged_of(network)
    if average is not None:
        teacher = _encoder(average, _EMA_NECKS, False)
    else:
        print_log(
            "the checkpoint holds no averaged network, so the trained one is the "
            "teacher",
            "current",
        )
        teacher = Encoder(student.backbone, student.neck)
    for encoder in (teacher, student):
        for module in encoder.modules():
            module.to(device).eval().requires_grad_(False)
    return Encoders(teacher, student, network, average is not None)


def _encoder(network: Network, prefixes: Sequence[str], predicts: bool) -> Encoder:
    model = (network.config or {}).get("model") or {}
    neck = _module(model.get("neck"), network, prefixes, "neck")
    if model.get("neck") is None:
        neck = _module(
            _distilled(network), network, [_HEAD], "head of the distillation"
        )
    config = (model.get("head") or {}).get("predictor")
    if not predicts or config is None:
        return Encoder(network.elastic, neck)
    predictor = _module(config, network, ["head.predictor."], "predictor")
    return Encoder(network.elastic, neck, predictor, _aux_predictor(network))


def _distilled(network: Network) -> dict[str, Any] | None:
    """The config of the head by which a network that distils meets its first teacher.

    What it leaves out is as `Distillation` fills it in; the teacher's dimension is that
    of the weights, since the teacher itself is not needed.
    """
    parts = (network.config or {}).get("model", {}).get("distill")
    part = parts[0] if isinstance(parts, list | tuple) and parts else parts
    head = part.get("head") if isinstance(part, Mapping) else None
    if head is None:
        return None
    layers = head.get("num_layers", 1)
    last = network.state.get(f"{_HEAD}layers.{layers - 1}.weight")
    if last is None:
        return None
    full = network.elastic.stage_channels(network.space.max)[-1]
    config = {
        "type": "mmtaskssl.ElasticNonLinearNeck",
        "in_channels": full,
        "out_channels": len(last),
        "hid_channels": len(last),
        "num_layers": 1,
    }
    return config | dict(head)


def _aux_predictor(network: Network) -> nn.Module | None:
    model = network.config.model
    kind = MODELS.get(model.type)
    if not (isinstance(kind, type) and issubclass(kind, PredictingAlgorithm)):
        return None
    config = aux_predictor_config(
        model.head.predictor, model.get("aux_predictor"), network.space
    )
    aux = _module(config, network, ["aux_predictor."], "auxiliary predictor")
    has_main = any(key.startswith("head.predictor.") for key in network.state)
    if config is not None and aux is None and has_main:
        raise WeightsMismatch(
            f"checkpoint {network.checkpoint} has a predictor for the full width "
            "alone; the embeddings of narrower sub-nets need aux_predictor.*, so take "
            f"{option('metrics', '--metric')} dense or a checkpoint of this training"
        )
    return aux


def _module(
    config: Mapping[str, Any] | None,
    network: Network,
    prefixes: Sequence[str],
    what: str,
) -> nn.Module | None:
    """Builds a module and loads its weights; None if the config has none."""
    if config is None:
        return None
    module = MODELS.build(dict(config))
    if not any(key.startswith(tuple(prefixes)) for key in network.state):
        return None  # a bare backbone: enough for the dense metric
    load_weights(
        module, network.state, prefixes, source=str(network.checkpoint), what=what
    )
    return module
