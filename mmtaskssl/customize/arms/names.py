"""Names of arms, without importing them: what a command line offers."""

#: Those that may be asked for; the controls on random images come with their arms.
NAMES = (
    *("start", "norms", "untrained", "generic", "generic-long"),
    *("continued", "continued-target", "distilled", "branched", "branched-long"),
    *("scratch", "specialist", "slimmed", "searched", "routed"),
)
