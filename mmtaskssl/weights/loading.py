"""From a state dict into a network, all of it or not at all, and back to a file."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from ..utils.families import PackageMissing, WeightsMismatch
from .finite import STATISTICS, check_finite


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
        raise PackageMissing(
            "writing safetensors needs: pip install safetensors"
        ) from error
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
        ignore: Prefixes of keys, after ``prefixes``, that may be in the file beside the
            module's own.

    Raises:
        UserError: A key of the module is missing or of another shape, or the file
            holds more keys than the module (a deeper network, say), or NaN.
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
        raise WeightsMismatch(
            f"loaded 0/{len(own)} {what} keys: {source} has no key that begins with "
            + " or ".join(repr(prefix) for prefix in prefixes)
        )
    statistics = {k: v for k, v in found.items() if k.startswith(STATISTICS)}
    ignore = (*ignore, STATISTICS)
    found = {k: v for k, v in found.items() if k in own or not k.startswith(ignore)}
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
        raise WeightsMismatch(
            f"loaded {len(matched)}/{len(wanted)} {what} keys: {source} belongs to "
            f"another architecture ({detail})"
        )
    taken = {k: found[k] for k in matched} | statistics
    check_finite(module, taken, source, what)
    module.load_state_dict(taken, strict=False)
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
