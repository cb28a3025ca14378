"""Names that a command line offers, without importing what they name."""

#: See `strategies.STRATEGIES`.
STRATEGY_NAMES = ("random", "evolution", "grid")
#: See `metrics.METRICS`.
METRIC_NAMES = ("global", "dense", "dense-raw")
#: Statistics of the teacher's batch norms: from the images, or as trained.
TEACHER_BN = ("images", "stored")
