"""Several networks of one shape as one."""

import copy
import dataclasses
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..networks import Network
from ..utils.families import WeightsMismatch
from ..weights import STATISTICS
from .arm import GENERIC


@torch.no_grad()
def mixed(networks: Mapping[str, Network], shares: Mapping[str, float]) -> Network:
    """Returns the network whose weights are a mean of others'.

    Model soups (Wortsman et al., ICML 2022, arXiv 2203.05482) of networks that branched
    off from the same weights; it costs what one of them costs.

    Args:
        networks: By name.
        shares: Of some of them; they sum to 1.

    Raises:
        UserError: The networks differ in more than their weights.
    """
    used = {name: share for name, share in shares.items() if share > 0}
    total = sum(used.values())
    states = {name: _state(networks[name]) for name in used}
    first, *others = states.values()
    for other in others:
        odd = sorted(first.keys() ^ other.keys())
        odd = odd or [k for k in first if first[k].shape != other[k].shape]
        if odd:
            raise WeightsMismatch(
                f"networks that differ in {odd[0]} have no mean: {', '.join(states)}"
            )
    state = {}
    for key, value in first.items():
        if not value.is_floating_point():
            state[key] = value
            continue
        parts = [
            states[name][key].double() * (share / total) for name, share in used.items()
        ]
        state[key] = torch.stack(parts).sum(0).to(value.dtype)
    if len(used) == 1:  # exactly
        state = first
    base = networks[next(iter(used))]
    backbone = copy.deepcopy(base.backbone)
    backbone.load_state_dict(state, strict=False)
    changed = {"mixed": {name: share / total for name, share in used.items()}}
    return dataclasses.replace(
        base, backbone=backbone, state=state, prefix="", changed=changed
    )


def gates(
    votes: Sequence[float], leaves: Mapping[str, Sequence[int]]
) -> dict[str, float]:
    """Returns the share of each specialist for a target, and of the generic network.

    That of a cluster is divided among the specialists that were trained on it; the
    generic network has what none was.

    Args:
        votes: Share of the target in each cluster; they sum to 1.
        leaves: Clusters of each specialist, by name.
    """
    shares = dict.fromkeys((*leaves, GENERIC), 0.0)
    for leaf, vote in enumerate(votes):
        homes = [name for name, of in leaves.items() if leaf in of] or [GENERIC]
        for name in homes:
            shares[name] += vote / len(homes)
    return shares


def share_statistics(networks: Mapping[str, Network]) -> bool:
    """Whether all batch norms have the same statistics, as where they were frozen."""
    first, *others = (_state(network) for network in networks.values())
    return all(
        torch.equal(first[key], other[key])
        for other in others
        for key in first
        if "running_" in key
    )


def _state(network: Network) -> dict[str, Tensor]:
    state = network.backbone.state_dict()
    return {k: v for k, v in state.items() if not k.startswith(STATISTICS)}
