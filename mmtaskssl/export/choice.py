"""The former place of `mmtaskssl.networks.choice`."""

from ..networks.choice import choose_subnets

__all__ = ["choose_subnets"]
