"""Which images to take: a policy is a function from `SelectionTask` to `Selection`."""

from .class_balanced import class_balanced
from .cluster import cluster
from .importance import importance
from .random import random, random_by_source
from .round_robin import round_robin
from .score import score
from .simcore import simcore
from .whitened import whitened

POLICIES = {
    policy.__name__: policy
    for policy in (
        round_robin,
        score,
        class_balanced,
        cluster,
        simcore,
        whitened,
        importance,
        random,
        random_by_source,
    )
}

__all__ = ["POLICIES", *POLICIES]
