import copy
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

from mmtaskssl.engine.evaluation_views import evaluation_views
from mmtaskssl.engine.feature_pass import FeaturePass
from mmtaskssl.engine.metrics import publish_metrics, was_published
from mmtaskssl.engine.unwrapped import unwrapped
from mmtaskssl.models.backbones import ElasticBackbone, seeing_whole_images
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.families import BadConfigValue, BadSpace, NetworkMisfit, NoSubnets

# Enough for batch-norm statistics, whatever the size of the data set.
_CALIBRATION_IMAGES = 1024
# Of "all" sub-nets; more would take longer to measure than to train.
_MOST_SUBNETS = 64
# Of "auto".
_FEW_SUBNETS = 8


class MeasuringHook(Hook):
    """What measures the backbone in training, on a cadence and at the end.

    Everything happens on a copy of the backbone, with a random state of its own: a
    training is bit for bit the same with and without such a hook. What it finds is
    logged, given to the visualizer, and published to the hooks that decide by metrics.

    A hook, and no ``val_loop`` with an evaluator: mmengine's loop hands the model one
    batch after another of one data set, whereas these measure data sets as wholes, and
    the sub-nets' batch norms need a pass over images beforehand; a model that did
    that in its ``val_step`` would have to keep all of it as state.

    Args:
        interval: Epochs or iterations between two measurements; the end of the
            training is always measured.
        by_epoch: What ``interval`` counts.
        source: "online", or "ema" for the momentum encoder of MoCo or BYOL.
        subnets: Names of sub-nets, or anchors', or numbers: the seed of a random member
            of the space each, logged as ``rand0`` and so on; or "all", of a space that
            can be listed. "auto": of an elastic backbone all of a short list, else
            MAX, MIN and two random ones. None: the backbone as it runs by default.
        batch_size: Images at a time and process.
        num_workers: Loading processes.
    """

    # After the checkpoint's hook: a crash in here must not cost the checkpoint.
    priority = "LOWEST"
    publishes_metrics = True
    #: Of what is published; the encoder's name follows.
    what: str

    def __init__(
        self,
        interval: int,
        by_epoch: bool,
        source: str,
        subnets: Sequence[str | int] | str | None,
        batch_size: int,
        num_workers: int,
    ) -> None:
        if source not in ("online", "ema"):
            kind = type(self).__name__
            raise BadConfigValue(f"{kind}'s source is online or ema, not {source!r}")
        self.interval = interval
        self.by_epoch = by_epoch
        self.source = source
        self.subnets = subnets
        self.feature_pass = FeaturePass(batch_size, num_workers)

    @abstractmethod
    def prepare(self, runner: Runner) -> None:
        """Builds the data sets, so that bad ones show before training.

        Args:
            runner: Of the training.
        """

    @abstractmethod
    def calibration_set(self) -> Dataset:
        """Returns images for the statistics of batch norms that sub-nets share."""

    @abstractmethod
    def scores(self, network: nn.Module, preprocessor: nn.Module) -> Mapping:
        """Returns metrics of a network by name, the same in all processes.

        Args:
            network: In evaluation mode.
            preprocessor: Makes its images.
        """

    @abstractmethod
    def describe(self) -> str:
        """Returns what was measured on, for the log."""

    def before_train(self, runner: Runner) -> None:
        """Builds the data sets, and makes up for what a kill has cost.

        Args:
            runner: Its model is asked for ``source``.

        Raises:
            UserError: The model has no momentum encoder, or not the sub-nets.
        """
        self.prepare(runner)
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
        preprocessor = evaluation_views(unwrapped(runner.model), runner.cfg)
        scores = {
            f"{prefix}{name}": value
            for prefix, network in self._networks(runner, preprocessor)
            for name, value in self.scores(network, preprocessor).items()
        }
        step = epoch if self.by_epoch else iters
        for name, value in scores.items():
            runner.message_hub.update_scalar(f"val/{name}", value)
        runner.visualizer.add_scalars(scores, step=step)
        text = "  ".join(f"{name}: {value:.2f}" for name, value in scores.items())
        runner.logger.info(
            f"{'Epoch' if self.by_epoch else 'Iter'} {step}  {text}  "
            f"({self.describe()}, {self.source}, "
            f"{time.perf_counter() - started:.1f} s)"
        )
        publish_metrics(runner, scores, self._name, epoch, iters)

    @property
    def _name(self) -> str:
        return f"{self.what}_{self.source}"

    def _resolve(self, backbone: nn.Module) -> dict[str, Subnet] | None:
        """Returns the sub-nets to measure by their names in the log."""
        subnets, elastic = self.subnets, isinstance(backbone, ElasticBackbone)
        if subnets is None or (subnets == "auto" and not elastic):
            return None
        kind = type(self).__name__
        if not elastic:
            raise NoSubnets(
                f"{kind} measures sub-nets, but {type(backbone).__name__} has none"
            )
        space = backbone.space
        if subnets == "auto":
            short = len(space) <= _FEW_SUBNETS
            subnets = "all" if short else ["MAX", "MIN", 0, 1]
        if subnets == "all":
            if len(space) > _MOST_SUBNETS:
                raise BadSpace(
                    f"{kind} cannot measure all {len(space)} sub-nets of this space; "
                    "name some"
                )
            every = [space.max, *space]
            return {(space.name_of(s) or s.name).lower(): s for s in every}
        if isinstance(subnets, str):
            raise BadConfigValue(
                f"{kind} takes 'all', 'auto' or a list of names, not {subnets!r}"
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
        data = self.calibration_set()
        # Mixed classes: a folder's order would make batches of one class.
        order = torch.randperm(len(data), generator=torch.Generator())
        batches = self.feature_pass.cut(order[:_CALIBRATION_IMAGES].tolist())
        for name, subnet in self.named.items():
            if backbone.needs_calibration(subnet):
                # By every process on the same images, so that all have the same.
                images = self.feature_pass.images(preprocessor, data, batches)
                calibrate(backbone, subnet, images)
            yield f"{name}/", backbone.extract(subnet)

    def _encoder(self, runner: Runner) -> nn.Module:
        model = unwrapped(runner.model)
        if self.source == "online":
            return model.backbone
        for name in ("encoder_k", "target_net", "momentum_encoder"):
            if hasattr(model, name):
                return getattr(model, name).module[0]
        raise NetworkMisfit(
            f"{type(model).__name__} has no momentum encoder to measure"
        )
