"""Names of a backbone's weights in other libraries, and back."""

import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..runs import OutputFile
from ..utils.families import (
    BadValue,
    FileMissing,
    SystemRefused,
    UnknownName,
    UntrustedFile,
    WeightsMismatch,
)
from ..utils.inputs import open_input
from ..weights import load_state_dict, save_state_dict
from ..weights.layouts import from_detectron2
from ..weights.plain_pickle import load_data

# Ours are torchvision's, and so are those of mmdet, mmseg, mmcls and mmselfsup.
FRAMEWORKS = ("torchvision", "timm", "detectron2")
_HEADS = ("fc.", "head.", "classifier.", "conv_head.", "stem.fc.", "linear.")
# timm groups MobileNetV3-Large's 15 blocks by these numbers, and counts the last
# convolution as the only block of one more group.
_MOBILENET_GROUPS = (1, 2, 3, 4, 2, 3, 1)


def convert_names(
    weights: Mapping[str, Tensor], framework: str, back: bool = False
) -> tuple[dict[str, Tensor], list[str]]:
    """Renames the weights of a ResNet or a MobileNetV3-Large.

    Args:
        weights: A backbone's, with our names; with ``back``, the other library's.
        framework: One of `FRAMEWORKS`.
        back: From the library's names to ours.

    Returns:
        The renamed weights, and the names that were left out: classifiers, and what
        the other side does not have.

    Raises:
        UserError: Unknown framework, or weights of another kind of network.
    """
    if framework not in FRAMEWORKS:
        raise UnknownName(f"framework must be one of {', '.join(FRAMEWORKS)}")
    rename = _renaming(weights, framework, back)
    kept, left = {}, []
    for name, value in weights.items():
        new = None if name.startswith(_HEADS) else rename(name)
        if new is None:
            left.append(name)
        else:
            kept[new] = value
    if not kept:
        theirs = f"with {framework}'s names" if back else "as exports have them"
        raise WeightsMismatch(f"no weights of a backbone {theirs} were found")
    if back and framework == "detectron2":  # its batch norms do not count
        for name in [name for name in kept if name.endswith(".running_var")]:
            counter = f"{name.removesuffix('running_var')}num_batches_tracked"
            kept[counter] = torch.zeros((), dtype=torch.int64)
    return kept, left


def _renaming(
    weights: Mapping[str, Tensor], framework: str, back: bool
) -> Callable[[str], str | None]:
    if framework == "detectron2":
        return from_detectron2 if back else _to_detectron2
    mobile = any(name.startswith(("features.", "conv_stem.")) for name in weights)
    if framework == "timm" and mobile:
        table = _mobilenet_table()
        if back:
            table = {theirs: ours for ours, theirs in table.items()}
        lacking = [name for name in table if name not in weights]
        lacking = [name for name in lacking if not name.endswith("_tracked")]
        if lacking:  # the Small one has many of the names
            raise WeightsMismatch(
                f"this is no MobileNetV3-Large: {lacking[0]} is missing"
            )
        return table.get
    if mobile and "conv_stem.weight" in weights:
        raise WeightsMismatch(
            f"these are timm's names of a MobileNetV3, not {framework}'s"
        )
    return lambda name: name if _is_torchvision(name) else None


def _is_torchvision(name: str) -> bool:
    return re.match(r"(conv1|bn1|layer\d+|features)\.", name) is not None


def _to_detectron2(name: str) -> str | None:
    """``layer1.0.bn2.weight`` becomes ``res2.0.conv2.norm.weight``."""
    if not _is_torchvision(name) or name.endswith("num_batches_tracked"):
        return None
    if name.startswith("features."):
        raise WeightsMismatch(
            "detectron2 has no MobileNetV3 whose names could be taken"
        )
    name = re.sub(r"bn(\d+)\.", r"conv\1.norm.", name)
    name = name.replace("downsample.0.", "shortcut.")
    name = name.replace("downsample.1.", "shortcut.norm.")
    stage = re.match(r"layer(\d+)\.", name)
    if stage is None:
        return f"stem.{name}"
    return f"res{int(stage[1]) + 1}.{name[stage.end() :]}"


