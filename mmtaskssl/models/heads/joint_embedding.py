"""What heads of objectives without negatives, queue or averaged teacher share."""

import functools
import operator
from abc import abstractmethod
from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor


class JointEmbeddingHead(BaseModule):
    """Pulls the embeddings of an image's views together, and keeps them apart.

    Views may be of any number and size: the first are whole, the others (local ones)
    parts. Every view approaches the whole ones. What keeps embeddings from becoming
    one, `spread`, looks at the batch of each view by itself.

    The loss is computed in float32, and over the images of all processes.
    """

    def draw(self, dim: int, device: torch.device) -> Tensor | None:
        """Returns what the head draws for a step, the same in all processes.

        To be called once a step, so that all sub-nets of it share the draws.

        Args:
            dim: Features of an embedding.
            device: Where they are.
        """
        return None

    def loss(
        self,
        views: Sequence[Tensor],
        drawn: Tensor | None = None,
        centre: Tensor | None = None,
        num_whole: int = 2,
    ) -> dict[str, Tensor]:
        """Returns ``loss``, and its terms without a gradient for the log.

        Args:
            views: Embeddings (N, D) of each view, whole ones first.
            drawn: What `draw` returned.
            centre: What each view approaches (N, D), of a teacher; it gets no gradient.
                None: the mean of the whole views, which does.
            num_whole: Views that are whole.
        """
        with torch.autocast(views[0].device.type, enabled=False):
            embedded = torch.stack([view.float() for view in views])  # (V, N, D)
            match = self.match(embedded, centre, num_whole)
            terms = {"match": match, **self.spread(embedded, drawn)}
            loss = functools.reduce(operator.add, terms.values())
            return {"loss": loss, **{k: v.detach() for k, v in terms.items()}}

    @abstractmethod
    def match(self, views: Tensor, centre: Tensor | None, num_whole: int) -> Tensor:
        """Returns the weighted distance of views (V, N, D), see `loss`."""

    @abstractmethod
    def spread(self, views: Tensor, drawn: Tensor | None) -> dict[str, Tensor]:
        """Returns the weighted terms that keep embeddings (V, N, D) apart."""


def distance_to_centre(views: Tensor, centre: Tensor | None, num_whole: int) -> Tensor:
    """Returns the mean squared distance of views from their images' centres.

    Args:
        views: (V, N, D).
        centre: (N, D), without gradient; None: the mean of the whole views.
        num_whole: Views that are whole.
    """
    own = centre is None
    centre = views[:num_whole].mean(0) if own else centre.detach().float()
    return (views - centre).square().mean()
