from .elastic_nonlinear_neck import ElasticNonLinearNeck

__all__ = ["ElasticNonLinearNeck"]
