import logging
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch import nn

from mmtaskssl.engine.unwrapped import unwrapped
from mmtaskssl.models.backbones import ElasticBackbone
from mmtaskssl.registry import HOOKS
from mmtaskssl.subnets import ALL, Progressive, Subnet
from mmtaskssl.utils.families import CannotResume, ConfigUnsuited

_KEY = "progressive_phase"


@HOOKS.register_module()
class ProgressivePhaseHook(Hook):
    """Says which phase a progressive training (SDR) is in.

    Logs ``phase`` and ``live_paths`` with every step's losses and a line at the start
    of each phase. A checkpoint keeps them under ``progressive_phase`` with all that
    the phases follow from; a resumed training that would follow another plan is
    refused.

    Where sub-nets have batch norms of their own (``SwitchableBN``), a path begins its
    first phase with those of the path that it was split from, of the online network and
    of its average.
    """

    def before_train(self, runner: Runner) -> None:
        """Logs the plan.

        Args:
            runner: Its model's ``subnet_sampler`` is read.

        Raises:
            UserError: The model has no phases.
        """
        sampler = _sampler(runner)
        bounds = sampler.bounds(runner.max_iters)
        lines = [
            f"{len(sampler.live_paths(phase))} from iteration {start}"
            for phase, start in enumerate(bounds[:-1])
            if start < bounds[phase + 1]
        ]
        runner.logger.info(f"live paths (1: MAX alone): {', '.join(lines)}")

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None
    ) -> None:
        """Logs the phase of an iteration.

        Args:
            runner: Its iteration counts.
            batch_idx: Ignored.
            data_batch: Ignored.
        """
        sampler = _sampler(runner)
        phase = sampler.phase(runner.iter, runner.max_iters)
        live = len(sampler.live_paths(phase))
        runner.message_hub.update_scalar("train/phase", phase)
        runner.message_hub.update_scalar("train/live_paths", live)
        if runner.iter == sampler.bounds(runner.max_iters)[phase]:
            runner.logger.info(f"phase {phase} begins: {live} live path(s)")
        if runner.iter > 0:
            before = sampler.phase(runner.iter - 1, runner.max_iters)
            if before != phase:
                _split_norms(runner.model, sampler, before, phase)

    def before_save_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Adds the phase and the plan.

        Args:
            runner: Its model's ``subnet_sampler`` is read.
            checkpoint: Receives ``progressive_phase``.
        """
        sampler = _sampler(runner)
        # Saved behind an iteration: what counts is the next.
        phase = sampler.phase(runner.iter + 1, runner.max_iters)
        live = len(sampler.live_paths(phase))
        plan = _plan(sampler, runner.max_iters)
        checkpoint[_KEY] = {"phase": phase, "live_paths": live, **plan}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Compares the plans.

        Args:
            runner: Of the training that goes on, or begins with these weights.
            checkpoint: Another training's has no plan.

        Raises:
            UserError: The checkpoint's training, which is to be resumed, had another.
        """
        if _KEY not in checkpoint or not runner._resume:
            return
        had, has = dict(checkpoint[_KEY]), _plan(_sampler(runner), runner.max_iters)
        if getattr(runner, "iteration_ratio", 1) != 1:  # to another batch
            had["max_iters"] = runner.max_iters
        for name, value in has.items():
            if had.get(name) != value:
                raise CannotResume(
                    f"the training to resume had {name} {had.get(name)}, not {value}: "
                    "its phases would begin at other iterations; resume with the same "
                    "config, or start anew from its weights with load_from"
                )
        print_log(
            f"resumed in phase {had['phase']}: {had['live_paths']} live path(s)",
            "current",
            logging.INFO,
        )


def _split_norms(model: nn.Module, sampler: Progressive, before: int, now: int) -> None:
    """Lets the paths of a phase inherit the norms of those of the one before."""
    backbones = [m for m in model.modules() if isinstance(m, ElasticBackbone)]
    parents = sampler.live_paths(before)
    pairs = [
        (child, next(p for p in parents if p.path is None or _holds(p, child)))
        for child in sampler.live_paths(now)
    ]
    for backbone in backbones:
        if backbone.norm_cfg["type"] == "SwitchableBN":
            for child, parent in pairs:
                backbone.inherit_norms(child, parent)
    # A neck's norms go with the switch alone: all paths have its whole width.
    switches = backbones[0].switches
    for neck in (m for m in model.modules() if getattr(m, "num_switches", 1) > 1):
        for child, parent in pairs:
            neck.copy_switch(switches[child], switches[parent])


def _holds(parent: Subnet, child: Subnet) -> bool:
    """Whether a partial path's groups are those of ``child``, where it has one."""
    return all(
        group in (ALL, own) for group, own in zip(parent.path, child.path, strict=True)
    )


def _plan(sampler: Progressive, max_iters: int) -> dict[str, Any]:
    return {
        "max_iters": max_iters,
        "shares": list(sampler.shares),
        "num_paths": sampler.num_paths,
        "seed": sampler.seed,
    }


def _sampler(runner: Runner) -> Progressive:
    model = unwrapped(runner.model)
    sampler = getattr(model, "subnet_sampler", None)
    if not isinstance(sampler, Progressive):
        raise ConfigUnsuited(
            "ProgressivePhaseHook needs model.subnet_sampler of type Progressive"
        )
    return sampler
