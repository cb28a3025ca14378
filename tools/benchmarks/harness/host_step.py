"""One training step of a host's model, on two tiny images and with its depth shrunk."""

import copy
import signal
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import MODELS, DefaultScope
from mmengine.structures import InstanceData, PixelData
from torch import Tensor, nn

from mmtaskssl.config.rewiring.shapes import scope_of
from mmtaskssl.engine.user_errors import user_errors
from mmtaskssl.utils.errors import UserError, refusal

#: Of the images, pixels; the large one where a model cannot read smaller ones.
SIDE, LARGE = 128, 512
#: Repeated layers, of which one is as good as many.
_DEPTHS = ("num_layers", "stacked_convs", "num_convs")
#: Of proposals and queries.
_MOST = {"num_query": 20, "num_queries": 20, "nms_pre": 100, "max_per_img": 20}
_PLACES = (
    "neck",
    "decode_head",
    "auxiliary_head",
    "head",
    "rpn_head",
    "bbox_head",
    "mask_head",
    "roi_head",
    "panoptic_head",
    "track_head",
    "panoptic_fusion_head",
    "semantic_head",
    "mask_iou_head",
    "point_head",
    "segm_head",
    "encoder",
    "decoder",
)


def combination(model: Mapping[str, Any]) -> str:
    """Returns the types of a model, its backbone, necks and heads, as one text.

    Args:
        model: Its config, before an export is put in.
    """
    found = [str(model.get("type"))]
    if isinstance(model.get("detector"), Mapping):
        found.append(combination(model["detector"]))
    for place in ("backbone", *_PLACES):
        parts = model.get(place)
        for one in parts if isinstance(parts, list | tuple) else [parts]:
            if isinstance(one, Mapping) and "type" in one:
                found.append(f"{place}={_types(one)}")
    return " ".join(found)


def _types(config: Mapping[str, Any]) -> str:
    inner = [combination(config)]
    return inner[0].replace(" ", "/")


def step(cfg: Config, seconds: int = 300) -> str:
    """Trains a config's model one step.

    Args:
        cfg: Complete; unchanged.
        seconds: After which it counts as too slow.

    Returns:
        "trained", "refused: ..." or "traceback: ...".
    """
    try:
        with _limit(seconds):
            _attempts(cfg)
    except UserError as error:
        return f"refused: {error}"
    except Exception as error:  # what is counted here is what should not be
        refused = refusal(error)
        text = traceback.format_exc()
        return f"refused: {refused}" if refused else f"traceback: {text}"
    return "trained"


def _attempts(cfg: Config) -> None:
    """Trains the model with less depth, or as it is where its sizes hang together."""
    try:
        _train(_prepared(cfg, SIDE, shrunk=True), SIDE)
    except (RuntimeError, AssertionError, UserError) as error:
        side = LARGE if "too small" in str(error) else SIDE
        _train(_prepared(cfg, side, shrunk=False), side)


@contextmanager
def _limit(seconds: int) -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError(f"more than {seconds} seconds")

    old = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


def _train(cfg: Config, side: int) -> None:
    scope = scope_of(cfg.get("default_scope"))
    torch.manual_seed(0)
    for name in ("epoch", "iter"):  # which a runner says
        MessageHub.get_current_instance().update_info(name, 0)
    with DefaultScope.overwrite_default_scope(scope), user_errors():
        model = revert_sync_batchnorm(_built(cfg, scope))
        model.init_weights()
        model.train()
        for module in model.modules():
            if hasattr(module, "set_epoch"):  # which a hook does
                module.set_epoch(0)
        optimizer = torch.optim.SGD(model.parameters(), 1e-4)
        batch = model.data_preprocessor(_batch(cfg, side), True)
        losses, _ = model.parse_losses(model(**batch, mode="loss"))
        losses.backward()
        optimizer.step()
    if not torch.isfinite(losses):
        raise ValueError(f"the loss is {losses.item()}")
    trained = [p for p in _backbone(model).parameters() if p.requires_grad]
    if trained and not any(p.grad is not None and p.grad.any() for p in trained):
        raise ValueError("no weight of the backbone has a gradient")


def _built(cfg: Config, scope: str) -> nn.Module:
    config = {**cfg.model}
    if "data_preprocessor" not in config and cfg.get("data_preprocessor"):
        config["data_preprocessor"] = cfg.data_preprocessor
    return MODELS.build({**config, "_scope_": scope})


def _backbone(model: nn.Module) -> nn.Module:
    while not hasattr(model, "backbone"):
        model = model.student if hasattr(model, "student") else model.detector
    return model.backbone


