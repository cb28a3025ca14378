"""Which checkpoint of a work dir a training goes on from."""

import logging
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from torch import nn

from mmtaskssl.utils.errors import UserError, option
from mmtaskssl.utils.families import (
    CannotResume,
    FileDamaged,
    FileFormat,
    NotAResult,
    WeightsMismatch,
)
from mmtaskssl.weights import STATISTICS, check_finite
from mmtaskssl.weights.layouts import recognise
from mmtaskssl.weights.whole import differing

from .unwrapped import unwrapped

POINTER = "last_checkpoint"


@dataclass(frozen=True)
class Place:
    """Where a training keeps its checkpoints.

    Attributes:
        work_dir: Holds the pointer `POINTER`.
        folder: Holds the checkpoints, ``work_dir`` unless the hook's ``out_dir`` says
            otherwise.
        template: A checkpoint's name, with {} for the epoch or iteration.
    """

    work_dir: Path
    folder: Path
    template: str

    def numbered(self) -> list[Path]:
        """Returns the checkpoints, the newest first."""
        before, _, behind = self.template.partition("{}")
        pattern = re.compile(rf"{re.escape(before)}(\d+){re.escape(behind)}")
        if not self.folder.is_dir():
            return []
        found = [
            (int(match[1]), path)
            for path in self.folder.iterdir()
            if (match := pattern.fullmatch(path.name))
        ]
        return [path for _, path in sorted(found, reverse=True)]

    def pointed(self) -> str | None:
        """Returns the name that the pointer holds, "" of an empty one, or None.

        It holds a whole path, but a copied work dir is a training of its own, whose
        checkpoints are the ones beside it: only the name counts.
        """
        pointer = self.work_dir / POINTER
        if not pointer.is_file():
            return None
        text = pointer.read_text(encoding="utf-8", errors="replace")
        return re.split(r"[\\/]", text.strip().strip("\0"))[-1]

    def has_begun(self) -> bool:
        """True if there is anything to go on from, or was."""
        return bool(self.pointed() or self.numbered())


def place_of(cfg: Config, work_dir: str | None = None) -> Place | None:
    """Returns where a config's training keeps its checkpoints.

    Args:
        cfg: Its checkpoint hook is looked at.
        work_dir: Instead of the config's own.

    Returns:
        None if they are no local files.
    """
    work_dir = Path(work_dir or cfg.work_dir).absolute()
    hook = (cfg.get("default_hooks") or {}).get("checkpoint")
    hook = hook if isinstance(hook, Mapping) else {}
    folder, by_epoch = hook.get("out_dir"), hook.get("by_epoch", True)
    if folder is not None and "://" in str(folder):
        return None
    if folder is None or Path(folder).absolute() == work_dir:
        folder = work_dir
    else:
        folder = Path(folder).absolute() / work_dir.name
    template = (
        hook.get("filename_tmpl") or f"{'epoch' if by_epoch else 'iter'}_{{}}.pth"
    )
    return Place(work_dir, folder, template)


def find_resumable(
    place: Place, read: Callable[[Path], Any]
) -> tuple[Path, Mapping[str, Any]] | None:
    """Finds the checkpoint to go on from, and reads it.

    That is the one the pointer names; where the pointer is missing, empty or dangling,
    or what it names is damaged, the newest one that is whole, which is logged.

    Args:
        place: Where to look.
        read: Reads a checkpoint, or raises.

    Returns:
        Path and content, or None if the training has not begun.

    Raises:
        UserError: There are checkpoints, or a pointer, and none of them is whole.
    """
    name = place.pointed()
    paths = place.numbered()
    wrong = None
    if name is None:
        wrong = f"there is no {POINTER}"
    elif name == "":
        wrong = f"{POINTER} is empty"
    elif not (place.folder / name).is_file():
        wrong = f"{POINTER} names {name}, which is not there"
    else:
        first = place.folder / name
        paths = [first, *(path for path in paths if path != first)]
    damaged = []
    for path in paths:
        try:
            content = read_whole(path, read)
        except (UserError, OSError) as error:
            damaged.append(f"{path.name} is damaged ({error})")
            continue
        reasons = [*([wrong] if wrong else []), *damaged]
        if reasons:
            print_log(
                f"in {place.folder} {'; '.join(reasons)}: resuming from {path.name}, "
                "the newest whole checkpoint",
                "current",
            )
        return path, content
    if damaged:
        raise CannotResume(
            f"nothing in {place.folder} can be resumed: {'; '.join(damaged)}; remove "
            f"{'it' if len(damaged) == 1 else 'them'} and {POINTER} to begin anew"
        )
    if name:
        raise CannotResume(
            f"nothing in {place.folder} can be resumed: {wrong}, and no other "
            f"checkpoint is; put it back, or remove {POINTER} to begin anew"
        )
    return None


