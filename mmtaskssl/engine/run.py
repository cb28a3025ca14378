"""Training and testing of a complete config."""

import contextlib
import os
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.evaluator import DumpResults
from mmengine.runner import Runner
from torch.distributed import is_gloo_available

from mmtaskssl.config.shown import ShownConfig
from mmtaskssl.datasets.host_images import limited_images
from mmtaskssl.registry import RUNNERS
from mmtaskssl.runs.locks import locked
from mmtaskssl.transfer.data_checks import check_annotations
from mmtaskssl.transfer.data_set_checks import check_data_set
from mmtaskssl.utils.atomic import atomic_path
from mmtaskssl.utils.errors import option
from mmtaskssl.utils.families import (
    ConfigUnsuited,
    FileMissing,
    OptionConflict,
    SystemRefused,
)
from mmtaskssl.utils.interrupts import deferred, going_on
from mmtaskssl.utils.number_formats import has_native_bfloat16
from mmtaskssl.weights import load_state_dict
from mmtaskssl.weights.guard import guarded
from mmtaskssl.weights.layouts import strip_wrappers

from .checkpoints import place_of
from .compiled import compile_networks
from .cpu_runner import CPURunner
from .hooks import QueueLengthHook, TerminationHook
from .memory_bank import fit_memory_bank
from .named_images import check_named_images
from .refused import tidied
from .run_checks import check_batches, check_checkpoint, check_optimizer
from .runner import ResumableRunner
from .step_line import say_step
from .unknown_keys import check_keys
from .unwrapped import unwrapped
from .user_errors import user_errors


def train(cfg: Config, trust: bool = False) -> Runner:
    """Trains a config of any OpenMMLab package.

    Args:
        cfg: A complete config with ``work_dir`` and ``launcher``.
        trust: Load checkpoints even if that runs code in them.

    Returns:
        What trained it.

    Raises:
        UserError: The config, its data or its checkpoint cannot be used.
    """
    for section in ("model", "train_dataloader", "train_cfg", "optim_wrapper"):
        if cfg.get(section) is None:
            raise ConfigUnsuited(f"the config has no {section}, it cannot be trained")
    kind = str(cfg.optim_wrapper.get("type", "")).rpartition(".")[2]
    if kind == "AmpOptimWrapper" and not torch.cuda.is_available():
        use_amp(cfg)  # which refuses to be built without a GPU
    check_keys(cfg)
    check_annotations(cfg)
    check_named_images(cfg)
    with contextlib.ExitStack() as stack:
        try:
            if _leads(cfg):  # two trainings would write each other's checkpoints
                stack.enter_context(locked(cfg.work_dir))
            begun = stack.enter_context(tidied(Path(cfg.work_dir)))
        except OSError as error:
            raise SystemRefused(
                f"work dir {cfg.work_dir} cannot be made ({error.strerror}): name "
                "another folder"
            ) from error
        stack.enter_context(guarded(trust, cfg.get("allow") or ()))
        stack.enter_context(limited_images(cfg.get("max_pixels")))
        stack.enter_context(user_errors())
        runner = begun.runner = build_runner(cfg)
        compile_networks(runner)
        runner.train_loop  # noqa: B018  builds it: bad data must show before training
        check_batches(runner)
        say_step(runner)
        fit_memory_bank(runner)
        check_data_set(cfg, runner.train_dataloader.dataset, "training")
        if runner.val_loop is not None:
            check_data_set(cfg, runner.val_dataloader.dataset, "validation")
        if cfg.get("load_from") and not _becomes_start(runner):
            check_checkpoint(runner, cfg.load_from)
        given = cfg.get("weights") not in (None, "random")
        if given and not isinstance(runner, ResumableRunner):
            raise ConfigUnsuited(
                f"{option('weights')} does not serve runner_type={cfg.runner_type}: "
                "leave runner_type out of the config"
            )
        check_optimizer(cfg)
        if not any(isinstance(hook, QueueLengthHook) for hook in runner.hooks):
            runner.register_hook(QueueLengthHook())  # a config not on our bases
        stack.enter_context(going_on("--resume"))
        if get_world_size() == 1 or is_gloo_available():  # they have to agree
            runner.register_hook(TerminationHook())
            stack.enter_context(deferred())
        runner.train()
    return runner


def _leads(cfg: Config) -> bool:
    """Whether this is the first of the processes that train, which are yet to meet."""
    ranks = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")
    several = cfg.get("launcher", "none") != "none"
    return not several or all(os.environ.get(name, "0") == "0" for name in ranks)


def test(cfg: Config, dump: str | None = None, trust: bool = False) -> dict[str, float]:
    """Evaluates ``cfg.load_from`` on the config's test data.

    Args:
        cfg: A complete config with ``work_dir``, ``launcher`` and ``load_from``.
        dump: File that also receives the predictions, as a pickle.
        trust: Load checkpoints even if that runs code in them.

    Returns:
        Metrics by name, as the config's evaluators call them.

    Raises:
        UserError: The config has no test, or cannot be used.
    """
    if cfg.get("test_dataloader") is None:
        raise ConfigUnsuited(
            "the config has no test_dataloader; measure a self-supervised checkpoint "
            "with mmtaskssl evaluate"
        )
    check_annotations(cfg, ("test_dataloader",))
    with guarded(trust), limited_images(cfg.get("max_pixels")), user_errors():
        runner = build_runner(cfg)
        check_checkpoint(runner, cfg.load_from)
        runner.test_loop  # noqa: B018  builds it, and the evaluator within
        check_data_set(cfg, runner.test_dataloader.dataset, "test")
        if dump:
            runner.test_evaluator.metrics.append(_WholeResults(out_file_path=dump))
        return runner.test()


