import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmtaskssl.engine.unwrapped import unwrapped
from mmtaskssl.registry import HOOKS
from mmtaskssl.utils.errors import option
from mmtaskssl.utils.families import BadConfigValue, NoWeights


@HOOKS.register_module()
class L2SPHook(Hook):
    """Pulls a backbone's weights towards those that it started from.

    L2-SP (Li et al., *Explicit Inductive Bias for Transfer Learning*, ICML 2018, arXiv
    1802.01483): weight decay towards the start instead of towards 0. Decoupled, as in
    AdamW: after each optimizer step ``w -= lr * strength * (w - start)`` with the rate
    of the weight's own group, so that the pull does not depend on the optimizer.

    The start is what ``weights`` loads, also of a resumed training. Only weights that
    were loaded whole are pulled; what an elastic network drew for itself is not.

    Args:
        strength: Of the pull, per unit of the learning rate.
    """

    # After the optimizer's step, before averages and checkpoints see the weights.
    priority = "VERY_HIGH"

    def __init__(self, strength: float = 0.1) -> None:
        if strength < 0:
            raise BadConfigValue(f"strength of L2SPHook must be 0 or more: {strength}")
        self.strength = strength
        self._start: dict[int, torch.Tensor] | None = None

    def after_start(self, runner: Runner) -> None:
        """Keeps what was loaded.

        Args:
            runner: Its backbone has just started.
        """
        model = unwrapped(runner.model)
        names = dict(model.backbone.named_parameters())
        # A library's names lie behind its body.
        loaded = {n: p for n, p in names.items() if _key(n) in runner.started.loaded}
        self._start = {id(p): p.detach().clone() for p in loaded.values()}

    def before_train(self, runner: Runner) -> None:
        """Refuses a training that has no start.

        Args:
            runner: Names none.

        Raises:
            UserError: See above.
        """
        if self._start is None:
            raise NoWeights(f"L2SPHook needs {option('weights')}: a start to pull to")

    @torch.no_grad()
    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Pulls, if the optimizer has stepped.

        Args:
            runner: Its optimizer's groups are moved.
            batch_idx: Ignored.
            data_batch: Ignored.
            outputs: Ignored.
        """
        if not runner.optim_wrapper.should_update():  # within accumulation
            return
        for group in runner.optim_wrapper.param_groups:
            moved = [p for p in group["params"] if id(p) in self._start]
            share = group["lr"] * self.strength
            if moved and share:
                starts = [self._start[id(p)].to(p.device) for p in moved]
                torch._foreach_lerp_(moved, starts, min(share, 1.0))


def _key(name: str) -> str:
    return name.removeprefix("body.")
