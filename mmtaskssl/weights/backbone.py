"""From a checkpoint of any layout into a backbone, all of it or what is allowed."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmengine.logging import print_log
from torch import Tensor, nn

from ..utils.errors import option
from ..utils.families import FileDamaged, WeightsMismatch
from .finite import check_finite
from .layouts import match_order, recognise, unwrap
from .loading import STATISTICS
from .patterns import patterns_of
from .reading import read_checkpoint

#: How the names of counters of batch norms end.
COUNTER = "num_batches_tracked"
_BLOCK = re.compile(r"layer(\d+)\.(\d+)\.conv1\.weight")
# Of classifiers; a network that has such a module itself wants them.
_HEADS = ("fc", "head", "heads", "classifier")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of any layout, and the backbone in it.

    Attributes:
        path: Where it was read, for messages.
        weights: All of its weights, by the file's names and in its order.
        layout: Whose it is.
        backbone: The backbone's weights, see `Recognised`.
        config: Text of the config that it was trained with, where OpenMMLab kept it;
            whatever a file may hold there.
    """

    path: str
    weights: Mapping[str, Tensor]
    layout: str
    backbone: Mapping[str, Tensor]
    config: str = ""

    @classmethod
    def read(cls, path: str | Path, trust: bool | None = None) -> "Checkpoint":
        """Reads a file; see `read_checkpoint` for the arguments.

        Raises:
            UserError: See `read_checkpoint`; or it holds no weights.
        """
        content = read_checkpoint(path, trust)
        weights, place = unwrap(content)
        if not weights:
            raise FileDamaged(f"{path} holds no weights")
        meta = content.get("meta") if isinstance(content, Mapping) else None
        config = meta.get("cfg") if isinstance(meta, Mapping) else None
        read = cls.of(weights, path, place)
        return replace(read, config=config if isinstance(config, str) else "")

    @classmethod
    def of(
        cls, weights: Mapping[str, Tensor], path: str | Path, place: str = ""
    ) -> "Checkpoint":
        """Returns what weights that have been read are; see `recognise`."""
        found = recognise(weights, place)
        return cls(str(path), weights, found.layout, found.weights)


@dataclass(frozen=True)
class Loaded:
    """What was loaded into a backbone.

    Attributes:
        layout: Of the file.
        keys: So many of the backbone's were loaded.
        wanted: So many it has.
        missing: Its keys that the file lacks; allowed.
        surplus: Keys of the file's backbone that it lacks; allowed.
    """

    layout: str
    keys: int
    wanted: int
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()


def load_backbone(
    module: nn.Module,
    checkpoint: Checkpoint,
    *,
    what: str = "backbone",
    heads: Sequence[str] = (),
    allow: Sequence[str] = (),
    by_order: bool = False,
) -> Loaded:
    """Loads a checkpoint of any layout into a backbone.

    All of the backbone's keys are loaded and nothing is left over, but for what
    ``allow`` names.

    Args:
        module: Receives the weights in place.
        checkpoint: What was read.
        what: What the module is, for messages.
        heads: Names of classifiers that the file may hold and the module lacks, beside
            the usual ones.
        allow: Patterns (regular expressions, from a key's beginning) of keys that may
            be missing in the file, of another shape, or in it alone.
        by_order: Take a file's tensors in their order, whatever their names, if shapes
            and kinds agree one by one. Without it, only where no name is known.

    Raises:
        UserError: The checkpoint is of another architecture, and why; or holds NaN.
    """
    own = {k: v for k, v in module.state_dict().items() if not k.startswith(STATISTICS)}
    state, layout = without_heads(checkpoint.backbone, own, heads), checkpoint.layout
    if by_order or not own.keys() & state.keys():
        state = match_order(checkpoint.weights, own)
        if state is None:
            raise WeightsMismatch(_out_of_order(own, checkpoint, what, by_order))
        layout = "other names, the same tensors in the same order"
    wanted = [k for k in own if k in state or not k.endswith(COUNTER)]
    fits = [k for k in wanted if k in state and state[k].shape == own[k].shape]
    missing = [k for k in wanted if k not in fits]
    surplus = sorted(state.keys() - own.keys())
    patterns = patterns_of(allow)
    others = (*missing, *surplus)
    bad = [key for key in others if not any(p.match(key) for p in patterns)]
    count = f"{len(fits)}/{len(wanted)} {what} keys"
    if bad:
        hint = f" ({option('allow')} names what may differ)" if fits else ""
        raise WeightsMismatch(
            f"loaded {count}: {checkpoint.path} ({layout}) belongs to another "
            f"architecture: {_reason(own, state, bad)}{hint}"
        )
    check_finite(module, {k: state[k] for k in fits}, checkpoint.path, what)
    module.load_state_dict({k: state[k] for k in fits}, strict=False)
    print_log(f"loaded {count} from {checkpoint.path} ({layout})", "current")
    if others:
        print_log(
            f"allowed: {len(missing)} keys keep what they had, {len(surplus)} of the "
            f"file are left over, such as {others[0]}",
            "current",
            logging.WARNING,
        )
    return Loaded(layout, len(fits), len(wanted), tuple(missing), tuple(surplus))


