"""Names that a command line offers, without importing what they name."""

#: The policies, see `policies.POLICIES`.
POLICY_NAMES = (
    "round_robin",
    "score",
    "class_balanced",
    "cluster",
    "simcore",
    "random",
    "random_by_source",
)
#: How the leak guard compares images. "auto": by pixels where both can be read.
METHODS = ("auto", "pixels", "features")
