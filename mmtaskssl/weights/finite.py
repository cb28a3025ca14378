"""Weights with values that are no numbers, which would make every result one."""

from collections.abc import Mapping

from torch import Tensor, nn

from ..utils.errors import UserError

_STATISTICS = ("running_mean", "running_var")


def check_finite(
    module: nn.Module, state: Mapping[str, Tensor], source: str, what: str
) -> None:
    """Refuses weights that are NaN or infinite; other buffers may be, such as masks.

    Args:
        module: Whose weights they are.
        state: By the module's names; others are not looked at.
        source: Where they come from, for messages.
        what: What the module is, for messages.

    Raises:
        UserError: Some are.
    """
    names = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    looked_at = [k for k in state if k in names or k.endswith(_STATISTICS)]
    bad = [k for k in looked_at if not bool(state[k].isfinite().all())]
    if bad:
        raise UserError(
            f"{source} is of no use: {len(bad)} of the {what}'s {len(looked_at)} "
            f"tensors hold NaN or infinity, such as {bad[0]} (its training had "
            "diverged, or the file is damaged)"
        )
