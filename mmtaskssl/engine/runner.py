from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import broadcast_object_list, is_main_process, master_only
from mmengine.hooks import Hook
from mmengine.runner.checkpoint import CheckpointLoader, _load_checkpoint_to_model
from torch import nn

from mmtaskssl.networks.start import Start
from mmtaskssl.registry import RUNNERS
from mmtaskssl.utils.atomic import atomic_path
from mmtaskssl.utils.errors import UserError, option
from mmtaskssl.utils.families import CannotResume, DiskFull
from mmtaskssl.weights import read_checkpoint

from . import starting
from .changed_config import say_changes
from .checkpoints import check_weights, find_resumable, place_of, read_whole
from .dumped import dump_config
from .own_hooks import OWN_HOOKS
from .parameter_groups import GroupedRunner
from .rescale import Batch, Rescale, check_batch
from .unwrapped import unwrapped


@RUNNERS.register_module()
class ResumableRunner(GroupedRunner):
    """mmengine's Runner, from which a kill or a full disk takes no training.

    - A checkpoint has its name once it is whole and on the disk, and mmengine's
      `CheckpointHook` and `EarlyStoppingHook` give way to ours, also in configs of
      other packages.
    - Resuming takes the newest checkpoint of the work dir that is whole, see
      `find_resumable`.
    - A checkpoint knows the batch it was trained with. Going on with another bends the
      schedule: it is refused, or with ``resume_rescale`` in the config everything that
      counts iterations is rescaled, see `Rescale`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read: tuple[str, Mapping[str, Any]] | None = None
        self._rescale: Rescale | None = None
        #: What the backbone began with, where the config names ``weights``.
        self.started: Start | None = None
        if self._resume and self.cfg.get("resume_rescale"):
            self._plan_rescale()

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Refuses to synchronise batch norms that do more than normalise.

        timm's also hold the activation behind them, which conversion would drop.

        Args:
            model_wrapper_cfg: See `Runner`.
            model: See `Runner`.

        Raises:
            UserError: ``sync_bn`` is asked for, and the model has such norms.
        """
        if self.distributed and self.cfg.get("sync_bn") is not None:
            starting.check_synchronisable(model)
        return super().wrap_model(model_wrapper_cfg, model)

    def register_hook(
        self, hook: Hook | dict, priority: str | int | None = None
    ) -> None:
        """Registers ours in the place of mmengine's.

        Args:
            hook: See `Runner`.
            priority: See `Runner`.
        """
        if isinstance(hook, Mapping) and hook.get("type") in OWN_HOOKS:
            hook = {**hook, "type": OWN_HOOKS[hook["type"]]}
        super().register_hook(hook, priority)

    @property
    def batch(self) -> Batch:
        """What a training step takes, as configured."""
        return Batch.of(self)

    @property
    def iteration_ratio(self) -> float:
        """Iterations now for one of the config's: 1, or that of a rescaled training."""
        return self._rescale.config_ratio if self._rescale else 1.0

    @master_only
    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        *args: Any,
        meta: dict | None = None,
        **kwargs: Any,
    ) -> None:
        """Writes a checkpoint that appears whole or not at all.

        Args:
            out_dir: See `Runner`.
            filename: See `Runner`.
            *args: See `Runner`.
            meta: See `Runner`; ``batch`` is added.
            **kwargs: See `Runner`.

        Raises:
            UserError: The disk is full, or cannot be written to.
        """
        images = self._rescale.config_images if self._rescale else self.batch.images
        record = {**self.batch.to_dict(), "config_images": images}
        kwargs["meta"] = {**(meta or {}), "batch": record}
        if "://" in str(out_dir):
            super().save_checkpoint(out_dir, filename, *args, **kwargs)
            return
        try:
            with atomic_path(Path(out_dir, filename)) as path:
                super().save_checkpoint(str(path.parent), path.name, *args, **kwargs)
        except OSError as error:
            raise DiskFull(
                f"cannot write {Path(out_dir, filename)} ({error.strerror or error}); "
                "earlier checkpoints are whole: make room, and go on "
                f"with {option('resume')}"
            ) from error

    @master_only
    def dump_config(self) -> None:
        """Writes the config, see `dump_config`."""
        dump_config(self)

    def load_or_resume(self) -> None:
        """Resumes from the newest whole checkpoint, or as mmengine does.

        First the backbone takes the config's ``weights``, of which hooks with
        ``after_start`` take note, and teachers that are the start; of a resumed
        training only for these.

        Raises:
            UserError: There are checkpoints, and none that can be resumed; or no such
                weights.
        """
        self._start()
        if self._resume:  # before the weights of later steps come
            starting.show_start(self, self._load_from)
        self._load_or_resume()
        if not self._resume:
            starting.show_start(self, self._load_from)

    def _load_or_resume(self) -> None:
        if self._has_loaded or not self._resume or self._load_from is not None:
            super().load_or_resume()
            return
        path = self._find()
        if path is None:
            if place_of(self.cfg, self.work_dir) is None:
                super().load_or_resume()  # elsewhere than on a disk
                return
            self.logger.info(
                f"nothing to resume in {self.work_dir}: the training begins"
            )
            return
        self.resume(path)

    def _start(self) -> None:
        weights = self.cfg.get("weights")
        if self._has_loaded or not isinstance(weights, str):
            return
        model = unwrapped(self.model)
        noted = starting.learns_from_start(model) or any(
            hasattr(hook, "after_start") for hook in self.hooks
        )
        if self._resume and not noted and (self._load_from or self._find()):
            return  # which goes on from a checkpoint, and needs the file no more
        self.started = starting.take_start(self.cfg, model, weights)
        for hook in self.hooks:
            if self.started is not None and hasattr(hook, "after_start"):
                hook.after_start(self)

    def resume(
        self,
        filename: str,
        resume_optimizer: bool = True,
        resume_param_scheduler: bool = True,
        map_location: str | Callable = "default",
    ) -> None:
        """Goes on from a checkpoint.

        Args:
            filename: Of the checkpoint.
            resume_optimizer: See `Runner`.
            resume_param_scheduler: See `Runner`.
            map_location: See `Runner`.

        Raises:
            UserError: It is of another architecture, or was trained with another batch
                and nobody asked for rescaling.
        """
        if "://" not in filename:
            content = self._content(filename)
            model = unwrapped(self.model)
            if hasattr(model, "check_resumed"):  # another teacher may be of other shape
                model.check_resumed(content.get("state_dict") or {})
            check_weights(self.model, content, filename, self.cfg.get("allow") or ())
            if self._rescale is None:
                record = content["meta"].get("batch")
                check_batch(self.batch, record, filename, self.logger.info)
                say_changes(content["meta"].get("cfg"), self.cfg.pretty_text, filename)
            if resume_optimizer and "optimizer" not in content:
                self.logger.warning(
                    f"{filename} has no optimizer's state: the optimizer begins anew"
                )
        rescaled = self._rescale is not None
        super().resume(
            filename,
            resume_optimizer,
            resume_param_scheduler and not rescaled,
            map_location,
        )
        if rescaled:
            self._rescale.apply(self)
        self._read = None

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable = "cpu",
        strict: bool = False,
        revise_keys: list = [(r"^module.", "")],  # noqa: B006  mmengine's
    ) -> Mapping[str, Any]:
        """Loads weights, all or none; a file is not read twice.

        Args:
            filename: See `Runner`.
            map_location: See `Runner`; a resumed file's tensors are read to the CPU,
                and copied from there.
            strict: See `Runner`.
            revise_keys: See `Runner`.
        """
        if "://" in filename:  # nobody has looked at it yet
            content = CheckpointLoader.load_checkpoint(filename, map_location)
            check_weights(self.model, content, filename, self.cfg.get("allow") or ())
        elif self._read is None or self._read[0] != filename:
            return super().load_checkpoint(filename, map_location, strict, revise_keys)
        else:
            content = self._read[1]
        self.call_hook("after_load_checkpoint", checkpoint=content)
        model = unwrapped(self.model)
        _load_checkpoint_to_model(model, content, strict, revise_keys=revise_keys)
        self._has_loaded = True
        self.logger.info(f"weights are loaded from {filename}")
        return content

    def _content(self, filename: str) -> Mapping[str, Any]:
        if self._read is None or self._read[0] != filename:
            try:
                self._read = filename, read_whole(Path(filename), _read_file)
            except (UserError, OSError) as error:
                raise CannotResume(f"{filename} cannot be resumed: {error}") from error
        return self._read[1]

    def _find(self) -> str | None:
        """Returns the checkpoint to go on from, the same on all processes."""
        place = place_of(self.cfg, self.work_dir)
        box: list[Any] = [None, None]
        if is_main_process() and place is not None:
            try:
                if (found := find_resumable(place, _read_file)) is not None:
                    box[0] = str(found[0])
                    self._read = box[0], found[1]
            except UserError as error:
                box[1] = error
        broadcast_object_list(box)
        if box[1]:
            raise box[1]
        return box[0]

    def _plan_rescale(self) -> None:
        """Rescales what is not yet built of the config."""
        path = self._load_from or self._find()
        if path is None:
            return
        record = self._content(path)["meta"].get("batch")
        if record is None:
            raise CannotResume(
                f"{path} does not say with which batch it was trained: it cannot be "
                f"resumed with {option('resume_rescale')}"
            )
        had = Batch.from_dict(record)
        if had == self.batch and record["config_images"] == had.images:
            return
        self._rescale = Rescale(had, self.batch, record["config_images"])
        self._rescale.rewrite(self)


def _read_file(path: str | Path) -> Any:
    return read_checkpoint(path)
