"""Label-free search for the sub-net that suits a target (DATA, CVPR 2022)."""

from .api import SearchOptions, open_search, score_subnets
from .budget import Budget
from .search import Search

__all__ = ["Budget", "Search", "SearchOptions", "open_search", "score_subnets"]
