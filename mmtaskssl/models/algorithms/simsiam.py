import torch
from mmselfsup.models.algorithms import SimSiam as _SimSiam

from mmtaskssl.registry import MODELS

from .base import WHOLE, TwoViewMixin


@MODELS.register_module()
class SimSiam(TwoViewMixin, _SimSiam):
    """The host's SimSiam, with its loss in float32 under autocast.

    Chen and He, *Exploring Simple Siamese Representation Learning*, CVPR 2021. The
    predictor's constant learning rate (section 4.1 of the paper) is set by
    `FixedLrHook` and an optimizer group with ``fix_lr=True``.

    Args:
        **kwargs: The host's: ``backbone``, ``neck``, ``head``, ``pretrained``,
            ``data_preprocessor``, ``init_cfg``.
    """

    def loss(
        self, inputs: list[torch.Tensor], data_samples=None, **kwargs
    ) -> dict[str, torch.Tensor]:
        """Symmetric negative cosine with a stopped gradient (equation 2).

        Args:
            inputs: Two views, each (N, 3, H, W), and any local ones.
            data_samples: Ignored.
            **kwargs: Ignored.

        Returns:
            ``loss``, a scalar in [-1, 1].
        """
        projections = [self.neck(self.backbone(view))[0] for view in inputs]
        return {"loss": 0.5 * self._latent_loss(projections, projections[:WHOLE])}
