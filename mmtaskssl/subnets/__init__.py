"""What a sub-net is, which there are, which a step runs, and what each costs."""

from .spec import ALL, Subnet

__all__ = ["ALL", "Subnet"]
