"""Loads weights from files that need not be trusted, and says how much of them."""

import hashlib
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from ..utils.errors import UserError

# Where a checkpoint keeps the batch-norm statistics of an elastic backbone's calibrated
# sub-nets, see `models.elastic.SubnetStatistics`.
STATISTICS = "subnet_statistics."


class _Inert:
    """Stands for an object of a checkpoint that is not needed to read its weights."""

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class _InertArray(_Inert):
    pass


def _inert(*args: Any) -> _InertArray:
    return _InertArray()


# mmengine's logs and schedules hold these beside the weights. Replacing them, rather
# than allowing them, keeps the load free of foreign code.
_IGNORED = [
    (_Inert, "mmengine.logging.history_buffer.HistoryBuffer"),
    (_InertArray, "numpy.ndarray"),
    (_inert, "numpy.dtype"),
    (_inert, "numpy._core.multiarray._reconstruct"),
    (_inert, "numpy.core.multiarray._reconstruct"),
    (_inert, "numpy._core.multiarray.scalar"),
    (_inert, "numpy.core.multiarray.scalar"),
    (_inert, "builtins.getattr"),
]


def load_state_dict(path: str | Path, trust: bool = False) -> dict[str, Tensor]:
    """Reads the weights of a checkpoint without running any code in it.

    Args:
        path: A ``.pth`` of mmengine or plain torch, or a ``.safetensors`` file.
        trust: Also load what needs code of the file to run, and run it.

    Returns:
        The ``state_dict`` (also under the key "model", which others write), on the
        CPU.

    Raises:
        UserError: No such file, no checkpoint, or one that holds other objects.
    """
    content = read_checkpoint(path, trust)
    for key in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise UserError(f"{path} holds no state dict")
    weights = {k: v for k, v in content.items() if isinstance(v, Tensor)}
    if not weights:
        raise UserError(f"{path} holds no weights")
    return weights


def read_checkpoint(path: str | Path, trust: bool = False) -> Any:
    """Reads all of a checkpoint; logs and schedules become inert objects.

    Args:
        path: See `load_state_dict`, as for ``trust`` and the errors.
        trust: Run code in the file.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"checkpoint {path} does not exist")
    if path.suffix == ".safetensors":
        return _load_safetensors(path)
    try:
        with torch.serialization.safe_globals(_IGNORED):
            return torch.load(path, map_location="cpu", weights_only=not trust)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"checkpoint {path} holds more than weights, or is no checkpoint, and was "
            "not loaded: if you trust its source, add --trust-checkpoint"
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise UserError(f"{path} is damaged or no checkpoint ({error})") from error


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise UserError(f"reading {path} needs: pip install safetensors") from error
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged or no checkpoint ({error})") from error


def save_state_dict(state: Mapping[str, Tensor], path: Path) -> None:
    """Writes weights as the file's suffix says, ``.safetensors`` or torch's.

    Raises:
        UserError: safetensors is not installed.
    """
    if path.suffix != ".safetensors":
        torch.save(dict(state), path)
        return
    try:
        from safetensors.torch import save_file
    except ImportError as error:
        raise UserError("writing safetensors needs: pip install safetensors") from error
    save_file(dict(state), path, metadata={"format": "pt"})


def load_weights(
    module: nn.Module,
    weights: Mapping[str, Tensor],
    prefixes: Sequence[str],
    *,
    source: str,
    what: str = "backbone",
    ignore: Sequence[str] = (),
) -> None:
    """Loads all weights of ``module``, or fails.

    Statistics of calibrated sub-nets are no weights: they go to a module that keeps
    such, and are ignored for any other.

    Args:
        module: Receives the weights in place.
        weights: A checkpoint's state dict.
        prefixes: Prefixes of the module's keys in ``weights``; the first that the
            file has is used. "" means that the keys stand there as they are.
        source: Where the weights come from, for messages.
        what: What the module is, for messages.
        ignore: Prefixes of keys, after ``prefixes``, that are not the module's.

    Raises:
        UserError: A key of the module is missing or of another shape, or the file
            holds more keys than the module (a deeper network, say).
    """
    own = {k: v for k, v in module.state_dict().items() if not k.startswith(STATISTICS)}
    found: dict[str, Tensor] = {}
    for prefix in prefixes:
        found = {
            k[len(prefix) :]: v for k, v in weights.items() if k.startswith(prefix)
        }
        if found:
            break
    else:
        raise UserError(
            f"loaded 0/{len(own)} {what} keys: {source} has no key that begins with "
            + " or ".join(repr(prefix) for prefix in prefixes)
        )
    statistics = {k: v for k, v in found.items() if k.startswith(STATISTICS)}
    ignore = (*ignore, STATISTICS)
    found = {k: v for k, v in found.items() if not k.startswith(ignore)}
    # Old checkpoints lack the counters, which do not act in evaluation.
    wanted = [k for k in own if k in found or not k.endswith("num_batches_tracked")]
    matched = [k for k in wanted if k in found and found[k].shape == own[k].shape]
    surplus = sorted(found.keys() - own.keys())
    if len(matched) < len(wanted) or surplus:
        bad = next((k for k in wanted if k not in matched), None)
        if bad is None:
            detail = f"the file also holds {len(surplus)} others, such as {surplus[0]}"
        elif bad in found:
            detail = (
                f"{bad} is {tuple(found[bad].shape)} in the file and "
                f"{tuple(own[bad].shape)} in the network"
            )
        else:
            detail = f"the file lacks {bad}"
        raise UserError(
            f"loaded {len(matched)}/{len(wanted)} {what} keys: {source} belongs to "
            f"another architecture ({detail})"
        )
    module.load_state_dict({k: found[k] for k in matched} | statistics, strict=False)
    print_log(
        f"loaded {len(matched)}/{len(wanted)} {what} keys from {source}", "current"
    )


def weights_sha256(module: nn.Module) -> str:
    """Hashes names, shapes and values of a module's state: equal nets, equal hash.

    Unlike a hash of the file it does not depend on when and how the file was saved.
    """
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        if name.endswith("num_batches_tracked"):
            continue
        value = value.detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
