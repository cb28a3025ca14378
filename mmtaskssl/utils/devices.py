"""Where a tool computes: one option, one meaning."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .errors import UserError

if TYPE_CHECKING:
    import torch

AUTO = "auto"
"""The GPU if there is one, else the CPU."""


def add_device_option(parser: argparse._ActionsContainer, purpose: str = "") -> None:
    """Adds ``--device``, whose value is for `pick_device`.

    Args:
        parser: Or a group of its arguments.
        purpose: What it is for, where not for the whole tool.
    """
    text = "auto, cpu, cuda, cuda:1, ... (default: cuda if there is one, else cpu)"
    parser.add_argument(
        "--device", default=AUTO, help=f"{purpose}, {text}" if purpose else text
    )


def pick_device(name: str | torch.device = AUTO) -> torch.device:
    """Returns the device of that name; ``auto`` takes the GPU if there is one.

    Args:
        name: A name of torch's, or ``auto``.

    Raises:
        UserError: No such device here.
    """
    # Late: it takes seconds, and --help needs only the option.
    import torch

    if name == AUTO:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"device {str(name)!r} cannot be used ({reason})") from error
    return device
