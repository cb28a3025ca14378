from typing import Any

import torch
from mmselfsup.models.algorithms import BYOL as _BYOL
from mmselfsup.models.algorithms.base import BaseModel

from mmtaskssl.registry import MODELS

from .base import WHOLE, TwoViewMixin
from .momentum import MomentumEncoder


@MODELS.register_module()
class BYOL(TwoViewMixin, _BYOL):
    """The host's BYOL, fit for CPU, accumulation, AMP and exact resume.

    Grill et al., *Bootstrap Your Own Latent*, NeurIPS 2020. The target is a
    `MomentumEncoder` whose momentum rises along a cosine over the training. With
    ``CosineSimilarityLoss(shift_factor=1)`` the loss is the paper's, the sum over
    both directions of 2 - 2 cos (equations 2 and 3); the host's default shift of 0
    lowers it by 4 and leaves the gradient alone.

    Args:
        base_momentum: Share of the target that one update keeps at the start.
        end_momentum: The same at the end of the training.
        distill: See `TwoViewMixin`.
        train_only: See `TwoViewMixin`.
        **kwargs: The host's: ``backbone``, ``neck``, ``head``, ``pretrained``,
            ``data_preprocessor``, ``init_cfg``.
    """

    def __init__(
        self,
        *args,
        base_momentum: float = 0.996,
        end_momentum: float = 1.0,
        distill: Any = None,
        train_only: str | None = None,
        **kwargs,
    ) -> None:
        # Past the host's own constructor, which would build its target first.
        BaseModel.__init__(self, *args, **kwargs)
        self._set_teachers(distill, train_only)
        self.target_net = MomentumEncoder(
            self.backbone,
            self.neck,
            momentum=base_momentum,
            end_momentum=end_momentum,
        )

    def loss(
        self, inputs: list[torch.Tensor], data_samples=None, **kwargs
    ) -> dict[str, torch.Tensor]:
        """Symmetric regression of the target's projection.

        Args:
            inputs: Two views, each (N, 3, H, W), and any local ones.
            data_samples: Ignored.
            **kwargs: Ignored.

        Returns:
            ``loss``, a scalar.
        """
        online = [self.neck(self.backbone(view))[0] for view in inputs]
        return {"loss": 2 * self._latent_loss(online, self._targets(inputs))}

    @torch.no_grad()
    def _targets(self, views: list[torch.Tensor]) -> list[torch.Tensor]:
        """Moves the target network; returns its projections (N, C) of whole views."""
        self.target_net.update(self.backbone, self.neck)
        return [self.target_net(view)[0] for view in views[:WHOLE]]
