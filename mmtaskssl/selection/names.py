"""Names that a command line offers, without importing what they name."""

from typing import Literal, TypeAlias, get_args

#: The policies, see `policies.POLICIES`.
Policy: TypeAlias = Literal[
    "round_robin",
    "score",
    "class_balanced",
    "cluster",
    "simcore",
    "whitened",
    "importance",
    "random",
    "random_by_source",
]
POLICY_NAMES: tuple[Policy, ...] = get_args(Policy)
#: How the leak guard compares images. "auto": by pixels where both can be read.
Method: TypeAlias = Literal["auto", "pixels", "features"]
METHODS: tuple[Method, ...] = get_args(Method)
