"""Names that a command line offers, without importing what they name."""

from typing import Literal, TypeAlias, get_args

#: Which paths are looked at: all, those whose clusters the images look like, good ones
#: and their neighbours, or none but by their clusters.
RouterName: TypeAlias = Literal["exhaustive", "shortlist", "beam", "overlap"]
ROUTERS: tuple[RouterName, ...] = get_args(RouterName)
#: What scores a path.
ProbeName: TypeAlias = Literal["knn", "logme", "linear"]
PROBES: tuple[ProbeName, ...] = get_args(ProbeName)
#: "max": a path must be ahead of MAX by more than chance (our rule: the best of many
#: paths is partly the luckiest, and MAX suits other tasks, too). "one-se": by more than
#: one standard error of the paired difference (Breiman et al., 1984, section 3.4.3).
#: "score": the best score wins (as in arXiv 2205.13267), MAX at equal scores only.
Tie: TypeAlias = Literal["max", "one-se", "score"]
TIES: tuple[Tie, ...] = get_args(Tie)
#: Paths of the shortlist, and width of the beam.
SHORTLIST, BEAM = 16, 4