class _WholeResults(DumpResults):
    """Writes all predictions or, if that fails, none: an earlier file stays."""

    def compute_metrics(self, results: list) -> dict:
        final = self.out_file_path
        with atomic_path(final) as path:
            self.out_file_path = str(path)
            super().compute_metrics(results)
        self.out_file_path = final
        return {}


def build_runner(cfg: Config) -> Runner:
    """Builds the config's own runner, or ours for this machine.

    Raises:
        UserError: Rescaling is asked for, which the config's own cannot do.
    """
    cfg = ShownConfig.of(cfg)
    if "runner_type" in cfg:
        runner = RUNNERS.build(cfg)
        if cfg.get("resume_rescale") and not isinstance(runner, ResumableRunner):
            raise ConfigUnsuited(
                f"{option('resume_rescale')} does not serve "
                f"runner_type={cfg.runner_type}: leave runner_type out of the config"
            )
        return runner
    kind = ResumableRunner if torch.cuda.is_available() else CPURunner
    return kind.from_cfg(cfg)


def resume_from(cfg: Config, checkpoint: str | None = None) -> None:
    """Lets a config's training go on.

    Args:
        cfg: A complete config, changed in place.
        checkpoint: Where from; None: the newest whole one of the work dir. While there
            is none, the training begins with the weights that the config loads.

    Raises:
        UserError: No such checkpoint.
    """
    if checkpoint is not None and not Path(checkpoint).is_file():
        raise FileMissing(f"checkpoint {checkpoint} does not exist")
    place = place_of(cfg)
    begun = place is None or place.has_begun()
    # Nothing to resume yet: weights that the config loads are where to begin.
    if checkpoint is not None or begun or not cfg.get("load_from"):
        cfg.resume, cfg.load_from = True, checkpoint


def use_amp(cfg: Config) -> None:
    """Switches a config to mixed precision where that is faster.

    On a GPU to float16, unless the config chooses bfloat16 where the GPU has it. On a
    CPU to bfloat16, if it has that natively: elsewhere the
    training stays in float32 and says so.

    Raises:
        UserError: The config has an optimizer wrapper of its own kind, or forces
            float32.
    """
    kind = str(cfg.optim_wrapper.get("type", "OptimWrapper"))
    if kind.endswith("BFloat16OptimWrapper"):
        return
    if kind.endswith("AutoPrecisionOptimWrapper"):
        if cfg.optim_wrapper.get("precision") == "float32":
            raise OptionConflict(
                f"{option('amp')} contradicts optim_wrapper.precision=float32"
            )
        forced = cfg.optim_wrapper.get("precision", "auto") != "auto"
        if forced or not torch.cuda.is_available() or has_native_bfloat16("cuda"):
            return
        # It would choose float32, where half precision was asked for.
        cfg.optim_wrapper.pop("precision", None)
        kind = "OptimWrapper"
    if kind.rpartition(".")[2] not in ("OptimWrapper", "AmpOptimWrapper"):
        raise OptionConflict(
            f"{option('amp')} does not combine with the optimizer wrapper {kind}"
        )
    if torch.cuda.is_available():
        cfg.optim_wrapper.type = "AmpOptimWrapper"
        cfg.optim_wrapper.setdefault("loss_scale", "dynamic")
    else:
        cfg.optim_wrapper.type = "mmtaskssl.AutoPrecisionOptimWrapper"
        cfg.optim_wrapper.pop("loss_scale", None)
        cfg.optim_wrapper.pop("dtype", None)


def use_auto_scale_lr(cfg: Config) -> None:
    """Lets the Runner scale the learning rate with the actual batch.

    Raises:
        UserError: The config does not say for which batch its rate is.
    """
    if "base_batch_size" not in (cfg.get("auto_scale_lr") or {}):
        raise ConfigUnsuited(
            f"{option('auto_scale_lr')} needs auto_scale_lr.base_batch_size in the "
            "config"
        )
    cfg.auto_scale_lr.enable = True


def _becomes_start(runner: Runner) -> bool:
    """Lets the backbone start from a ``load_from`` that is no whole model's.

    Returns:
        False: it is this model's, or not on this machine.
    """
    path = runner.cfg.load_from
    ours = isinstance(runner, ResumableRunner) and not runner.cfg.get("resume")
    if "://" in path or not ours or runner.cfg.get("weights"):
        return False
    model = unwrapped(runner.model)
    names = strip_wrappers(load_state_dict(path)).keys()
    own = {key for key in model.state_dict() if key.startswith("backbone.")}
    if not own or names & own:
        return False
    runner.cfg.weights, runner.cfg.load_from = path, None
    runner._load_from = None
    return True
