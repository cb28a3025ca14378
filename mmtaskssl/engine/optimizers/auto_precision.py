from contextlib import contextmanager, nullcontext

import torch
from mmengine.dist import all_reduce
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from torch import nn

from mmtaskssl.registry import OPTIM_WRAPPERS
from mmtaskssl.utils.families import BadConfigValue, NewerFormat
from mmtaskssl.utils.number_formats import has_native_bfloat16, prefers_channels_last

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_LAYOUTS = {
    "contiguous": torch.contiguous_format,
    "channels_last": torch.channels_last,
}


@OPTIM_WRAPPERS.register_module()
class AutoPrecisionOptimWrapper(OptimWrapper):
    """Trains in the number format and memory layout that the machine is fast in.

    bfloat16 autocast where every process has it natively, float32 elsewhere; the
    layout, which `ChannelsLastHook` applies, goes with the format. A training keeps
    its choice: it is part of the state, so that resuming on a machine of another kind
    repeats the same arithmetic.

    Args:
        optimizer: See `OptimWrapper`.
        precision: ``"auto"``; or ``"float32"`` or ``"bfloat16"``, which also overrule
            what a resumed training chose.
        **kwargs: Those of `OptimWrapper`.

    Attributes:
        dtype: ``torch.float32`` or ``torch.bfloat16``.
        memory_format: Of the weights of convolutions.

    Raises:
        UserError: Another ``precision``.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, precision: str = "auto", **kwargs
    ) -> None:
        super().__init__(optimizer, **kwargs)
        if precision != "auto" and precision not in PRECISIONS:
            raise BadConfigValue(
                f"optim_wrapper.precision is {precision!r}; it can be auto, "
                + " or ".join(PRECISIONS)
            )
        groups = optimizer.param_groups
        self._device = next(p.device for group in groups for p in group["params"])
        self._forced = precision != "auto"
        self._logged = False
        if self._forced:
            self.dtype, self._reason = PRECISIONS[precision], "as configured"
        else:
            self.dtype, self._reason = self._choose()
        last = _everywhere(prefers_channels_last(self._device, self.dtype))
        self._layout = "channels_last" if last else "contiguous"

    @property
    def memory_format(self) -> torch.memory_format:
        """See the attributes of the class."""
        return _LAYOUTS[self._layout]

    def state_dict(self) -> dict:
        """Returns the optimizer's state and, as ``number_format``, the choice."""
        precision = next(k for k, v in PRECISIONS.items() if v == self.dtype)
        choice = {"precision": precision, "layout": self._layout}
        return {**super().state_dict(), "number_format": choice}

    def load_state_dict(self, state_dict: dict) -> None:
        """Takes over the state and, unless the precision is forced, the choice.

        Args:
            state_dict: Of `state_dict`, or of another wrapper, which has no choice.

        Raises:
            UserError: A choice that is none of ours.
        """
        state_dict = dict(state_dict)
        choice = state_dict.pop("number_format", None)
        super().load_state_dict(state_dict)
        if choice is None:
            return
        precision, layout = choice.get("precision"), choice.get("layout")
        if precision not in PRECISIONS or layout not in _LAYOUTS:
            raise NewerFormat(
                f"the checkpoint names the number format {precision!r} in the layout "
                f"{layout!r}, which this version does not have"
            )
        if self._forced:
            if self.dtype != PRECISIONS[precision]:
                self._reason = f"as configured, although it began in {precision}"
                self._logged = False
            return
        self.dtype, self._layout = PRECISIONS[precision], layout
        self._reason, self._logged = "as it began", False
        if self.dtype == torch.bfloat16 and not has_native_bfloat16(self._device):
            self._reason += (
                ", which is emulated here and slow: optim_wrapper.precision=float32 is "
                "faster, but no longer bit-exact"
            )

    @contextmanager
    def optim_context(self, model: nn.Module):
        """Runs the forward pass of ``model`` in the chosen format.

        Args:
            model: As for `OptimWrapper.optim_context`.
        """
        self._log()
        precision = nullcontext()
        if self.dtype != torch.float32:
            precision = torch.autocast(self._device.type, self.dtype)
        with super().optim_context(model), precision:
            yield

    def _choose(self) -> tuple[torch.dtype, str]:
        kind = {"cpu": "CPU", "cuda": "GPU"}.get(self._device.type, self._device.type)
        if _everywhere(has_native_bfloat16(self._device)):
            return torch.bfloat16, f"native on this {kind}"
        return torch.float32, f"no native bfloat16 on this {kind}"

    def _log(self) -> None:
        """Says what is in force, once it is: a resumed state may still change it."""
        if not self._logged:
            self._logged = True
            precision = str(self.dtype).removeprefix("torch.")
            print_log(
                f"trains in {precision}, {self._layout.replace('_', '-')} layout: "
                f"{self._reason}",
                "current",
            )


def _everywhere(here: bool) -> bool:
    """Whether all processes say yes: machines of one run may differ."""
    answer = torch.tensor(int(here))
    all_reduce(answer, "min")
    return bool(answer)
