"""Scores of sub-nets' features that need no labels, see `Score`.

A panel of them is computed in one pass by `mmtaskssl.search.panel`. One of your own
is a subclass, registered in `SEARCH_SCORES`.
"""

from .base import (
    AGAINST,
    Reference,
    Score,
    Seen,
    build_scores,
    centred,
    named,
    other,
    required,
)
from .effective_rank import EffectiveRank
from .neighbour_overlap import NeighbourOverlap
from .teacher_ridge import TeacherRidge

__all__ = [
    "AGAINST",
    "EffectiveRank",
    "NeighbourOverlap",
    "Reference",
    "Score",
    "Seen",
    "TeacherRidge",
    "build_scores",
    "centred",
    "named",
    "other",
    "required",
]
