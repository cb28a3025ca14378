from .group_regularisation import GroupRegularisation

__all__ = ["GroupRegularisation"]
