"""Centre and scale of a teacher's features."""

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor, nn

from mmtaskssl.utils.families import BadConfigValue

KINDS = ("none", "centre", "isotropic", "standard")
_EPS = 1e-6


class TargetNorm(nn.Module):
    """Takes a teacher's mean away from its features, and divides by their spread.

    Without centring, a cosine loss is dominated by the mean, which all features share.
    ``isotropic`` divides by one number, the root of the mean variance, and is PHI-S
    (Ranzinger et al., arXiv 2410.01680, section 3) but for its rotation, which neither
    a cosine nor a squared loss behind a linear head can see. ``standard`` divides each
    feature by its own deviation.

    Mean and variance are those of all features seen so far, of all processes and the
    current batch among them, until ``images`` have been seen; then they stay. So the
    target is the same for all sub-nets of a step, and fixed for most of a training.
    They are buffers: a resumed training goes on with the same.

    Args:
        dim: Features.
        kind: ``none``, ``centre``, ``isotropic`` or ``standard``.
        images: From how many images, at least, the statistics are taken.

    Raises:
        UserError: An unknown kind, or no images.
    """

    def __init__(self, dim: int, kind: str = "none", images: int = 4096) -> None:
        super().__init__()
        if kind not in KINDS:
            raise BadConfigValue(f"norm is one of {', '.join(KINDS)}, not {kind!r}")
        if images < 2:
            raise BadConfigValue(f"norm_images must be 2 or more, not {images}")
        self.kind, self.images = kind, images
        if kind != "none":
            self.register_buffer("count", torch.zeros((), dtype=torch.long))
            self.register_buffer("mean", torch.zeros(dim))
            self.register_buffer("variance", torch.zeros(dim))
        # The count, known without waiting for the device; None: read it.
        self._count: int | None = 0

    @torch.no_grad()
    def update(self, features: Tensor) -> None:
        """Takes a step's features into the statistics, while they are being taken.

        Args:
            features: (N, D) of this process; N is equal in all.
        """
        if self.kind == "none":
            return
        if self._count is None:
            self._count = int(self.count)
        if self._count >= self.images:
            return
        features = features.float()
        new = len(features) * get_world_size()
        mean = features.sum(0)
        all_reduce(mean)
        mean = mean / new
        squares = (features - mean).square().sum(0)
        all_reduce(squares)
        # Chan et al.'s update of a mean and a variance by those of more values.
        old, total = self._count, self._count + new
        step = mean - self.mean
        squares = self.variance * old + squares + step.square() * (old * new / total)
        self.variance.copy_(squares / total)
        self.mean.add_(step * (new / total))
        self._count = total
        self.count.fill_(total)

    def forward(self, features: Tensor) -> Tensor:
        """Returns normalised features, in float32.

        Args:
            features: (N, D), or (N, D, H, W) maps; or of the first of D alone, which
                a narrower student has.
        """
        features = features.float()
        if self.kind == "none":
            return features
        channels = features.shape[1]
        shape = (1, channels) + (1,) * (features.dim() - 2)
        features = features - self.mean[:channels].view(shape)
        if self.kind == "isotropic":
            return features / (self.variance.mean().sqrt() + _EPS)
        if self.kind == "standard":
            scale = self.variance[:channels].sqrt() + _EPS
            return features / scale.view(shape)
        return features

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._count = None
