import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import is_main_process, master_only
from mmengine.hooks import CheckpointHook as _CheckpointHook
from mmengine.runner import Runner

from mmtaskssl.engine.accumulated import KeepsGradients
from mmtaskssl.engine.checkpoints import POINTER
from mmtaskssl.engine.metrics import check_source, select_metrics
from mmtaskssl.engine.runner import ResumableRunner
from mmtaskssl.evaluation.label_free import DIRECTIONS
from mmtaskssl.registry import HOOKS
from mmtaskssl.utils.atomic import atomic_path, remove_temporaries, write_text
from mmtaskssl.utils.errors import option
from mmtaskssl.utils.families import BadConfigValue, ConfigUnknown, DiskFull
from mmtaskssl.utils.redaction import redacted
from mmtaskssl.weights import read_checkpoint

_SUPERSEDED = "superseded_ckpts"
# Which way is better, of what mmengine does not know.
_BETTER = {
    rule: [name for name, known in DIRECTIONS.items() if known == rule]
    for rule in ("greater", "less")
}


@HOOKS.register_module()
class CheckpointHook(KeepsGradients, _CheckpointHook):
    """mmengine's hook, with which a kill at any moment loses no training.

    mmengine deletes first and writes then, in place. Here the order is: the checkpoint
    under a temporary name, to the disk, renamed; then the pointer ``last_checkpoint``,
    likewise; then what they supersede is deleted. The checkpoint lists that, so that
    a resumed training deletes what a kill has left.

    ``save_best`` takes the metrics of a validation loop and of `KNNHook`
    (``save_best="knn_top1"``). The best checkpoint is superseded no sooner than a
    checkpoint to resume from knows of the better one. Where a checkpoint exists of the
    step that brought the best, it is written again with the score.

    Between two steps of an optimizer that accumulates it has the gradients. A training
    that is stopped early saves its end, too, with ``save_last``. In a work dir that was
    copied nothing outside of the copy is touched. The arguments are mmengine's.
    """

    _default_greater_keys = [
        *_CheckpointHook._default_greater_keys,
        *_BETTER["greater"],
    ]
    _default_less_keys = [*_CheckpointHook._default_less_keys, *_BETTER["less"]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.args:  # mmengine would stumble over them when it first saves
            raise ConfigUnknown(
                f"CheckpointHook has no argument {next(iter(self.args))!r}"
            )
        place = str(self.out_dir)  # which every checkpoint names
        if redacted(place) != place:
            raise BadConfigValue(
                f"the CheckpointHook's out_dir {place} has a password or a signature "
                "in it: give these to the storage by backend_args, or by its own "
                "configuration"
            )
        self._saved_iters: int | None = None
        self._superseded: list[str] = []

    def before_train(self, runner: Runner) -> None:
        """Takes up a resumed training's state, and removes what a kill has left.

        Args:
            runner: Its message hub is read.

        Raises:
            UserError: ``save_best`` is set, and nothing is measured.
        """
        super().before_train(runner)
        if self.save_best is not None:
            check_source(runner, "save_best", self.save_best[0])
            self._move_best(runner)
        if runner.iter:
            self._saved_iters = runner.iter
            self.give_back(runner)
        left = runner.message_hub.get_info(_SUPERSEDED) or []
        self._superseded = [name for name in left if name not in self._current()]
        self._delete_superseded(runner)
        if is_main_process() and self._is_local:
            names = re.compile(rf".+\.pth|{re.escape(POINTER)}")
            for folder in {str(self.out_dir), runner.work_dir}:
                for name in remove_temporaries(folder, names):
                    runner.logger.info(f"removed {name}, which a killed run has left")

    def after_metrics(
        self, runner: Runner, metrics: Mapping[str, float], epoch: int, iters: int
    ) -> None:
        """Saves the best by what another hook has measured.

        Args:
            runner: Of the training.
            metrics: By name.
            epoch: Epochs done.
            iters: Iterations done.

        Raises:
            UserError: A metric of ``save_best`` is not among them, and will never be.
        """
        if self.save_best:
            self._save_best(runner, metrics, epoch, iters)

    def save_now(self, runner: Runner) -> None:
        """Saves after the iteration that ends, whatever the cadence.

        Args:
            runner: Of the training, which counts iterations.
        """
        if not self.by_epoch and self._saved_iters != runner.iter + 1:
            self._save(runner, runner.epoch, runner.iter + 1)

    def after_train(self, runner: Runner) -> None:
        """Saves the end of a training that was stopped early, and publishes.

        Args:
            runner: Of the training.
        """
        if (
            self.save_last
            and runner.train_loop.stop_training
            and self._saved_iters != runner.iter
        ):
            self._save(runner, runner.epoch, runner.iter)
        self._delete_superseded(runner)
        super().after_train(runner)

    def _save_best_checkpoint(
        self, runner: Runner, metrics: Mapping[str, float]
    ) -> None:
        """As mmengine calls it after a validation."""
        if self.save_best:
            self._save_best(runner, metrics, runner.epoch, runner.iter)

    def _save_best(
        self, runner: Runner, metrics: Mapping[str, float], epoch: int, iters: int
    ) -> None:
        if "auto" in self.key_indicators:
            self._init_rule(self.rules, [next(iter(metrics))])
        hub, several = runner.message_hub, len(self.key_indicators) > 1
        step = epoch if self.by_epoch else iters
        found = select_metrics(runner, "save_best", self.key_indicators, metrics)
        better = []
        for key, rule in zip(self.key_indicators, self.rules, strict=True):
            score_key = f"best_score_{key}" if several else "best_score"
            best = hub.get_info(score_key, self.init_value_map[rule])
            if key not in found or metrics[key] is None:
                continue
            if not self.is_better_than[key](metrics[key], best):
                continue
            old = self._best(key)
            name = f"best_{key}_{self.filename_tmpl.format(step)}".replace("/", "_")
            hub.update_info(score_key, float(metrics[key]))
            self._set_best(runner, key, name)
            if old is not None and os.path.basename(old) != name:
                self._superseded.append(os.path.basename(old))
            better.append((key, name))
        meta = {"epoch": epoch, "iter": iters}
        for key, name in better:
            self._write(runner, name, meta, optimizer=False, schedulers=False)
            runner.logger.info(
                f"best {key} so far, {metrics[key]:.4f} at {step}: saved as {name}"
            )
        if better and self._saved_iters == iters:
            self._save(runner, epoch, iters)
        elif better and self.interval <= 0 and not self.save_last:
            self._delete_superseded(runner)  # nothing will be resumed

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        """As mmengine calls it on the cadence."""
        self._save(runner, meta["epoch"], meta["iter"], step)

    def _save(
        self, runner: Runner, epoch: int, iters: int, step: int | None = None
    ) -> None:
        if step is None:
            step = epoch if self.by_epoch else iters
        hub = runner.message_hub
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                old = self.filename_tmpl.format(self.keep_ckpt_ids[0])
                self._superseded.append(old)
            self.keep_ckpt_ids.append(step)  # of bounded length: drops the oldest
            hub.update_info("keep_ckpt_ids", list(self.keep_ckpt_ids))
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        hub.update_info("last_ckpt", self.last_ckpt)
        hub.update_info(_SUPERSEDED, list(self._superseded))
        meta = {"epoch": epoch, "iter": iters}
        with self.gradients_of(runner):
            self._write(
                runner, name, meta, self.save_optimizer, self.save_param_scheduler
            )
        self._saved_iters = iters
        if is_main_process():
            try:
                write_text(Path(runner.work_dir, POINTER), str(self.last_ckpt))
            except OSError as error:
                raise DiskFull(
                    f"cannot write {POINTER} in {runner.work_dir} "
                    f"({error.strerror or error}); {name} is whole: make room, and "
                    f"go on with {option('resume')}"
                ) from error
        self._delete_superseded(runner)

    def _write(
        self, runner: Runner, name: str, meta: dict, optimizer: bool, schedulers: bool
    ) -> None:
        def save(folder: str, name: str) -> None:
            runner.save_checkpoint(
                folder,
                name,
                self.file_client_args,
                save_optimizer=optimizer,
                save_param_scheduler=schedulers,
                meta=dict(meta),
                by_epoch=self.by_epoch,
                backend_args=self.backend_args,
            )

        # Of the other runners mmengine's own writes in place, and only where this is
        # the first process; those for sharded models write folders, from all.
        plain = type(runner).save_checkpoint is Runner.save_checkpoint
        if isinstance(runner, ResumableRunner) or not plain or not self._is_local:
            save(self.out_dir, name)
        elif is_main_process():
            with atomic_path(Path(self.out_dir, name)) as path:
                save(str(path.parent), path.name)

    @property
    def _is_local(self) -> bool:
        return "://" not in str(self.out_dir)

    def _current(self) -> set[str]:
        """Returns the names that are not to be deleted."""
        steps = self.keep_ckpt_ids if self.max_keep_ckpts > 0 else ()
        best = [self._best(key) for key in getattr(self, "key_indicators", ())]
        return {
            *(self.filename_tmpl.format(step) for step in steps),
            *(os.path.basename(path) for path in best if path),
        }

    @master_only
    def _delete_superseded(self, runner: Runner) -> None:
        while self._superseded:
            path = self.file_backend.join_path(self.out_dir, self._superseded.pop(0))
            try:
                if self.file_backend.isfile(path):
                    self.file_backend.remove(path)
                elif self.file_backend.isdir(path):  # of a sharded model
                    self.file_backend.rmtree(path)
            except OSError as error:
                runner.logger.warning(f"cannot delete {path} ({error})")

    def _best(self, key: str) -> str | None:
        if len(self.key_indicators) == 1:
            return self.best_ckpt_path
        return self.best_ckpt_path_dict.get(key)

    def _set_best(self, runner: Runner, key: str, name: str) -> None:
        path = self.file_backend.join_path(self.out_dir, name)
        if len(self.key_indicators) == 1:
            self.best_ckpt_path = path
            runner.message_hub.update_info("best_ckpt", path)
        else:
            self.best_ckpt_path_dict[key] = path
            runner.message_hub.update_info(f"best_ckpt_{key}", path)

    def _move_best(self, runner: Runner) -> None:
        """Takes the best checkpoints of a copied work dir as those beside it."""
        for key in self.key_indicators:
            if self._best(key):
                self._set_best(runner, key, os.path.basename(self._best(key)))

    @master_only
    def _publish_model(self, runner: Runner, ckpt_path: str) -> None:
        """Writes the published keys under a name with their hash."""
        if ckpt_path is None or not self._is_local:
            return super()._publish_model(runner, ckpt_path)
        content = read_checkpoint(ckpt_path)
        kept = {key: content[key] for key in content if key in self.published_keys}
        stem = Path(ckpt_path).with_suffix("")
        with atomic_path(f"{stem}-published.pth") as path:
            torch.save(kept, path)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
        final = f"{stem}-{digest}.pth"
        os.replace(f"{stem}-published.pth", final)
        runner.logger.info(f"published {', '.join(kept)} of {ckpt_path} as {final}")
