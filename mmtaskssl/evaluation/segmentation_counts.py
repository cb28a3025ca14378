from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric

from ..registry import METRICS
from ..utils.atomic import write_json


@METRICS.register_module()
class SegmentationCounts(BaseMetric):
    """Writes, of each image, the pixels that prediction and truth share by class.

    Args:
        out_file: JSON that is written at the end of a test; see `Overlaps`.
        ignore_index: Pixels that do not count.
        **kwargs: See mmengine's ``BaseMetric``.
    """

    default_prefix = "counts"

    def __init__(self, out_file: str, ignore_index: int = 255, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.out_file, self.ignore_index = out_file, ignore_index

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Counts pixels.

        Args:
            data_batch: Ignored.
            data_samples: With ``img_path``, ``pred_sem_seg`` and ``gt_sem_seg``, whose
                ``data`` are (1, H, W) classes.
        """
        classes = len(self.dataset_meta["classes"])
        for sample in data_samples:
            found = sample["pred_sem_seg"]["data"].flatten().cpu()
            truth = sample["gt_sem_seg"]["data"].flatten().cpu()
            counted = truth != self.ignore_index
            found, truth = found[counted].long(), truth[counted].long()
            both = torch.bincount(truth[found == truth], minlength=classes)
            each = torch.bincount(truth, minlength=classes)
            each = each + torch.bincount(found, minlength=classes)
            self.results.append(
                {
                    "name": str(sample["img_path"]),
                    "intersection": both.tolist(),
                    "union": (each - both).tolist(),
                }
            )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Writes the file; returns the number of images.

        Args:
            results: What `process` kept, of all processes.
        """
        results = sorted(results, key=lambda one: one["name"])
        names = ("intersection", "union")
        write_json(self.out_file, {k: [one[k] for one in results] for k in names})
        return {"images": float(len(results))}
