"""Every member of the space, every step."""

from ...registry import SUBNET_SAMPLERS
from ..spec import Subnet
from .base import SubnetSampler


@SUBNET_SAMPLERS.register_module()
class AllSubnets(SubnetSampler):
    """MAX, then all other members: the training of slimmable networks.

    Args:
        space: What to draw from, or its config.
        seed: Unused, because nothing is drawn.
    """

    def sample(self, step: int, max_steps: int) -> list[Subnet]:
        """See `SubnetSampler.__call__`."""
        largest = self.space.max
        return [largest, *(subnet for subnet in self.space if subnet != largest)]
