from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric

from ..registry import METRICS
from ..utils.families import OptionConflict, UnknownName
from .metrics import classification_metrics

_METRICS = ("top1", "mean_per_class", "mAP", "mAP_11point")


@METRICS.register_module()
class TransferMetric(BaseMetric):
    """The one metric that a transfer data set is reported by, of mmcls' classifiers.

    Args:
        metric: "top1" or "mean_per_class"; of sets with several labels an image "mAP"
            or "mAP_11point". In per cent.
        **kwargs: See mmengine's ``BaseMetric``.

    Raises:
        UserError: No such metric.
    """

    default_prefix = "transfer"

    def __init__(self, metric: str = "top1", **kwargs) -> None:
        if metric not in _METRICS:
            raise UnknownName(f"metric is one of {', '.join(_METRICS)}, not {metric!r}")
        super().__init__(**kwargs)
        self.metric = metric

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keeps scores and labels.

        Args:
            data_batch: Ignored.
            data_samples: With ``pred_label.score`` (C,) and ``gt_label``, whose
                ``score`` (C,) has the labels of a set with several an image.
        """
        for sample in data_samples:
            label = sample["gt_label"]
            target = label["score"] if "score" in label else label["label"][0]
            self.results.append((sample["pred_label"]["score"].cpu(), target.cpu()))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Returns the metric over all images.

        Args:
            results: What `process` kept, of all processes.
        """
        scores, labels = (torch.stack(part) for part in zip(*results, strict=True))
        found = classification_metrics(scores, labels)
        if self.metric not in found:
            raise OptionConflict(
                f"{self.metric} does not fit images with "
                f"{'several labels' if labels.dim() == 2 else 'one label'} each"
            )
        return {self.metric: found[self.metric]}
