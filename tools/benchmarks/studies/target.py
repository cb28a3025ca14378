"""A labelled folder of images, decoded once for all networks."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.datasets.image_sample import ImageSample
from mmtaskssl.datasets.images import BrokenImage, folder_labels, list_images
from mmtaskssl.evaluation.data import LabeledFeatures, labeled_pair
from mmtaskssl.evaluation.methods import knn_method, linear_method
from mmtaskssl.evaluation.protocol import run_probe
from mmtaskssl.utils.families import TargetTooSmall

SPLITS = ("train", "test")
KNN, LINEAR = knn_method(), linear_method()
_BATCH = 128


@dataclass(frozen=True)
class Target:
    """A labelled image set, cropped.

    Attributes:
        samples: Images of each split.
        labels: (N,) indices into the split's ``class_names``.
        class_names: The split's classes.
    """

    samples: dict[str, ImageSample]
    labels: dict[str, Tensor]
    class_names: dict[str, list[str]]

    @classmethod
    def read(cls, folder: Path, transform: EvalTransform) -> "Target":
        """Reads ``folder/{train,test}/CLASS/IMAGE``.

        Raises:
            UserError: An image cannot be read, or lies in no class folder.
        """
        samples, labels, class_names = {}, {}, {}
        for split in SPLITS:
            root, ids = list_images(str(folder / split))
            try:
                pixels = [
                    torch.from_numpy(transform.read(root / i).copy()) for i in ids
                ]
            except BrokenImage as error:
                raise TargetTooSmall(
                    f"evidence needs all images of {root}: {error}"
                ) from error
            samples[split] = ImageSample(torch.stack(pixels), ids, transform, _BATCH)
            folders = folder_labels(ids)
            class_names[split] = sorted(set(folders))
            labels[split] = torch.tensor([*map(class_names[split].index, folders)])
        return cls(samples, labels, class_names)

    @torch.no_grad()
    def features(self, network: nn.Module) -> tuple[LabeledFeatures, LabeledFeatures]:
        """Returns the features of both splits, with the same class indices.

        Args:
            network: (N, 3, S, S) normalised images to (N, D) features.

        Raises:
            UserError: A test image is of a class without training images.
        """
        return labeled_pair(
            *(
                LabeledFeatures(
                    torch.cat([network(images) for images in self.samples[split]]),
                    self.labels[split],
                    self.class_names[split],
                )
                for split in SPLITS
            )
        )


def top1(method, train: LabeledFeatures, test: LabeledFeatures) -> float:
    """Returns the per cent of test images that a classifier gets right.

    Args:
        method: `KNN` or `LINEAR`.
        train: What it learns from.
        test: What it is tried on.
    """
    return run_probe(method, train, test)["metrics"]["top1"]["mean"]
