"""What every teacher of `Distillation` has."""

import os
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmtaskssl.utils.families import CannotResume


class Taught(NamedTuple):
    """What a teacher says of N images.

    Attributes:
        feature: (N, D).
        dense: (N, C, H, W) map; None where it has none.
    """

    feature: Tensor
    dense: Tensor | None = None


class Teacher(nn.Module):
    """A frozen source of features.

    Its weights are no part of a checkpoint: only their hash is, by which another
    teacher is refused where a training is resumed.

    Args:
        name: For messages and the log.
        sha256: Of its weights, or features; hexadecimal.
        dim: Features of an image.
        labels: What it was trained to tell apart, such as "ImageNet-1k": knowledge of
            these labels reaches the student. None: not known.

    Attributes:
        view_size: Side of the images that it wants, pixels; None: it wants none.
    """

    view_size: int | None = None

    def __init__(
        self, name: str, sha256: str, dim: int, labels: str | None = None
    ) -> None:
        super().__init__()
        self.name, self.dim, self.labels = name, dim, labels
        digest = torch.frombuffer(bytearray.fromhex(sha256), dtype=torch.uint8)
        self.register_buffer("sha256", digest)

    @abstractmethod
    def teach(self, images: Tensor | None, data_samples: Sequence[Any]) -> Taught:
        """Returns what it says of a batch. Runs without gradients.

        Args:
            images: (N, 3, S, S), normalised as it wants them; None if it wants none.
            data_samples: One an image, with ``sample_idx``.
        """

    def hexdigest(self) -> str:
        """Returns the hash of its weights."""
        return bytes(self.sha256.tolist()).hex()

    def describe(self) -> dict[str, Any]:
        """Returns what it is, for the log; JSON-ready."""
        return {
            "teacher": self.name,
            "weights_sha256": self.hexdigest(),
            "view_size": self.view_size,
            "labels": self.labels or "not known",
        }

    def bind(
        self, image_ids: Sequence[str], root: str | os.PathLike | None = None
    ) -> None:
        """Is told the training images, in the order of ``sample_idx``.

        Args:
            image_ids: Of the training's data set.
            root: Folder of the images; None: not known.
        """

    def check_resumed(self, found: Tensor | None) -> None:
        """Refuses to go on where another teacher taught.

        Args:
            found: The hash in the resumed checkpoint; None: it has none.

        Raises:
            UserError: It is another one.
        """
        if found is None or not torch.equal(found.cpu(), self.sha256.cpu()):
            had = "none" if found is None else bytes(found.tolist()).hex()[:12]
            raise CannotResume(
                f"the training to resume had another teacher (weights {had}) than "
                f"{self.name} ({self.hexdigest()[:12]}): resume with the same, or "
                "begin anew with load_from in place of resuming"
            )

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        """Keeps its own hash: weights of a student may be loaded with any teacher."""