def _mobilenet_table() -> dict[str, str]:
    """Returns timm's name of each of torchvision's of a MobileNetV3-Large."""
    from torchvision.models import mobilenet_v3_large

    with torch.device("meta"):
        names = [n for n in mobilenet_v3_large().state_dict() if "features." in n]
    groups = [g for g, size in enumerate(_MOBILENET_GROUPS) for _ in range(size)]
    counts = [i for size in _MOBILENET_GROUPS for i in range(size)]
    table = {}
    for name in names:
        _, block, rest = name.split(".", 2)
        if block == "0":
            table[name] = _layer(rest, "conv_stem", "bn1")
            continue
        index = int(block) - 1
        place = f"blocks.{groups[index]}.{counts[index]}."
        if groups[index] == len(_MOBILENET_GROUPS) - 1:
            table[name] = place + _layer(rest, "conv", "bn1")
        else:
            table[name] = place + _in_block(names, block, rest)
    return table


def _in_block(names: list[str], block: str, rest: str) -> str:
    _, layer, rest = rest.split(".", 2)  # block.LAYER.REST
    prefix = f"features.{block}.block."
    layers = sorted({int(n.split(".")[3]) for n in names if n.startswith(prefix)})
    squeezed = [i for i in layers if f"{prefix}{i}.fc1.weight" in names]
    if int(layer) in squeezed:
        rest = rest.replace("fc1.", "conv_reduce.").replace("fc2.", "conv_expand.")
        return f"se.{rest}"
    order = [i for i in layers if i not in squeezed].index(int(layer))
    kinds = ("conv_pw", "conv_dw", "conv_pwl")
    if len(layers) - len(squeezed) == 2:  # the first block does not expand
        kinds = ("conv_dw", "conv_pw")
    return _layer(rest, kinds[order], f"bn{order + 1}")


def _layer(rest: str, conv: str, norm: str) -> str:
    number, _, parameter = rest.partition(".")
    return f"{conv if number == '0' else norm}.{parameter}"


def read_weights(path: str | Path, trust: bool = False) -> dict[str, Tensor]:
    """Reads ``.pth``, ``.safetensors`` or detectron2's ``.pkl`` without running code.

    Args:
        path: The file.
        trust: Run code in a ``.pth`` that cannot be read otherwise.

    Raises:
        UserError: No such file, a damaged one, or one that holds more than weights.
    """
    path = Path(path)
    if path.suffix != ".pkl":
        return load_state_dict(path, trust)
    if not path.exists():
        raise FileMissing(f"checkpoint {path} does not exist")
    try:
        with open_input(path) as file:
            content = load_data(file)
        arrays = content.get("model", content)
        return {name: torch.from_numpy(value.copy()) for name, value in arrays.items()}
    except OSError as error:
        raise SystemRefused(f"checkpoint {path} cannot be read: {error}") from error
    except (pickle.UnpicklingError, AttributeError, TypeError) as error:
        raise UntrustedFile(
            f"{path} is damaged or holds more than arrays ({error}): a .pkl is read as "
            "data, whoever made it"
        ) from error


def write_weights(
    weights: Mapping[str, Tensor], path: str | Path, overwrite: bool = False
) -> None:
    """Writes ``.pth``, ``.safetensors`` or the ``.pkl`` of detectron2's heuristics.

    Args:
        weights: By name.
        path: The file.
        overwrite: Replace a file that stands there.

    Raises:
        UserError: A name that ends otherwise, or a file stands there.
    """
    path = Path(path)
    if path.suffix not in (".pth", ".safetensors", ".pkl"):
        raise BadValue(f"{path} must end in .pth, .safetensors or .pkl")
    with OutputFile(path).written(overwrite) as temporary:
        if path.suffix == ".pkl":
            arrays = {name: value.numpy() for name, value in weights.items()}
            content = {"model": arrays, "matching_heuristics": True}
            temporary.write_bytes(pickle.dumps({**content, "__author__": "mmtaskssl"}))
        else:
            save_state_dict(weights, temporary)
