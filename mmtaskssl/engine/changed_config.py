"""What a resumed training does otherwise than it began."""

import logging
from collections.abc import Iterator
from typing import Any

from mmengine.logging import print_log

from mmtaskssl.config.dumped_config import parse_dumped_config
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.redaction import redacted

# Of where and how it runs, not of what it computes.
_PLACES = ("work_dir", "resume", "load_from", "launcher", "experiment_name")
_PLACES += ("log_level", "resume_rescale", "max_pixels", "env_cfg", "visualizer")
_LOADING = ("num_workers", "persistent_workers", "pin_memory", "prefetch_factor")
_SHOWN, _LONGEST = 5, 40
_ABSENT = "absent"


def say_changes(before: Any, now: str, checkpoint: str) -> None:
    """Says in one sentence which settings are others than a checkpoint's.

    Args:
        before: Text of the config that trained it, as the checkpoint has it.
        now: Of the training that goes on.
        checkpoint: Its file.
    """
    if not isinstance(before, str):
        return
    try:
        # Who signed an address makes no other training.
        old, new = (parse_dumped_config(redacted(text), "") for text in (before, now))
    except UserError:  # of calls and expressions it is not known what they give
        return
    for values in (old, new):
        for key in _PLACES:
            values.pop(key, None)
    if new.get("weights") is None:  # of a start that became it
        old.pop("weights", None)
    found = [
        f"{key} ({_short(was)}, now {_short(is_)})"
        for key, was, is_ in _differences(old, new, "")
    ]
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        print_log(
            f"{checkpoint} was trained with other settings than it goes on with: "
            + ", ".join(found[:_SHOWN])
            + more,
            "current",
            logging.WARNING,
        )


def _differences(old: Any, new: Any, key: str) -> Iterator[tuple[str, Any, Any]]:
    """Yields the dotted keys of what differs, and both values."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            if name not in _LOADING:
                inner = f"{key}.{name}" if key else str(name)
                pair = old.get(name, _ABSENT), new.get(name, _ABSENT)
                yield from _differences(*pair, inner)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, pair in enumerate(zip(old, new, strict=True)):
            yield from _differences(*pair, f"{key}.{place}")
    elif old != new:
        yield key, old, new


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
