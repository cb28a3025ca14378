"""What a config makes of the learning rates of its parts, said in a few lines.

mmengine says it a parameter and a value a line: hundreds, among which a key that is
misspelt, and so of no parameter, cannot be seen to be missing.
"""

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import nn

from mmtaskssl.utils.errors import meant

from .unwrapped import unwrapped

# As mmengine's `DefaultOptimWrapperConstructor` begins or ends them.
_BEGINS = "paramwise_options -- "
_ENDS = "is skipped since its requires_grad=False"


class GroupedRunner(Runner):
    """mmengine's Runner, which says an optimizer's groups as groups."""

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        """Builds it, and says how many parameters have which rate.

        Args:
            optim_wrapper: See `Runner`.
        """
        configured = optim_wrapper if isinstance(optim_wrapper, Mapping) else {}
        with without_lines():
            built = super().build_optim_wrapper(optim_wrapper)
        if configured.get("paramwise_cfg") and isinstance(built, OptimWrapper):
            model = unwrapped(self.model)
            for line in groups_of(model, built):
                self.logger.info(line)
            for line in unmatched(model, configured["paramwise_cfg"]):
                self.logger.warning(line)
        return built


@contextlib.contextmanager
def without_lines() -> Iterator[None]:
    """Keeps mmengine's lines of single parameters out of the log, but of DEBUG's."""
    logger = MMLogger.get_current_instance()
    if logger.level <= logging.DEBUG:
        yield
        return
    logger.addFilter(_is_other)
    try:
        yield
    finally:
        logger.removeFilter(_is_other)


def groups_of(model: nn.Module, wrapper: OptimWrapper) -> list[str]:
    """Returns a line for each learning rate and decay, and one for what is frozen.

    Args:
        model: Whose parameters are trained.
        wrapper: Has an optimizer for them.
    """
    names = {id(p): name for name, p in model.named_parameters()}
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    for group in wrapper.optimizer.param_groups:
        options = ", ".join(
            f"{key} {group[key]:g}" for key in ("lr", "weight_decay") if key in group
        )
        for parameter in group["params"]:
            counts[options] += 1
            first.setdefault(options, names.get(id(parameter), "?"))
    lines = [
        f"optimizer: {options}: {count} parameters, such as {first[options]}"
        for options, count in counts.items()
    ]
    if frozen := sum(not p.requires_grad for p in model.parameters()):
        lines.append(f"optimizer: not trained: {frozen} parameters")
    return lines


def unmatched(model: nn.Module, paramwise: Mapping[str, Any]) -> list[str]:
    """Returns a line for each key of ``custom_keys`` that no parameter's name has.

    Args:
        model: Whose parameters are trained.
        paramwise: The config's ``paramwise_cfg``.
    """
    names = [name for name, _ in model.named_parameters()]
    parts = sorted({part for name in names for part in name.split(".")})
    return [
        f"optim_wrapper.paramwise_cfg.custom_keys: {key!r} does nothing, no parameter "
        f"has it in its name{meant(str(key), parts)}"
        for key in paramwise.get("custom_keys") or ()
        if not any(str(key) in name for name in names)
    ]


def _is_other(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    return not (text.startswith(_BEGINS) or text.endswith(_ENDS))