def read_whole(path: Path, read: Callable[[Path], Any]) -> Mapping[str, Any]:
    """Reads a checkpoint after comparing its checksums.

    torch's own reader compares none: a file whose middle never reached the disk would
    give wrong weights.

    Args:
        path: A file.
        read: Reads it, or raises.

    Raises:
        UserError: It is damaged, or not of a training.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                bad = archive.testzip()
            if bad:
                raise FileDamaged(f"{bad} in it does not match its checksum")
        content = read(path)
    except UserError:
        raise
    except Exception as error:
        raise FileFormat(" ".join(str(error).split()[:20]) or repr(error)) from error
    meta = content.get("meta") if isinstance(content, Mapping) else None
    if not isinstance(meta, Mapping) or not {"epoch", "iter"} <= set(meta):
        raise NotAResult("it holds no training's state")
    return content


def check_weights(
    model: nn.Module, content: Mapping[str, Any], path: str, allow: Sequence[str] = ()
) -> None:
    """Refuses weights that are not all of the model's; says what matches.

    mmengine loads whatever fits and lists the rest among hundreds of lines.

    Args:
        model: Compared, and left unchanged.
        content: Of a checkpoint.
        path: Of it, for messages.
        allow: Patterns of keys of the model that may differ, see `differing`.

    Raises:
        UserError: Some of the model's weights are not in it or of other shapes, its
            backbone has others, or there is NaN in them.
    """
    weights = content.get("state_dict", content)
    weights = {key.removeprefix("module."): value for key, value in weights.items()}
    model = unwrapped(model)
    own = {k: v for k, v in model.state_dict().items() if STATISTICS not in k}
    statistics = {k: v for k, v in weights.items() if STATISTICS in k}
    weights = {k: v for k, v in weights.items() if k not in statistics}
    if not own.keys() & weights.keys():
        raise WeightsMismatch(
            f"checkpoint {path} has no weight of this {type(model).__name__}"
        )
    unlike = [k for k in own if k in weights and _shape(weights[k]) != own[k].shape]
    fitting = {k: weights[k] for k in own if k in weights and k not in unlike}
    count = f"{len(fitting)}/{len(own)} weights"
    if found := differing(own, weights, allow, "backbone."):
        layout = recognise(weights).layout
        raise WeightsMismatch(
            f"checkpoint {path} ({layout}) is of another architecture or training, "
            f"{count} of this {type(model).__name__} fit: {found.reason(own, weights)}"
            + _as_start(own, fitting)
        )
    check_finite(model, fitting | statistics, f"checkpoint {path}", "model")
    level = logging.INFO if len(fitting) == len(own) else logging.WARNING
    print_log(f"{path} fits {count}", "current", level)


def _shape(value: Any) -> Any:
    return getattr(value, "shape", None)


def _as_start(own: Mapping[str, Any], fitting: Mapping[str, Any]) -> str:
    """Says how a backbone alone is loaded, where the other parts are what differs."""
    parts = [key for key in own if key.startswith("backbone.")]
    lacking = [k for k in parts if k not in fitting and not k.endswith("tracked")]
    if parts and (not lacking or not any(key in fitting for key in parts)):
        return f"; the backbone alone starts from a file by {option('weights')}"
    return ""
