from .group_regularisation import GroupRegularisation
from .partial_bce import PartialBinaryCrossEntropy

__all__ = ["GroupRegularisation", "PartialBinaryCrossEntropy"]
