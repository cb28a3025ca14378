"""Vision models of Hugging Face's transformers, from a folder on this machine."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from torch import nn

from ..datasets.eval_transform import EvalTransform
from ..utils.families import PackageMissing, UnknownNetwork, WeightsMismatch
from ..utils.inputs import read_json, reading
from .network import Network

PREFIX = "hf:"
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def open_hugging_face(folder: str | Path) -> Network:
    """Opens a folder that ``save_pretrained`` wrote; nothing is downloaded.

    Weights must be safetensors, and no code of the folder runs. Of a model of images
    and texts, the part that sees is taken.

    Args:
        folder: With ``config.json`` and ``*.safetensors``; its
            ``preprocessor_config.json`` says size and statistics of pixels, without
            it they are 224 and ImageNet's.

    Raises:
        UserError: No such folder, transformers is not installed, or it cannot build
            the model, or would draw weights that the folder lacks.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file() or not [*folder.glob("*.safetensors")]:
        raise UnknownNetwork(
            f"{folder} is no folder of transformers: it needs config.json and weights "
            "as *.safetensors (save_pretrained writes both)"
        )
    try:
        from transformers import AutoModel
    except ImportError as error:
        raise PackageMissing(
            f"{PREFIX}{folder} needs: pip install transformers"
        ) from error
    try:
        model, loaded = AutoModel.from_pretrained(
            str(folder),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise UnknownNetwork(f"transformers cannot open {folder} ({reason})") from error
    model = _trained_part(model, loaded["missing_keys"], folder)
    if hasattr(getattr(model, "config", None), "mask_ratio"):
        model.config.mask_ratio = 0.0  # of a masked model, which masks evaluation, too
    file = next(iter(sorted(folder.glob("*.safetensors"))))
    name = f"{PREFIX}{folder}"
    return Network(model, name, "online", _pixels(folder), checkpoint=str(file))


def _trained_part(model: nn.Module, missing: Iterable[str], folder: Path) -> nn.Module:
    """Returns what sees, without a pooler that the folder has no weights of.

    transformers draws what a folder lacks, and says no more than that. Many models were
    saved without their pooler; their feature is that of the tokens.
    """
    name = "vision_model" if hasattr(model, "vision_model") else ""
    part = getattr(model, name) if name else model
    prefix = f"{name}." if name else ""
    lacks = [key for key in missing if key.startswith(prefix)]
    drawn = [key for key in lacks if not key.startswith(f"{prefix}pooler.")]
    if drawn:
        raise WeightsMismatch(
            f"{folder} lacks {len(drawn)} weights of its {type(part).__name__}, such "
            f"as {min(drawn)}, which would be drawn: take the folder anew from where "
            "it came"
        )
    if lacks:
        part.pooler = None
        print_log(
            f"{folder} has no weights of its pooler: the feature is the mean of the "
            "tokens",
            "current",
        )
    return part


def _pixels(folder: Path) -> EvalTransform:
    file = folder / "preprocessor_config.json"
    with reading(file, "take the folder anew from where it came"):
        facts: Mapping[str, Any] = dict(read_json(file)) if file.is_file() else {}
    scale = facts.get("rescale_factor") or 1 / 255
    scale = 1.0 if facts.get("do_rescale") is False else scale
    turned = bool(facts.get("do_flip_channel_order"))  # by models that see 0..1 alone
    mean, std = facts.get("image_mean"), facts.get("image_std")
    if facts.get("do_normalize") is False or (turned and mean is None):
        mean, std = (0.0,) * 3, (1.0,) * 3
    mean, std = (
        tuple(round(float(value) / scale, 4) for value in values)
        for values in (mean or _MEAN, std or _STD)
    )
    cut = facts.get("do_center_crop") is not False and facts.get("crop_size")
    size = cut or facts.get("size") or 224
    if isinstance(size, Mapping):
        size = size.get("height") or size.get("shortest_edge") or 224
    order = "bgr" if turned else "rgb"
    return EvalTransform(int(size), mean, std, channel_order=order)
