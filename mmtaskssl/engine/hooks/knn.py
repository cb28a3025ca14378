import copy
import time
from collections.abc import Iterator, Sequence

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmtaskssl.engine.evaluation_views import evaluation_views
from mmtaskssl.engine.knn_pass import KNNPass
from mmtaskssl.engine.metrics import publish_metrics, was_published
from mmtaskssl.models.backbones import ElasticBackbone, seeing_whole_images
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.registry import DATASETS, HOOKS
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.errors import UserError

# Enough for batch-norm statistics, whatever the size of the data set.
_CALIBRATION_IMAGES = 1024
# Of "all" sub-nets; more would take longer to measure than to train.
_MOST_SUBNETS = 64
# Of "auto".
_FEW_SUBNETS = 8


@HOOKS.register_module()
class KNNHook(Hook):
    """Measures the backbone in training: weighted kNN on a labelled data set.

    The features are the global average of the last feature map of the plain,
    un-augmented images. Everything happens on a copy of the backbone, with a random
    state of its own: a training is bit for bit the same with and without this hook.
    Under several processes each takes a share of the batches and keeps the features
    of its own training images only, normalised in float16: of ImageNet and 2,048
    channels 5.2 GB over the number of processes. Test features go round, and the
    nearest of all processes are put together (see `ShardedBank`). The copies use the
    first process's batch-norm statistics, so the result does not depend on their
    number.

    Logged as ``knn_top1``, in per cent, under which ``save_best`` of `CheckpointHook`
    and ``monitor`` of `EarlyStoppingHook` know it. With ``subnets``, the plain network
    of each sub-net of an elastic backbone is measured instead, logged as
    ``0.5/knn_top1`` and so on. Where the sub-nets share batch norms, each first gets
    statistics of its own from the training images of this hook (1,024 of them at most).

    A hook, and no ``val_loop`` with an evaluator: mmengine's loop hands the model one
    batch after another of one data set, whereas kNN compares two data sets as wholes,
    and the sub-nets' batch norms need a pass over images beforehand; a model that did
    that in its ``val_step`` would have to keep both as state.

    Args:
        train: Config of a data set with ``labels`` and ``class_names`` that votes.
        test: Config of one that is classified; the same classes.
        interval: Epochs or iterations between two measurements; the end of the
            training is always measured.
        by_epoch: What ``interval`` counts.
        source: "online", or "ema" for the momentum encoder of MoCo or BYOL.
        subnets: Names of sub-nets, or anchors', or numbers: the seed of a random member
            of the space each, logged as ``rand0`` and so on; or "all", of a space that
            can be listed. "auto": of an elastic backbone all of a short list, else
            MAX, MIN and two random ones. None: the backbone as it runs by default.
        k: Neighbours.
        temperature: Of the votes.
        batch_size: Images at a time and process.
        num_workers: Loading processes.
    """

    # After the checkpoint's hook: a crash in here must not cost the checkpoint.
    priority = "LOWEST"
    publishes_metrics = True

    def __init__(
        self,
        train: dict,
        test: dict,
        interval: int = 10,
        by_epoch: bool = True,
        source: str = "online",
        subnets: Sequence[str | int] | str | None = None,
        k: int = 20,
        temperature: float = 0.07,
        batch_size: int = 128,
        num_workers: int = 0,
    ) -> None:
        if source not in ("online", "ema"):
            raise UserError(f"KNNHook's source is online or ema, not {source!r}")
        self.data_cfgs = train, test
        self.interval = interval
        self.by_epoch = by_epoch
        self.source = source
        self.subnets = subnets
        self.options = {
            "k": k,
            "temperature": temperature,
            "batch_size": batch_size,
            "num_workers": num_workers,
        }

    def before_train(self, runner: Runner) -> None:
        """Builds the data sets, so that bad ones show before training.

        Args:
            runner: Its model is asked for ``source``.

        Raises:
            UserError: The classes differ, or the model has no momentum encoder, or not
                the sub-nets.
        """
        self.train_set, self.test_set = map(DATASETS.build, self.data_cfgs)
        classes, others = self.train_set.class_names, self.test_set.class_names
        if list(classes) != list(others):
            raise UserError(
                f"kNN's train and test images have different classes: {classes} "
                f"and {others}"
            )
        self.measure = KNNPass(self.train_set, self.test_set, **self.options)
        self.named = self._resolve(self._encoder(runner))
        # Of a resumed training: what a kill behind the checkpoint has cost.
        done, end = runner.iter, runner.max_iters
        if self.by_epoch:
            done, end = runner.epoch, runner.max_epochs
        due = done and (done % self.interval == 0 or done == end)
        if due and not was_published(runner, self._name, runner.iter):
            self._measure(runner, runner.epoch, runner.iter)

    def after_train_epoch(self, runner: Runner) -> None:
        """Measures on the cadence of epochs.

        Args:
            runner: Its backbone is measured.
        """
        if self.by_epoch and (
            self.every_n_epochs(runner, self.interval)
            or self.is_last_train_epoch(runner)
        ):
            self._measure(runner, runner.epoch + 1, runner.iter)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Measures on the cadence of iterations.

        Args:
            runner: Its backbone is measured.
            batch_idx: Ignored.
            data_batch: Ignored.
            outputs: Ignored.
        """
        if not self.by_epoch and (
            self.every_n_train_iters(runner, self.interval)
            or self.is_last_train_iter(runner)
        ):
            self._measure(runner, runner.epoch, runner.iter + 1)

    @torch.no_grad()
    def _measure(self, runner: Runner, epoch: int, iters: int) -> None:
        started = time.perf_counter()
        preprocessor = evaluation_views(_unwrap(runner.model), runner.cfg)
        scores = {
            f"{name}knn_top1": self.measure.top1(network, preprocessor)
            for name, network in self._networks(runner, preprocessor)
        }
        step = epoch if self.by_epoch else iters
        for name, value in scores.items():
            runner.message_hub.update_scalar(f"val/{name}", value)
        runner.visualizer.add_scalars(scores, step=step)
        text = "  ".join(f"{name}: {value:.2f}" for name, value in scores.items())
        runner.logger.info(
            f"{'Epoch' if self.by_epoch else 'Iter'} {step}  {text}  "
            f"({len(self.test_set)} images, {self.source}, "
            f"{time.perf_counter() - started:.1f} s)"
        )
        publish_metrics(runner, scores, self._name, epoch, iters)

    @property
    def _name(self) -> str:
        return f"knn_{self.source}"

    def _resolve(self, backbone: nn.Module) -> dict[str, Subnet] | None:
        """Returns the sub-nets to measure by their names in the log."""
        subnets, elastic = self.subnets, isinstance(backbone, ElasticBackbone)
        if subnets is None or (subnets == "auto" and not elastic):
            return None
        if not elastic:
            raise UserError(
                f"KNNHook measures sub-nets, but {type(backbone).__name__} has none"
            )
        space = backbone.space
        if subnets == "auto":
            short = len(space) <= _FEW_SUBNETS
            subnets = "all" if short else ["MAX", "MIN", 0, 1]
        if subnets == "all":
            if len(space) > _MOST_SUBNETS:
                raise UserError(
                    f"KNNHook cannot measure all {len(space)} sub-nets of this space; "
                    "name some"
                )
            every = [space.max, *space]
            return {(space.name_of(s) or s.name).lower(): s for s in every}
        if isinstance(subnets, str):
            raise UserError(
                f"KNNHook takes 'all', 'auto' or a list of names, not {subnets!r}"
            )
        return {
            f"rand{value}" if isinstance(value, int) else value.lower(): (
                space.sample(value) if isinstance(value, int) else space.resolve(value)
            )
            for value in subnets
        }

    def _networks(
        self, runner: Runner, preprocessor: nn.Module
    ) -> Iterator[tuple[str, nn.Module]]:
        """Yields prefix and network of whatever is to be measured."""
        backbone = seeing_whole_images(copy.deepcopy(self._encoder(runner)))
        backbone.eval()  # in its own line: the hosts' ResNet returns None from it
        if self.named is None:
            yield "", backbone
            return
        # Mixed classes: a folder's order would make batches of one class.
        order = torch.randperm(len(self.train_set), generator=torch.Generator())
        rows = order[:_CALIBRATION_IMAGES].split(self.measure.batch_size)
        batches = [part.tolist() for part in rows]
        for name, subnet in self.named.items():
            if backbone.needs_calibration(subnet):
                # By every process on the same images, so that all have the same.
                images = self.measure.images(preprocessor, self.train_set, batches)
                calibrate(backbone, subnet, images)
            yield f"{name}/", backbone.extract(subnet)

    def _encoder(self, runner: Runner) -> nn.Module:
        model = _unwrap(runner.model)
        if self.source == "online":
            return model.backbone
        for name in ("encoder_k", "target_net", "momentum_encoder"):
            if hasattr(model, name):
                return getattr(model, name).module[0]
        raise UserError(f"{type(model).__name__} has no momentum encoder to measure")


def _unwrap(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model
