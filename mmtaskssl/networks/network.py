"""A network as a value: what every verb takes and tools open."""

import copy
import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from mmengine.config import Config
from torch import Tensor, nn

from ..datasets.eval_transform import EvalTransform
from ..models.backbones import ElasticBackbone, seeing_whole_images
from ..models.backbones.elastic_backbone import SubnetLike
from ..models.backbones.whole_images import hides_parts
from ..models.elastic import Units
from ..report.inline import as_text
from ..subnets import Cost, Latency, SearchSpace, Subnet
from ..utils import checks
from ..utils.devices import AUTO
from ..utils.families import NoSubnets
from ..utils.hashing import file_sha256
from ..utils.redaction import redacted
from ..weights import check_finite, weights_sha256
from . import costs
from .stages import cut_stages

Encoder = Literal["online", "ema", "random"]


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """A backbone in evaluation mode, and all that belongs to it; see `open_network`.

    Attributes:
        backbone: Maps (N, C, H, W) normalised images to features, or to a tuple of
            feature maps. An elastic one runs any of its sub-nets.
        name: What it was opened from: a config's path, an export's, or
            ``torchvision:NAME``.
        encoder: Whose weights it has: the trained network's, its moving average's, or
            none's.
        preprocessing: What it expects of pixels.
        config: Of its training; None where there was none here.
        checkpoint: File of its weights; None where they are not of a file.
        state: All of the checkpoint's weights, by their names in it.
        prefix: Of the backbone's names in ``state``.
        seed: Of weights that were drawn.
        body: The backbone's config in plain types; empty where it has none.
        calibration: What statistics of sub-nets were taken from in this process.
        checkpoint_sha256: Of the file, when it was read.
        changed: What was done to the weights since, JSON-ready.
    """

    backbone: nn.Module
    name: str
    encoder: Encoder
    preprocessing: EvalTransform
    config: Config | None = dataclasses.field(default=None, repr=False)
    checkpoint: str | None = None
    state: Mapping[str, Tensor] = dataclasses.field(default_factory=dict, repr=False)
    prefix: str = ""
    seed: int = 0
    body: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    calibration: Mapping[str, Any] | None = dataclasses.field(default=None, repr=False)
    checkpoint_sha256: str | None = dataclasses.field(default=None, repr=False)
    changed: Mapping[str, Any] | None = dataclasses.field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.backbone.eval()
        if self.checkpoint is not None and self.checkpoint_sha256 is None:
            # Now: another file may have the name when somebody asks.
            digest = file_sha256(self.checkpoint)
            object.__setattr__(self, "checkpoint_sha256", digest)

    @classmethod
    def of(cls, backbone: nn.Module, name: str = "in memory") -> "Network":
        """Returns the value of a backbone that was trained or built in this process.

        Args:
            backbone: Is put into evaluation mode. Or an algorithm, ours or a host's,
                whose backbone is taken; of one that masks images in training a copy.
            name: For messages and records.
        """
        inner = getattr(backbone, "backbone", None)
        backbone = inner if isinstance(inner, nn.Module) else backbone
        if hides_parts(backbone):
            backbone = seeing_whole_images(copy.deepcopy(backbone))
        return cls(backbone, name, "online", EvalTransform(224))

    @property
    def trained(self) -> bool:
        """Whether its weights are of a checkpoint, not drawn."""
        return self.encoder != "random"

    @property
    def space(self) -> SearchSpace | None:
        """The sub-nets that it was trained for; None: it has none."""
        elastic = isinstance(self.backbone, ElasticBackbone)
        return self.backbone.space if elastic else None

    @property
    def elastic(self) -> ElasticBackbone:
        """The backbone, of a network that has sub-nets.

        Raises:
            UserError: It has none.
        """
        if not isinstance(self.backbone, ElasticBackbone):
            raise NoSubnets(f"{self.name} has no sub-nets")
        return self.backbone

    def check_finite(self) -> None:
        """Refuses weights and statistics that are NaN or infinite.

        Raises:
            UserError: Names the file, or what the network was opened from.
        """
        state = self.backbone.state_dict()
        if not any(value.is_meta for value in state.values()):
            source = self.checkpoint or self.name
            check_finite(self.backbone, state, source, "backbone")

    @functools.cached_property
    def weights_sha256(self) -> str:
        """Hash of the backbone's weights: equal networks, equal hash."""
        return weights_sha256(self.backbone)

    @functools.cached_property
    def meta(self) -> dict[str, Any]:
        """Where the weights come from, JSON-ready: names and hashes of the files."""
        meta: dict[str, Any] = {"config": Path(self.name).name}
        if self.calibration is not None:
            meta["calibration"] = dict(self.calibration)
        if self.changed is not None:
            meta["changed"] = dict(self.changed)
        if self.checkpoint is None:
            return {**meta, "encoder": self.encoder, "seed": self.seed}
        if self.config is not None:
            text = redacted(self.config.dump())
            meta["config_sha256"] = hashlib.sha256(text.encode()).hexdigest()
        meta |= {
            "checkpoint": Path(self.checkpoint).name,
            "checkpoint_sha256": self.checkpoint_sha256,
            "encoder": self.encoder,
        }
        return meta

    def table(self) -> str:
        """Returns what it is, where its weights are from and what it sees, as text."""
        seen = self.preprocessing
        weights = self.checkpoint or (
            "drawn" if not self.trained else "of this process"
        )
        rows = [("network", self.name), ("weights", weights)]
        rows.append(("image side", f"{seen.image_size} px, {seen.channel_order}"))
        if self.space is not None:
            rows.append(("sub-nets", f"{len(self.space):,}"))
        count = sum(parameter.numel() for parameter in self.backbone.parameters())
        rows.append(("parameters", f"{count / 1e6:.2f}M"))
        return "\n".join(f"  {name:<12} {value}" for name, value in rows)

    def _repr_html_(self) -> str:
        """Shows the table in a notebook."""
        return as_text(self.table())

    def resolve(self, subnet: SubnetLike | None = None) -> Subnet:
        """Returns a sub-net by its name, or by an anchor's such as "MAX".

        Raises:
            UserError: The network has no sub-nets, or cannot run this one.
        """
        return self.elastic.resolve(subnet)

    def plain(
        self, subnet: SubnetLike | None = None, uncalibrated_ok: bool = False
    ) -> nn.Module:
        """Returns the plain network of a sub-net, with copies of its weights.

        Args:
            subnet: Which; None: the backbone's default one, or the backbone itself
                where it has no sub-nets.
            uncalibrated_ok: Do without the statistics of its batch norms.

        Raises:
            UserError: The network cannot run the sub-net, or has no batch-norm
                statistics for it.
        """
        if subnet is None and self.space is None:
            return self.backbone
        return self.elastic.extract(subnet, uncalibrated_ok)

    def units(self, subnet: SubnetLike | None = None) -> Units:
        """Returns the convolutions of a sub-net by name, with the channels they use."""
        return self.elastic.view(subnet).units

    def stages(self, subnet: SubnetLike | None = None) -> list[nn.Module]:
        """Returns the stem and the stages of a sub-net, see `cut_stages`."""
        return cut_stages(self.plain(subnet, uncalibrated_ok=True))

    def cost(
        self,
        subnet: SubnetLike | None = None,
        shape: int | tuple[int, int] | None = None,
    ) -> Cost:
        """Returns multiply-accumulates an image, and learnable values.

        Args:
            subnet: Which; None: the default, or the network itself.
            shape: Height and width of the image, or one number for both; None: the
                side that the network was trained on.
        """
        if shape is None:
            shape = self.preprocessing.image_size
        shape = checks.image_shape("shape", shape)
        if subnet is None and self.space is None:
            return costs.count(self.backbone, shape)
        return self.elastic.cost(subnet, shape)

    def latency(
        self,
        subnet: SubnetLike | None = None,
        shape: int | tuple[int, int] | None = None,
        *,
        batch_size: int = 1,
        repeats: int = 20,
        device: str | torch.device = AUTO,
    ) -> Latency:
        """Times the plain network of a sub-net on this machine.

        Args:
            subnet: See `cost`.
            shape: See `cost`.
            batch_size: Images at once.
            repeats: Timed calls.
            device: See `pick_device`.
        """
        if shape is None:
            shape = self.preprocessing.image_size
        shape = checks.image_shape("shape", shape)
        if subnet is None and self.space is None:
            network = self.backbone
        else:
            with torch.random.fork_rng(devices=[]):  # construction draws
                network = self.elastic.build_plain(self.resolve(subnet))
        return costs.time_network(network, shape, batch_size, repeats, device)
