from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from ..registry import METRICS
from ..utils.atomic import write_json
from ..utils.inputs import read_json

_OVERLAP = 0.5


@METRICS.register_module()
class DetectionCounts(BaseMetric):
    """Writes, of each image, which detections lie on boxes of their class.

    Args:
        ann_file: COCO JSON of the images.
        out_file: JSON that is written at the end of a test; see `Matches`.
        **kwargs: See mmengine's ``BaseMetric``.
    """

    default_prefix = "counts"

    def __init__(self, ann_file: str, out_file: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ann_file, self.out_file = ann_file, out_file
        self._boxes: dict[int, list[tuple[int, list[float]]]] | None = None

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Matches the detections of some images.

        Args:
            data_batch: Ignored.
            data_samples: With ``img_id`` and ``pred_instances`` (``bboxes``, ``scores``
                and ``labels``), in pixels of the image as it is.
        """
        if self._boxes is None:
            self._boxes = self._read()
        for sample in data_samples:
            found = sample["pred_instances"]
            boxes = self._boxes.get(int(sample["img_id"]), [])
            labels = torch.tensor([label for label, _ in boxes], dtype=torch.long)
            corners = torch.tensor([box for _, box in boxes]).reshape(-1, 4)
            scores = found["scores"].cpu()
            hit = matched(
                found["bboxes"].cpu(), scores, found["labels"].cpu(), corners, labels
            )
            self.results.append(
                {
                    "id": int(sample["img_id"]),
                    "label": found["labels"].tolist(),
                    "score": scores.tolist(),
                    "hit": hit.tolist(),
                    "boxes": labels.tolist(),
                }
            )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Writes the file; returns the number of images.

        Args:
            results: What `process` kept, of all processes.
        """
        results = sorted(results, key=lambda one: one["id"])
        classes = len(self.dataset_meta["classes"])
        rows: dict[str, list] = {k: [] for k in ("image", "label", "score", "hit")}
        boxes = []
        for place, one in enumerate(results):
            rows["image"] += [place] * len(one["score"])
            for name in ("label", "score", "hit"):
                rows[name] += one[name]
            counts = torch.bincount(
                torch.tensor(one["boxes"], dtype=torch.long), minlength=classes
            )
            boxes.append(counts.tolist())
        write_json(self.out_file, {**rows, "boxes": boxes})
        return {"images": float(len(results))}

    def _read(self) -> dict[int, list[tuple[int, list[float]]]]:
        """Returns class and corners of each box, by the image."""
        found = read_json(self.ann_file)
        names = list(self.dataset_meta["classes"])
        index = {
            one["id"]: names.index(one["name"])
            for one in found["categories"]
            if one["name"] in names
        }
        boxes: dict[int, list[tuple[int, list[float]]]] = {}
        for one in found["annotations"]:
            if one.get("iscrowd") or one["category_id"] not in index:
                continue
            x, y, w, h = one["bbox"]
            box = (index[one["category_id"]], [x, y, x + w, y + h])
            boxes.setdefault(one["image_id"], []).append(box)
        return boxes


def matched(
    boxes: Tensor, scores: Tensor, labels: Tensor, truth: Tensor, classes: Tensor
) -> Tensor:
    """Says which detections are the first, by score, to lie on a box of their class.

    As in PASCAL VOC: a detection belongs to the box that it overlaps most, and is a hit
    if that is by half or more and no better detection has the box.

    Args:
        boxes: (D, 4) corners.
        scores: (D,).
        labels: (D,).
        truth: (B, 4) corners.
        classes: (B,).

    Returns:
        (D,) zero-one.
    """
    hit = torch.zeros(len(boxes))
    if not len(truth):
        return hit
    overlap = _overlap(boxes.float(), truth.float())
    overlap[labels[:, None] != classes[None]] = -1
    taken = torch.zeros(len(truth), dtype=torch.bool)
    for row in scores.argsort(descending=True, stable=True).tolist():
        best, place = overlap[row].max(0)
        if best >= _OVERLAP and not taken[place]:
            taken[place] = True
            hit[row] = 1
    return hit


def _overlap(a: Tensor, b: Tensor) -> Tensor:
    """Returns (A, B) intersections over unions of corners."""
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    both = (high - low).clamp_min(0).prod(2)
    areas = [(c[:, 2:] - c[:, :2]).clamp_min(0).prod(1) for c in (a, b)]
    union = areas[0][:, None] + areas[1][None] - both
    return both / union.clamp_min(1e-12)
