"""The metadata of a model card, and what it says of the weights it began from."""

from collections.abc import Mapping
from typing import Any

from ...models.backbones.library import is_library_name
from ..inspection.inspected import DENSE
from .figures import arm_of, metric_of, tested, verdicts_of

_TASKS = {
    "classification": "image-classification",
    "multilabel": "image-classification",
    "detection": "object-detection",
    "segmentation": "image-segmentation",
}
_METRICS = {"classification": "accuracy", "segmentation": "mean_iou"}


def start_of(record: Mapping[str, Any]) -> str | None:
    """Returns what the first recommended backbone began from."""
    return _recommended(record, "start")


def teacher_of(record: Mapping[str, Any]) -> str | None:
    """Returns what taught the first recommended backbone that something taught."""
    return _recommended(record, "teacher")


def _recommended(record: Mapping[str, Any], key: str) -> str | None:
    for verdict in verdicts_of(record):
        arm = arm_of(record, verdict.get("recommended"), verdict.get("budget"))
        if arm.get(key):
            return str(arm[key])
    return None


def licence_of(start: str | None) -> str | None:
    """Returns what timm says of the licence of its own weights of a name."""
    return getattr(_of_timm(start), "license", None) or None


def _of_timm(start: str | None) -> Any:
    """Returns what timm knows of its own weights of a name; None: nothing."""
    name = (start or "").partition("=")[0]
    if not is_library_name(name) or not name.startswith("timm:"):
        return None
    try:
        import timm

        return timm.get_pretrained_cfg(name.partition(":")[2])
    except (ImportError, ValueError, RuntimeError):
        return None


def front_matter(
    record: Mapping[str, Any], title: str, kind: str, start: str | None
) -> dict[str, Any]:
    """Returns the metadata that model hubs read.

    Args:
        record: See `model_card`.
        title: Of the model.
        kind: Of the task; "" where it is not known.
        start: See `start_of`.
    """
    results = []
    for verdict in verdicts_of(record):
        arm = arm_of(record, verdict.get("recommended"), verdict.get("budget"))
        values, metric = tested(arm, metric_of(arm)), verdict.get("metric") or "linear"
        how = "after a short fine-tuning" if kind in DENSE else "on frozen features"
        if values:
            results.append(
                {
                    "task": {"type": _TASKS.get(kind, "image-feature-extraction")},
                    "dataset": {"name": "the target's test images", "type": "private"},
                    "metrics": [
                        {
                            "type": _METRICS.get(kind, "map"),
                            "name": f"{metric} {how}, %",
                            # Of the weights that are handed over, those of the
                            # first seed, not of the method.
                            "value": round(values[0], 2),
                        }
                    ],
                }
            )
    front: dict[str, Any] = {
        "library_name": "mmtaskssl",
        "pipeline_tag": "image-feature-extraction",
        "license": "other",
        "license_name": "to-be-filled-in",
        "tags": ["backbone", "self-supervised", *([kind] if kind else [])],
    }
    # Hubs know models by their own names alone.
    if base := getattr(_of_timm(start), "hf_hub_id", None):
        front["base_model"] = base
    if results:
        front["model-index"] = [{"name": title, "results": results}]
    return front
