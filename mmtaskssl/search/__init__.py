"""Label-free search for the sub-net that suits a target (DATA, CVPR 2022)."""

from .budget import Budget
from .search import Search, SearchOptions, open_search, score_subnets

__all__ = ["Budget", "Search", "SearchOptions", "open_search", "score_subnets"]
