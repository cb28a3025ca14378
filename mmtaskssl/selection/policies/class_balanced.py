"""The same number of images for every class of the target."""

import numpy as np

from ...utils.families import BadLabels
from ..task import Selection, SelectionTask
from .quotas import water_fill
from .random import first_of_each
from .round_robin import in_rank_order


def class_balanced(task: SelectionTask) -> Selection:
    """Gives every target class an equal quota, filled round-robin by its queries.

    An image belongs to the class of the query where it ranks best. What a class
    cannot fill, even with the whole pool ranked, is shared among the others.

    Raises:
        UserError: The target has no labels, or not for every image.
    """
    check_labels(task)
    classes, labels = np.unique(task.labels, return_inverse=True)
    k = task.first_k
    while True:
        found = in_rank_order(task.hits(k))
        groups = labels[found.queries]
        supply = np.bincount(groups, minlength=len(classes))
        even = -(-task.budget // len(classes))
        if supply.min() >= even or k >= task.reachable:
            break
        k = min(2 * k, task.reachable)
    keep = first_of_each(groups, water_fill(task.budget, supply))
    return Selection(
        found.rows[keep],
        found.scores[keep],
        found.queries[keep],
        found.query_ranks[keep],
    )


def check_labels(task: SelectionTask) -> None:
    """Refuses a target that has no label for some image.

    Raises:
        UserError: It has none.
    """
    if task.labels is None or (task.labels < 0).any():
        raise BadLabels(
            "policy class_balanced needs a label for every target image: extract the "
            "target from folders named by class, or use the policy round_robin"
        )
