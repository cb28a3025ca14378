"""Label-free scores that did not rank sub-nets best, kept to be compared with.

Those that a search offers are in `mmtaskssl.search.scores`. Importing registers these.
"""

from .affinity import AffinityLikeness
from .alignment import Alignment
from .cka import LinearCKA
from .cluster_agreement import ClusterAgreement
from .lidar import Lidar
from .pseudo_classes import PseudoClasses
from .spectrum_decay import SpectrumDecay
from .teacher_cosine import TeacherCosine
from .teacher_neighbours import TeacherNeighbours
from .uniformity import Uniformity
from .view_consistency import ViewConsistency

__all__ = [
    "AffinityLikeness",
    "Alignment",
    "ClusterAgreement",
    "Lidar",
    "LinearCKA",
    "PseudoClasses",
    "SpectrumDecay",
    "TeacherCosine",
    "TeacherNeighbours",
    "Uniformity",
    "ViewConsistency",
]
