"""Vision models of Hugging Face's transformers, from a folder on this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..datasets.eval_transform import EvalTransform, pixel_statistics
from ..utils.errors import UserError
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
            the model.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file() or not [*folder.glob("*.safetensors")]:
        raise UserError(
            f"{folder} is no folder of transformers: it needs config.json and weights "
            "as *.safetensors (save_pretrained writes both)"
        )
    try:
        from transformers import AutoModel
    except ImportError as error:
        raise UserError(f"{PREFIX}{folder} needs: pip install transformers") from error
    try:
        model = AutoModel.from_pretrained(
            str(folder),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"transformers cannot open {folder} ({reason})") from error
    model = getattr(model, "vision_model", model)
    file = next(iter(sorted(folder.glob("*.safetensors"))))
    name = f"{PREFIX}{folder}"
    return Network(model, name, "online", _pixels(folder), checkpoint=str(file))


def _pixels(folder: Path) -> EvalTransform:
    file = folder / "preprocessor_config.json"
    with reading(file, "take the folder anew from where it came"):
        facts: Mapping[str, Any] = dict(read_json(file)) if file.is_file() else {}
    mean, std = pixel_statistics(
        facts.get("image_mean") or _MEAN, facts.get("image_std") or _STD
    )
    size = facts.get("crop_size") or facts.get("size") or 224
    if isinstance(size, Mapping):
        size = size.get("height") or size.get("shortest_edge") or 224
    return EvalTransform(int(size), mean, std)
