"""What the layers of an elastic network need to know of its whole search space."""

from collections.abc import Callable

from ...subnets import ListSpace, ResNetArch, SearchSpace, Subnet
from ...subnets.samplers.progressive import live_paths
from ...utils.families import BadSpace
from ..elastic import Units

# As many have batch norms of their own at most: 256 paths and their union do.
MOST_SWITCHES = 512


def may_project(space: SearchSpace, layout: Callable[[Subnet], Units]) -> bool:
    """Whether some sub-net of ``space`` has a projection in its very first block.

    Args:
        space: Its listed members, or the largest of a grid and its neighbours, decide.
        layout: Maps a sub-net to its units.
    """
    if isinstance(space, ListSpace):
        subnets = list(space)
    else:
        # If two choices of stem or width exist, one of these differs from max in one.
        subnets = [space.max, *space.neighbours(space.max), *space.anchors.values()]
    return any("layer1.0.downsample.0" in layout(subnet) for subnet in subnets)


def switch_members(space: SearchSpace) -> list[Subnet]:
    """Returns the sub-nets that have switchable norms of their own, by their switch.

    Those of a routed network are MAX, its paths, and the partial paths that a
    progressive training runs before them.

    Raises:
        UserError: The space has too many members.
    """
    if isinstance(space, ListSpace):
        return list(space)
    if len(space) > MOST_SWITCHES:
        raise BadSpace(
            f"SwitchableBN keeps one batch norm per sub-net and layer, too many for "
            f"{len(space)} sub-nets: it needs a listed search space or one of at most "
            f"{MOST_SWITCHES}; take BN and calibrate, or GN"
        )
    members = dict.fromkeys([space.max, *space])
    if isinstance(space.arch, ResNetArch) and space.arch.routes is not None:
        phases = live_paths(space.max, space.arch.routes.groups)
        members |= dict.fromkeys(path for paths in phases for path in paths)
    return list(members)


def switch_layouts(
    space: SearchSpace, layout: Callable[[Subnet], Units]
) -> list[Units]:
    """Returns the layouts of a space whose sub-nets have norms of their own.

    Args:
        space: A list, the largest sub-net first, or a small grid such as the paths of
            a routed network, whose union comes first.
        layout: Maps a sub-net to its units.

    Raises:
        UserError: The space is no such one.
    """
    members = switch_members(space)
    layouts = [layout(subnet) for subnet in members]
    if members[0] != space.max or len({tuple(u) for u in layouts}) != 1:
        raise BadSpace("SwitchableBN needs sub-nets of equal depths, the largest first")
    return layouts
