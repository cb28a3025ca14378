"""Where a tool computes: one option, one meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import checks
from .errors import option
from .families import BadLaunch, BadValue

if TYPE_CHECKING:
    import torch

AUTO = "auto"
"""The GPU if there is one, else the CPU."""


def pick_device(name: str | torch.device = AUTO) -> torch.device:
    """Returns the device of that name; ``auto`` takes the GPU if there is one.

    Args:
        name: A name of torch's, or ``auto``.

    Raises:
        UserError: No such device here.
    """
    # Late: it takes seconds, and --help needs only the option.
    import torch

    if not isinstance(name, str | torch.device):
        raise BadValue(
            f"{option('device')} must be a name of torch's, or {AUTO}, not "
            + checks.shown(name)
        )
    if name == AUTO:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise BadLaunch(f"device {str(name)!r} cannot be used ({reason})") from error
    return device
