from .elastic_densecl_neck import ElasticDenseCLNeck
from .elastic_nonlinear_neck import ElasticNonLinearNeck
from .per_width_neck import PerWidthNeck

__all__ = ["ElasticDenseCLNeck", "ElasticNonLinearNeck", "PerWidthNeck"]
