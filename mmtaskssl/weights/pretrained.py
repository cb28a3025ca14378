"""What mmengine's ``init_cfg`` of type ``Pretrained`` loads: all of it, or an error."""

import contextvars
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.logging import print_log
from mmengine.model.weight_init import PretrainedInit, update_init_info
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from ..utils.families import FileDamaged, WeightsMismatch
from .finite import STATISTICS, check_finite
from .layouts import recognise
from .whole import differing

#: Patterns of keys that may differ, as the config that is trained says.
allowed: contextvars.ContextVar[Sequence[str]] = contextvars.ContextVar(
    "allow", default=()
)


def load_pretrained(init: PretrainedInit, module: nn.Module) -> None:
    """Does what `PretrainedInit` does, which itself loads what fits, were it nothing.

    Args:
        init: Names the file, and maybe the prefix of its keys.
        module: Receives the weights in place.

    Raises:
        UserError: The file lacks weights of the module, or has others, that nobody
            allowed; or they are NaN.
    """
    what = type(module).__name__
    file = _weights(init)
    state = file
    if init.prefix is not None:
        prefix = init.prefix.rstrip(".") + "."
        state = {k[len(prefix) :]: v for k, v in file.items() if k.startswith(prefix)}
    own = {k: v for k, v in module.state_dict().items() if STATISTICS not in k}
    if not own.keys() & state.keys():
        raise WeightsMismatch(
            f"loaded 0/{len(own)} {what} keys: {init.checkpoint} "
            f"({recognise(file).layout}) has none{_behind(init)}{_hint(own, file)}"
        )
    check_finite(module, state, init.checkpoint, what)
    weights = {k: v for k, v in state.items() if STATISTICS not in k}
    found = differing(own, weights, allowed.get())
    unlike = {k for k in own if k in state and state[k].shape != own[k].shape}
    fitting = {k: v for k, v in state.items() if k not in unlike - {*found.unlike}}
    why = ""
    try:  # networks may rename or resize what they load
        missing, surplus = module.load_state_dict(fitting, strict=False)
        if {*missing} & {*found.missing} or {*surplus} & {*found.surplus}:
            why = found.reason(own, weights)
    except RuntimeError as error:
        last = str(error).strip().split("\n")[-1].strip()
        why = found.reason(own, weights) if found else last
    count = f"{len(own.keys() & fitting.keys() - unlike)}/{len(own)} {what} keys"
    if why:
        raise WeightsMismatch(
            f"loaded {count}: {init.checkpoint} belongs to another architecture: {why}"
        )
    print_log(f"loaded {count} from {init.checkpoint}", "current")
    if hasattr(module, "_params_init_info"):
        update_init_info(module, init_info=init._get_init_info())


def _weights(init: PretrainedInit) -> Mapping[str, Tensor]:
    content: Any = CheckpointLoader.load_checkpoint(
        init.checkpoint, map_location=init.map_location, logger="current"
    )
    state = content.get("state_dict", content) if isinstance(content, Mapping) else {}
    found = {k: v for k, v in state.items() if isinstance(v, Tensor)}
    if not found:
        raise FileDamaged(f"{init.checkpoint} holds no weights")
    if init.prefix is None:
        found = {re.sub(r"^module\.", "", key): v for key, v in found.items()}
    return found


def _behind(init: PretrainedInit) -> str:
    return "" if init.prefix is None else f" behind prefix={init.prefix!r}"


def _hint(own: Mapping[str, Tensor], file: Mapping[str, Tensor]) -> str:
    """Says by which prefix a file's weights would be the network's, if by any."""
    for key in file:
        for name in own:
            if key == name:
                return ": leave the prefix out of init_cfg"
            if key.endswith(f".{name}") and file[key].shape == own[name].shape:
                return f": say prefix={key[: -len(name)]!r} in init_cfg"
    return f", its first is {next(iter(file))}: name a file of this network"
