"""A model, a batch of generated images and an optimizer, to run steps of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import DefaultScope, init_default_scope

from mmtaskssl.config import load_config
from mmtaskssl.models.algorithms import ElasticAlgorithm
from mmtaskssl.networks.alone import individual_config
from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.devices import AUTO, pick_device
from mmtaskssl.utils.families import NoSubnets

from .case import CASES, FixedSubnets, build_case
from .clock import Clock


@dataclass(frozen=True)
class Setting:
    """What is measured; plain values, so that another process can be told.

    Attributes:
        config: File of a training config; None: a built-in case.
        case: One of `CASES`.
        batch: Images a step; None: the config's or the case's.
        size: Side of the images of a case; None: its own.
        device: See `pick_device`.
        subnets: Names; None: MAX, MIN and a random one.
        alone: Name of the sub-net that is trained alone instead, by the same recipe.
    """

    config: str | None = None
    case: str = "small"
    batch: int | None = None
    size: int | None = None
    device: str = AUTO
    subnets: Sequence[str] | None = None
    alone: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "device", str(pick_device(self.device)))


class Bench:
    """A model in training, with everything that a step needs.

    Args:
        setting: See `Setting`.

    Attributes:
        model: On the device.
        subnets: Those of `run` where none are given; none for a network alone.

    Raises:
        UserError: The config trains no sub-nets, or no such sub-net.
    """

    def __init__(self, setting: Setting) -> None:
        self.device = torch.device(setting.device)
        self.clock = Clock(self.device)
        torch.manual_seed(0)
        sgd = {"lr": 0.05, "momentum": 0.9, "weight_decay": 1e-4}
        self.max_iters = 1
        if setting.config:
            cfg = read_config(setting.config)
            self.max_iters = cfg.train_cfg.get("max_iters") or 1
            if setting.alone:
                cfg = individual_config(cfg, setting.alone)
            self.model = MODELS.build(cfg.model)
            optim = dict(cfg.optim_wrapper)
            batch = cfg.train_dataloader.batch_size
        else:
            self.model = build_case(setting.case, setting.size)
            optim = {"optimizer": {"type": "mmtaskssl.SafeSGD", **sgd}}
            batch = CASES[setting.case]["batch"]
        self.size = self.model.data_preprocessor.view_size
        self.model.to(self.device).train()
        self.wrapper: OptimWrapper = build_optim_wrapper(self.model, optim)
        generator = torch.Generator().manual_seed(0)
        shape = (3, self.size, self.size)
        self.images = [
            torch.randint(256, shape, generator=generator, dtype=torch.uint8)
            for _ in range(setting.batch or batch)
        ]
        self.subnets: list[Subnet] = []
        if setting.alone is None:
            self.subnets = self._subnets(setting)
            self.sampler = self.model.subnet_sampler

    def _subnets(self, setting: Setting) -> list[Subnet]:
        if not isinstance(self.model, ElasticAlgorithm):
            raise NoSubnets(f"{setting.config} trains no sub-nets; name another config")
        backbone = self.model.backbone
        names = setting.subnets or ["MAX", "MIN", backbone.space.sample(0).name]
        return [backbone.resolve(name) for name in names]

    def run(self, subnets: Sequence[Subnet] = ()) -> None:
        """One whole step, of ``subnets`` if the model has such."""
        if subnets:
            space = self.model.backbone.space
            self.model.subnet_sampler = FixedSubnets(space, subnets)
        self.model.train_step({"inputs": self.images}, self.wrapper)

    def share(self) -> None:
        """The part of a step that all its sub-nets share."""
        with self.wrapper.optim_context(self.model), torch.no_grad():
            batch = self.model.data_preprocessor({"inputs": self.images}, True)
            self.inputs, self.shared = batch["inputs"], self.model.prepare(**batch)

    def run_subnet(self, subnet: Subnet) -> None:
        """Forward and backward of one sub-net, as in an ordinary step."""
        with self.wrapper.optim_context(self.model):
            losses = self.model.subnet_loss(self.inputs, self.shared, subnet)
        loss, _ = self.model.parse_losses(losses)
        self.wrapper.backward(loss)

    def optimize(self) -> None:
        """The optimizer's step."""
        self.wrapper.step()
        self.wrapper.zero_grad()

    def seconds(self, function: Callable[[], object]) -> float:
        """Runs ``function`` on the device's clock; see `Clock`."""
        return self.clock.seconds(function)


def read_config(name: str) -> Config:
    """Reads a training config and makes its scope the default."""
    current = DefaultScope.get_current_instance()
    if current is None or current.scope_name != "mmtaskssl":
        init_default_scope("mmtaskssl")
    return load_config(name, {})


def device_name(device: torch.device) -> str:
    """Returns what a table says of the device."""
    if device.type == "cpu":
        return f"CPU ({torch.get_num_threads()} thread(s))"
    return torch.cuda.get_device_name(device)
