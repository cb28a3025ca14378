"""How much a task's images look like each cluster, without labels."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

_NEIGHBOURS = 20
_TEMPERATURE = 0.07


class Overlap:
    """Shares of a task's images by cluster.

    Each image of the task votes for the clusters of its nearest pool images in the
    feature space of MAX, as in weighted kNN. It agrees with a path, between 0 and 1,
    as far as its votes lie in the path's cluster at each level of the tree, coarse to
    fine, all levels counting alike: groups are shared by clusters that lie close in
    the tree, so a path may suit although its own cluster has few votes.

    Args:
        target: (N, D) features of the task's images.
        pool: (M, D) features of pool images, as many of each cluster.
        leaf: (M,) their clusters.
        tree: Branches at each level, coarse first.

    Attributes:
        votes (Tensor): (N, leaves), rows sum to 1.
        agreement (Tensor): (N, leaves), 0..1.
    """

    def __init__(self, target: Tensor, pool: Tensor, leaf: Tensor, tree: Sequence[int]):
        leaves = math.prod(tree)
        target = F.normalize(target.float(), dim=1)
        similarity = target @ F.normalize(pool.float(), dim=1).T
        # More neighbours than a cluster has images would have to be others'.
        count = min(_NEIGHBOURS, int(leaf.bincount().max()))
        nearest, index = similarity.topk(count, dim=1)
        weight = (nearest / _TEMPERATURE).softmax(dim=1)
        self.votes = torch.zeros(len(target), leaves)
        self.votes.scatter_add_(1, leaf[index], weight)
        self.agreement = torch.zeros_like(self.votes)
        splits = [level for level, branches in enumerate(tree, 1) if branches > 1]
        for level in splits:
            below = math.prod(tree[level:])
            nodes = self.votes.unflatten(1, (-1, below)).sum(dim=2)
            self.agreement += nodes.repeat_interleave(below, dim=1) / len(splits)

    @property
    def scores(self) -> Tensor:
        """(leaves,) mean agreement of the task's images."""
        return self.agreement.mean(dim=0)

    @property
    def effective_leaves(self) -> float:
        """Over how many clusters the votes are spread: exp of their entropy."""
        share = self.votes.mean(dim=0)
        share = share[share > 0]
        return float(torch.exp(-(share * share.log()).sum()))

    @property
    def spans_the_pool(self) -> bool:
        """Whether the votes are spread over more than half of the clusters.

        Then no path is the task's own, and label-free routing answers MAX (our rule).
        """
        return self.effective_leaves > self.votes.shape[1] / 2
