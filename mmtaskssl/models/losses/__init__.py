from .cosine_regression import CosineRegression
from .dense_affinity import DenseAffinity
from .dense_cosine import DenseCosine
from .group_regularisation import GroupRegularisation
from .partial_bce import PartialBinaryCrossEntropy
from .similarity_matching import SimilarityMatching
from .squared_regression import SquaredRegression
from .target_norm import TargetNorm

__all__ = [
    "CosineRegression",
    "DenseAffinity",
    "DenseCosine",
    "GroupRegularisation",
    "PartialBinaryCrossEntropy",
    "SimilarityMatching",
    "SquaredRegression",
    "TargetNorm",
]