def without_heads(
    state: Mapping[str, Tensor], own: Mapping[str, Tensor], heads: Sequence[str] = ()
) -> dict[str, Tensor]:
    """Returns a file's weights without those of classifiers, which a network lacks.

    Args:
        state: The file's, by the network's names.
        own: The network's.
        heads: Names of classifiers beside the usual ones.
    """
    prefixes = [f"{head}." for head in _HEADS]
    prefixes = [p for p in prefixes if not any(key.startswith(p) for key in own)]
    left_out = (STATISTICS, *prefixes, *(f"{head}." for head in heads))
    return {key: value for key, value in state.items() if not key.startswith(left_out)}


def _reason(
    own: Mapping[str, Tensor], state: Mapping[str, Tensor], bad: Sequence[str]
) -> str:
    """Says in what the file's network is another than ours."""
    theirs, ours = describe_resnet(state), describe_resnet(own)
    if theirs and ours and theirs != ours:
        return f"it is a {theirs}, the network is a {ours}"
    key = bad[0]
    if key not in own:
        return f"the file also holds {len(bad)} others, such as {key}"
    if key not in state:
        return f"the file lacks {key}, one of {len(bad)}"
    return (
        f"{key} is {tuple(state[key].shape)} in the file and {tuple(own[key].shape)} "
        "in the network"
    )


def describe_resnet(state: Mapping[str, Tensor]) -> str:
    """Describes a ResNet by its weights; "" where they are none's."""
    blocks = [tuple(map(int, m.groups())) for m in map(_BLOCK.fullmatch, state) if m]
    if not blocks or "conv1.weight" not in state:
        return ""
    stages = sorted({stage for stage, _ in blocks})
    depths = ".".join(str(sum(s == stage for s, _ in blocks)) for stage in stages)
    kind = "bottleneck" if "layer1.0.conv3.weight" in state else "basic"
    widths = [len(state[f"layer{stage}.0.conv1.weight"]) for stage in stages]
    stem = state["conv1.weight"]
    return (
        f"ResNet of {kind} blocks, depths {depths}, widths "
        f"{'.'.join(map(str, widths))}, a stem of {len(stem)} and {stem.shape[-1]} px"
    )


def _out_of_order(
    own: Mapping[str, Tensor], checkpoint: Checkpoint, what: str, by_order: bool
) -> str:
    weights = checkpoint.weights
    pairs = zip(own.items(), weights.items(), strict=False)
    place = next(
        (
            f"{key} {tuple(value.shape)} stands in the place of {name} "
            f"{tuple(mine.shape)}"
            for (name, mine), (key, value) in pairs
            if mine.shape != value.shape
        ),
        f"it holds {len(weights)} tensors, the network {len(own)}",
    )
    first = next(iter(checkpoint.backbone), next(iter(weights)))
    unknown = "" if by_order else f"none of its names is the network's ({first}, ...), "
    return (
        f"loaded 0/{len(own)} {what} keys: {checkpoint.path} ({checkpoint.layout}) "
        f"belongs to another architecture: {unknown}its tensors do not stand in the "
        f"network's order: {place}"
    )
