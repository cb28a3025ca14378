"""Optimizers that leave weights without a gradient where they are."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from mmtaskssl.utils.families import BadConfigValue

# Parameters are updated together up to this many numbers: enough for a GPU to be
# busy, few enough for the temporary copies to be small beside the network. A CPU has
# nothing to gain from it but cache misses.
_CHUNK = 2**22
_CPU_CHUNK = 1


class SafeOptimizer(Optimizer):
    """Momentum and weight decay for the weights that took part in the step.

    A step of an elastic network may leave channels, blocks or paths out. Stock
    optimizers skip a parameter whose ``grad`` is None, but move the inactive slices of
    one that is used in part: weight decay shrinks them and old momentum carries them
    on, in every step in which they are not trained.

    Here an *element* whose gradient is exactly zero rests: its value and its momentum
    stay as they are, bit for bit. Backward passes through slices leave exact zeros
    outside, which summation over sub-nets and processes, unscaling and clipping keep.
    Elements, not channels, because the slices of several sub-nets overlap in any
    shape: also the idle inputs of a busy output rest. The price is that an active
    weight with a gradient of exactly zero, such as that of a dead unit or one that
    underflowed, rests for that step as well. Where no gradient is zero, results equal
    the stock optimizer's.

    Costs two to three times the stock optimizer's time on a CPU: 1 to 5 % of a step of
    64 or 16 images (``tools/benchmarks/speed_step.py`` measures it). It keeps as much
    state, and does not synchronise with the device.

    A parameter group may set any of the arguments, in a config by
    ``paramwise_cfg.custom_keys``.

    Args:
        params: Parameters or groups of them.
        lr: Learning rate.
        momentum: Share of the old step in the new one.
        weight_decay: Factor on the weights that is added to their gradient.
        nesterov: Whether to look ahead.
        move_inactive: True gives the stock behaviour: decay and momentum also move
            weights whose gradient is zero.
        own: What a subclass has besides, by name.

    Raises:
        UserError: A number is negative, or Nesterov's momentum has no momentum.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        move_inactive: bool = False,
        own: Mapping[str, Any] | None = None,
    ) -> None:
        numbers = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        for name, value in numbers.items():
            if value < 0:
                raise BadConfigValue(f"{name} must not be negative, unlike {value}")
        if nesterov and momentum == 0:
            raise BadConfigValue("nesterov=True needs a momentum above 0")
        flags = {"nesterov": nesterov, "move_inactive": move_inactive}
        super().__init__(params, {**numbers, **flags, **(own or {})})

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Moves the weights.

        Args:
            closure: Recomputes the loss, which is returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for params in _chunks(group["params"]):
                self._update(group, params)
        return loss

    @abstractmethod
    def direction(
        self,
        group: dict[str, Any],
        params: list[Tensor],
        grads: list[Tensor],
    ) -> tuple[list[Tensor], float]:
        """Returns what enters the momentum, and the factor on what leaves it.

        Args:
            group: Its settings.
            params: Values; zero where they rest.
            grads: Gradients, not to be changed.
        """

    def _update(self, group: dict[str, Any], params: list[Tensor]) -> None:
        grads = [p.grad for p in params]
        active, values = None, params
        if not group["move_inactive"]:
            active = torch._foreach_abs(torch._foreach_sign(grads))  # 1 or 0
            values = torch._foreach_mul(params, active)
        step, rate = self.direction(group, values, grads)
        momentum = group["momentum"]
        if momentum == 0:
            torch._foreach_add_(params, step, alpha=-rate)
            return
        buffers = moving = [self._buffer(p) for p in params]
        if active is not None:
            # Both parts are exact, so is their sum in the end.
            moving = torch._foreach_mul(buffers, active)
            torch._foreach_sub_(buffers, moving)
        torch._foreach_mul_(moving, momentum)
        torch._foreach_add_(moving, step)
        if group["nesterov"]:
            step = torch._foreach_add(step, moving, alpha=momentum)
        else:
            step = moving
        torch._foreach_add_(params, step, alpha=-rate)
        if active is not None:
            torch._foreach_add_(buffers, moving)

    def _buffer(self, param: Tensor) -> Tensor:
        state = self.state[param]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(param)
        return state["momentum_buffer"]


def _chunks(params: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    """Yields parameters with a gradient, alike in device and type, a few at a time."""
    chunk: list[Tensor] = []
    size = 0
    for param in params:
        if param.grad is None:
            continue
        alike = not chunk or (
            (param.device, param.dtype) == (chunk[0].device, chunk[0].dtype)
        )
        limit = _CPU_CHUNK if param.device.type == "cpu" else _CHUNK
        if chunk and (not alike or size + param.numel() > limit):
            yield chunk
            chunk, size = [], 0
        chunk.append(param)
        size += param.numel()
    if chunk:
        yield chunk
