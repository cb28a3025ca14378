import torch
from mmselfsup.models.algorithms.base import BaseModel

from mmtaskssl.registry import MODELS

from .base import TwoViewMixin


@MODELS.register_module()
class JointEmbedding(TwoViewMixin, BaseModel):
    """Views of an image are embedded alike, by one network and no other.

    The objective is the head's, LeJEPA's (`SIGRegHead`) or VICReg's (`VICRegHead`).
    There is no queue, no averaged network, no predictor and no need of a large batch.
    Local views (``data_preprocessor.local_views``) only ever approach the whole ones.

    Args:
        **kwargs: The host's: ``backbone``, ``neck``, ``head``, ``pretrained``,
            ``data_preprocessor``, ``init_cfg``.
    """

    def loss(
        self, inputs: list[torch.Tensor], data_samples=None, **kwargs
    ) -> dict[str, torch.Tensor]:
        """Computes the head's loss.

        Args:
            inputs: Views (N, 3, H, W), two whole ones first, of any sizes.
            data_samples: Ignored.
            **kwargs: Ignored.

        Returns:
            ``loss``, and the head's terms for the log.
        """
        views = [self.neck(self.backbone(view))[0] for view in inputs]
        return self.head.loss(views, self.head.draw(views[0].shape[1], views[0].device))
