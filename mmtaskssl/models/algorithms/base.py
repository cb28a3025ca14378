"""What the two-view algorithms share."""

from collections.abc import Sequence

import torch
from mmengine.dist import get_world_size

from mmtaskssl.utils.errors import UserError

from ..elastic import NormView


class TwoViewMixin:
    """Mixed into the host's algorithms, before them in the bases."""

    def extract_feat(
        self, inputs: torch.Tensor | Sequence[torch.Tensor], data_samples=None
    ) -> tuple[torch.Tensor, ...]:
        """Returns the backbone's feature maps.

        Args:
            inputs: Images (N, 3, H, W), or a list of views, whose first is used.
            data_samples: Ignored.
        """
        if not isinstance(inputs, torch.Tensor):
            inputs = inputs[0]
        return self.backbone(inputs)

    def check_batch(self, batch_size: int) -> None:
        """Refuses a per-process batch size that this model cannot train with.

        Args:
            batch_size: Images a process and step.

        Raises:
            UserError: Fewer than two images: batch norm needs a spread.
        """
        if batch_size < 2:
            raise UserError(
                f"a batch of {batch_size} image per process cannot be normalised by "
                "batch norm; set train_dataloader.batch_size to 2 or more"
            )

    def _predict(self, z: torch.Tensor, view: NormView | None = None) -> torch.Tensor:
        """Maps projections (N, C) to predictions (N, C).

        Args:
            z: Projections.
            view: The sub-net's, for a predictor with batch norms for each.
        """
        predictor = self.head.predictor
        switched = view is not None and getattr(predictor, "num_switches", 1) > 1
        return predictor([z], view)[0] if switched else predictor([z])[0]

    def _latent_loss(self, z: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The head's loss between ``predictor(z)`` and ``target``, in float32.

        The host compares in the autocast type, where 1 - cos of nearly equal
        vectors keeps two digits.

        Args:
            z: Projections (N, C).
            target: Projections (N, C) of the other view; receives no gradient.
        """
        prediction = self._predict(z)
        return self.head.loss(prediction.float(), target.detach().float())


def global_batch_size(batch_size: int) -> int:
    """Returns the images a step over all processes."""
    return batch_size * get_world_size()
