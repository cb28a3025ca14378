"""Names that a command line offers, without importing what they name."""

#: Which paths are looked at: all, those whose clusters the images look like, good ones
#: and their neighbours, or none but by their clusters.
ROUTERS = ("exhaustive", "shortlist", "beam", "overlap")
#: What scores a path.
PROBES = ("knn", "logme", "linear")
#: "max": a path must be ahead of MAX by more than chance (our rule: the best of many
#: paths is partly the luckiest, and MAX suits other tasks, too). "score": the best
#: score wins (as in arXiv 2205.13267), MAX at equal scores only.
TIES = ("max", "score")
#: Paths of the shortlist, and width of the beam.
SHORTLIST, BEAM = 16, 4
