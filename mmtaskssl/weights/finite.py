"""Weights with values that are no numbers, which would make every result one."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from ..utils.errors import UserError
from ..utils.families import NotFinite

# Where a checkpoint keeps the batch-norm statistics of an elastic backbone's calibrated
# sub-nets, see `models.elastic.SubnetStatistics`.
STATISTICS = "subnet_statistics."
_OF_NORMS = ("running_mean", "running_var")


def check_finite(
    module: nn.Module, state: Mapping[str, Tensor], source: str, what: str
) -> None:
    """Refuses weights that are no numbers; other buffers may be, such as masks.

    Weights are no numbers where they are NaN or infinite, variances where they are
    negative, of which batch norm would take the root. Whole numbers are no weights:
    a quantised network's mean something else.

    Args:
        module: Whose weights they are.
        state: By the module's names; others are not looked at.
        source: Where they come from, for messages.
        what: What the module is, for messages.

    Raises:
        UserError: Some are.
    """
    # By the names of its state, which need not be those of its parts: networks of
    # libraries keep the library's own.
    own = module.state_dict(keep_vars=True)
    names = {name for name, value in own.items() if isinstance(value, nn.Parameter)}
    looked_at = [
        k for k in state if k in names or k.endswith(_OF_NORMS) or STATISTICS in k
    ]
    check_numbers({k: state[k] for k in looked_at}, source, what)


def check_numbers(weights: Mapping[str, Tensor], source: str, what: str) -> None:
    """Refuses weights as `check_finite` does, of no module.

    Args:
        weights: Parameters and statistics of norms, without counters.
        source: Where they come from, for messages.
        what: What they are of, for messages.

    Raises:
        UserError: Some are no numbers.
    """
    bad = [k for k, v in weights.items() if not bool(v.isfinite().all())]
    if bad:
        raise no_numbers(source, what, bad, len(weights))
    of_norms = [k for k in weights if k.endswith("running_var")]
    negative = [k for k in of_norms if bool((weights[k] < 0).any())]
    whole = [k for k, v in weights.items() if not v.is_floating_point()]
    for bad, words in (
        (negative, "are variances below zero"),
        (whole, "hold whole numbers (those of a quantised network, perhaps)"),
    ):
        if bad:
            raise NotFinite(
                f"{source} is of no use: {len(bad)} of the {what}'s {len(weights)} "
                f"tensors {words}, such as {bad[0]}: name another file"
            )


def no_numbers(source: str, what: str, bad: Sequence[str], count: int) -> UserError:
    """Returns what refuses weights that are NaN or infinite.

    Args:
        source: Where they come from.
        what: What they are of.
        bad: Their names.
        count: So many were looked at.
    """
    return NotFinite(
        f"{source} is of no use: {len(bad)} of the {what}'s {count} tensors hold NaN "
        f"or infinity, such as {bad[0]} (its training had diverged, or the file is "
        "damaged)"
    )
