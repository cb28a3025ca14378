"""The slowly moving copy of an encoder that MoCo and BYOL compare against."""

import math
from copy import deepcopy
from weakref import WeakSet

import torch
from mmengine.logging import MessageHub
from torch import nn
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook

from mmtaskssl.subnets import Subnet

# Those that wait for an optimizer to step.
_WAITING: "WeakSet[MomentumEncoder]" = WeakSet()


def _after_step(optimizer: Optimizer, args, kwargs) -> None:
    for encoder in list(_WAITING):
        encoder.note_step(optimizer)


register_optimizer_step_post_hook(_after_step)


class MomentumEncoder(nn.Module):
    """Exponential moving average of ``nn.Sequential(*sources)``.

    Differs from mmengine's averaged models, which the host uses, in three points:

    - batch-norm statistics are the copy's own, as in the papers' code, instead of
      being overwritten with the online network's before every step; the average
      can therefore be evaluated as a network of its own;
    - `update` moves once for each optimizer step, not once for each forward, so
      that gradient accumulation leaves the average's time scale alone;
    - the momentum schedule follows the share of the training that is done.

    Keys in a checkpoint are the host's: ``module.0.*`` (backbone), ``module.1.*``
    (neck), ``steps``.

    Args:
        sources: The online modules, in forward order.
        momentum: Share of the old value that one update keeps.
        end_momentum: If given, ``momentum`` rises to it along a cosine over the
            training (BYOL, section 3.3).
    """

    def __init__(
        self, *sources: nn.Module, momentum: float, end_momentum: float | None = None
    ) -> None:
        super().__init__()
        self.module = deepcopy(nn.Sequential(*sources)).requires_grad_(False)
        self.momentum = momentum
        self.end_momentum = momentum if end_momentum is None else end_momentum
        self.register_buffer("steps", torch.tensor(0, dtype=torch.long))
        self._seen_versions: list[int] | None = None
        self._online: set[int] = set()
        # Whether it ever moved, known without waiting for the device; None: read it.
        self._moved: bool | None = None
        self._resumed_inside = False

    def forward(
        self, x: torch.Tensor, subnet: Subnet | None = None
    ) -> list[torch.Tensor]:
        """Applies the averaged modules to images.

        Args:
            x: (N, 3, H, W).
            subnet: What an elastic backbone, and its neck, run; None: the default one.
        """
        if subnet is None:
            return self.module(x)
        backbone, neck = self.module
        return neck(backbone(x, subnet), backbone.norm_view(subnet))

    def current_momentum(self) -> float:
        """The momentum at this point of the training.

        Outside a Runner, where no length of the training is known, it stays at
        its first value.
        """
        hub = MessageHub.get_current_instance()
        now, end = hub.get_info("iter"), hub.get_info("max_iters")
        if now is None or not end:
            return self.momentum
        rise = (1 - math.cos(math.pi * now / end)) / 2
        return self.momentum + (self.end_momentum - self.momentum) * rise

    @torch.no_grad()
    def update(self, *sources: nn.Module) -> None:
        """Moves towards the online parameters; the first call copies everything.

        To be called at the start of each forward in training. That is where the
        papers' "after each optimizer step" falls when the step itself lies outside
        the model.

        Args:
            sources: The online modules that were given at construction.
        """
        if self._stepped([p for source in sources for p in source.parameters()]):
            self.move(*sources)

    @torch.no_grad()
    def move(self, *sources: nn.Module) -> None:
        """As `update`, whether or not the online parameters have changed since.

        Args:
            sources: The online modules that were given at construction.
        """
        online = [p for source in sources for p in source.parameters()]
        average = list(self.module.parameters())
        if self._moved is None:
            self._moved = bool(self.steps > 0)
        if not self._moved:
            # Built before the online weights were initialised or loaded.
            torch._foreach_copy_(average, online)
            buffers = [b for source in sources for b in source.buffers()]
            for mine, theirs in zip(self.module.buffers(), buffers, strict=True):
                mine.copy_(theirs)
        else:
            torch._foreach_lerp_(average, online, 1 - self.current_momentum())
        self.steps += 1
        self._moved = True

    def note_step(self, optimizer: Optimizer) -> None:
        """Takes note that an optimizer has stepped, if it moves what is averaged.

        Args:
            optimizer: Any.
        """
        groups = (group["params"] for group in optimizer.param_groups)
        if any(id(p) in self._online for params in groups for p in params):
            _WAITING.discard(self)

    def resume_inside(self) -> None:
        """Takes note that a resumed training goes on between two steps."""
        self._resumed_inside = True

    def _stepped(self, online: list[nn.Parameter]) -> bool:
        """False inside an accumulation window, whose weights were already seen.

        Inside a window gradients lie on the parameters, the parameters are untouched,
        and no optimizer has stepped. Each sign alone can be missing: fused optimizers
        and those that write through ``.data`` leave a parameter's version alone,
        gradients may be zeroed in place, and a step may be taken by hand.
        """
        versions = [p._version for p in online]
        seen = self in _WAITING and versions == self._seen_versions
        inside = (seen or self._resumed_inside) and any(
            p.grad is not None for p in online
        )
        self._resumed_inside = False
        self._seen_versions = versions
        self._online = {id(p) for p in online}
        _WAITING.add(self)
        return not inside

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._moved = None