def _prepared(cfg: Config, side: int, shrunk: bool) -> Config:
    """Takes one of many equal layers, and weights and sizes that are at hand."""
    cfg = copy.deepcopy(cfg)
    for config in _dicts(cfg._cfg_dict.get("model", {})):
        for key in _DEPTHS if shrunk else ():
            if isinstance(config.get(key), int) and config[key] > 1:
                config[key] = 1
        for key, most in _MOST.items():
            if isinstance(config.get(key), int) and config[key] > most:
                config[key] = most
        if str(config.get("type", "")).endswith("Sampler") and "num" in config:
            config["num"] = min(config["num"], 32)
        init = config.get("init_cfg")
        if isinstance(init, dict) and _far(init.get("checkpoint")):
            config["init_cfg"] = None
        if _far(config.get("teacher_ckpt")):
            config["teacher_ckpt"] = None
    for config in _dicts(cfg._cfg_dict):
        if "batch_augments" in config:  # which pad to the size of real images
            config["batch_augments"] = None
        if str(config.get("type", "")).endswith("SegDataPreProcessor"):
            config.pop("size_divisor", None)
            config["size"] = (side, side)
    return cfg


def _far(value: object) -> bool:
    return isinstance(value, str) and "://" in value


def _dicts(value: Any) -> Iterator[dict]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from _dicts(one)


def _batch(cfg: Config, side: int) -> dict[str, Any]:
    """Returns two images of noise with annotations of the host's kind."""
    scope = cfg.get("default_scope")
    make = {"mmdet": _detection, "mmseg": _segmentation}.get(scope, _classification)
    pixels = torch.Generator().manual_seed(0)
    shape = (2, 3, side, side)
    images = torch.randint(256, shape, generator=pixels, dtype=torch.uint8)
    samples = [make(number, side) for number in range(2)]
    kind = str((cfg.model.get("data_preprocessor") or {}).get("type", ""))
    if scope == "mmdet" and "with_mask=True" not in cfg.pretty_text:
        for sample in samples:
            del sample.gt_instances.masks
    if kind.endswith("TrackDataPreprocessor"):
        return {"inputs": [images], "data_samples": [_video(samples)]}
    batch: dict[str, Any] = {"inputs": list(images), "data_samples": samples}
    if kind.endswith("MultiBranchDataPreprocessor"):
        names = ("sup", "unsup_teacher", "unsup_student")
        return {
            part: {name: copy.deepcopy(value) for name in names}
            for part, value in batch.items()
        }
    return batch


def _video(samples: list[Any]) -> Any:
    from mmdet.structures import TrackDataSample

    video = TrackDataSample(metainfo={"key_frames_inds": [0], "ref_frames_inds": [1]})
    video.video_data_samples = samples
    return video


def _meta(number: int, side: int) -> dict[str, Any]:
    return {
        "img_id": number,
        "img_path": f"{number}.png",
        "img_shape": (side, side),
        "ori_shape": (side, side),
        "pad_shape": (side, side),
        "scale_factor": (1.0, 1.0),
        "flip": False,
        "flip_direction": None,
        "border": [0, side, 0, side],
        "homography_matrix": np.eye(3, dtype=np.float32),
    }


def _detection(number: int, side: int) -> Any:
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks

    boxes = torch.tensor([[8.0, 8, 72, 72], [40, 40, 120, 104], [4, 80, 36, 124]])
    masks = np.zeros((len(boxes), side, side), dtype=np.uint8)
    for mask, (left, top, right, bottom) in zip(masks, boxes.int(), strict=True):
        mask[top:bottom, left:right] = 1
    kept = BitmapMasks(masks, side, side)
    labels = torch.zeros(len(boxes), dtype=torch.int64)
    sample = DetDataSample(metainfo=_meta(number, side))
    sample.gt_instances = InstanceData(
        bboxes=boxes, labels=labels, masks=kept, instances_ids=torch.arange(3)
    )
    sample.proposals = InstanceData(bboxes=boxes + 2, scores=torch.ones(3))
    sample.ignored_instances = InstanceData(
        bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.int64)
    )
    sample.gt_sem_seg = PixelData(sem_seg=_labels(side))
    return sample


def _segmentation(number: int, side: int) -> Any:
    from mmseg.structures import SegDataSample

    sample = SegDataSample(metainfo=_meta(number, side))
    sample.gt_sem_seg = PixelData(data=_labels(side))
    sample.gt_edge_map = PixelData(data=_labels(side))
    sample.gt_depth_map = PixelData(data=_labels(side).float() + 1)
    return sample


def _classification(number: int, side: int) -> Any:
    from mmcls.structures import ClsDataSample

    sample = ClsDataSample(metainfo=_meta(number, side))
    sample.set_gt_label(number)
    return sample


def _labels(side: int) -> Tensor:
    labels = torch.zeros(1, side, side, dtype=torch.int64)
    labels[:, 8:72, 8:72] = 1
    return labels
