"""Models without memory: their tensors have shapes and types, but no values."""

import torch
from torch import Tensor, nn

from ..models.teachers import FrozenTeacher


def to_fake(module: nn.Module, device: str = "cuda") -> nn.Module:
    """Replaces a module's parameters and buffers by fake ones on ``device``.

    To be called within a `FakeTensorMode`. Parameters that are shared stay shared; an
    optimizer is built afterwards.

    Args:
        module: Of real tensors, on the CPU; it is changed.
        device: That they claim to lie on.
    """
    made: dict[int, Tensor] = {}

    def fake(tensor: Tensor) -> Tensor:
        if id(tensor) not in made:
            copy = torch.empty_strided(
                tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device
            )
            if isinstance(tensor, nn.Parameter):
                copy = nn.Parameter(copy, requires_grad=tensor.requires_grad)
            made[id(tensor)] = copy
        return made[id(tensor)]

    parts = [*module.modules()]
    for part in module.modules():  # a teacher's network is no sub-module
        parts += part.body.modules() if isinstance(part, FrozenTeacher) else ()
    for part in parts:
        for table in (part._parameters, part._buffers):
            table.update({k: fake(v) for k, v in table.items() if v is not None})
        if hasattr(part, "_views"):
            part._views.clear()  # an elastic backbone's, which may hold tensors
        if hasattr(part, "_device"):
            part._device = torch.device(device)  # mmengine's preprocessor
    return module
