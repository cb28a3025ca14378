"""Scores of sub-nets' features that need no labels, see `Score`.

A panel of them is computed in one pass by `mmtaskssl.search.panel`.
"""

from .affinity import AffinityLikeness
from .alignment import Alignment
from .base import Reference, Score, Seen, build_scores
from .cka import LinearCKA
from .cluster_agreement import ClusterAgreement
from .effective_rank import EffectiveRank
from .lidar import Lidar
from .neighbour_overlap import NeighbourOverlap
from .pseudo_classes import PseudoClasses
from .spectrum_decay import SpectrumDecay
from .teacher_cosine import TeacherCosine
from .teacher_neighbours import TeacherNeighbours
from .teacher_ridge import TeacherRidge
from .uniformity import Uniformity
from .view_consistency import ViewConsistency

__all__ = [
    "AffinityLikeness",
    "Alignment",
    "ClusterAgreement",
    "EffectiveRank",
    "Lidar",
    "LinearCKA",
    "NeighbourOverlap",
    "PseudoClasses",
    "Reference",
    "Score",
    "Seen",
    "SpectrumDecay",
    "TeacherCosine",
    "TeacherNeighbours",
    "TeacherRidge",
    "Uniformity",
    "ViewConsistency",
    "build_scores",
]
