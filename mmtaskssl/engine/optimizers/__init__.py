from .auto_precision import AutoPrecisionOptimWrapper
from .bfloat16 import BFloat16OptimWrapper
from .safe_base import SafeOptimizer
from .safe_lars import SafeLARS
from .safe_sgd import SafeSGD

__all__ = [
    "AutoPrecisionOptimWrapper",
    "BFloat16OptimWrapper",
    "SafeLARS",
    "SafeOptimizer",
    "SafeSGD",
]
