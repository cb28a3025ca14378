import copy
import time

import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import all_gather, broadcast, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

from mmtaskssl.evaluation.knn import weighted_knn
from mmtaskssl.registry import DATASETS, HOOKS
from mmtaskssl.utils.errors import UserError


@HOOKS.register_module()
class KNNHook(Hook):
    """Measures the backbone in training: weighted kNN on a labelled data set.

    The features are the global average of the last feature map of the plain,
    un-augmented images. Everything happens on a copy of the backbone, with a random
    state of its own: a training is bit for bit the same with and without this hook.
    Under several processes each takes a share of the images and the copies use the
    first process's batch-norm statistics, so the result does not depend on their
    number.

    Logged as ``knn_top1``, in per cent.

    Args:
        train: Config of a data set with ``labels`` and ``class_names`` that votes.
        test: Config of one that is classified; the same classes.
        interval: Epochs or iterations between two measurements; the end of the
            training is always measured.
        by_epoch: What ``interval`` counts.
        source: "online", or "ema" for the momentum encoder of MoCo or BYOL.
        k: Neighbours.
        temperature: Of the votes.
        batch_size: Images at a time and process.
        num_workers: Loading processes.
    """

    # After the checkpoint's hook: a crash in here must not cost the checkpoint.
    priority = "LOWEST"

    def __init__(
        self,
        train: dict,
        test: dict,
        interval: int = 10,
        by_epoch: bool = True,
        source: str = "online",
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
        self.k = k
        self.temperature = temperature
        self.batch_size = batch_size
        self.num_workers = num_workers

    def before_train(self, runner: Runner) -> None:
        """Builds the data sets, so that bad ones show before training.

        Args:
            runner: Its model is asked for ``source``.

        Raises:
            UserError: The classes differ, or the model has no momentum encoder.
        """
        self.train_set, self.test_set = map(DATASETS.build, self.data_cfgs)
        classes, others = self.train_set.class_names, self.test_set.class_names
        if list(classes) != list(others):
            raise UserError(
                f"kNN's train and test images have different classes: {classes} "
                f"and {others}"
            )
        self._encoder(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Measures on the cadence of epochs.

        Args:
            runner: Its backbone is measured.
        """
        if self.by_epoch and (
            self.every_n_epochs(runner, self.interval)
            or self.is_last_train_epoch(runner)
        ):
            self._measure(runner)

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
            self._measure(runner)

    @torch.no_grad()
    def _measure(self, runner: Runner) -> None:
        started = time.perf_counter()
        backbone = copy.deepcopy(self._encoder(runner))
        backbone.eval()  # in its own line: the hosts' ResNet returns None from it
        for buffer in backbone.buffers():
            broadcast(buffer, src=0)
        preprocessor = _unwrap(runner.model).data_preprocessor
        train_x = self._features(backbone, preprocessor, self.train_set)
        test_x = self._features(backbone, preprocessor, self.test_set)
        train_y, test_y = (
            torch.as_tensor(data.labels, device=train_x.device)
            for data in (self.train_set, self.test_set)
        )
        scores = weighted_knn(
            train_x,
            train_y,
            test_x,
            num_classes=len(self.train_set.class_names),
            k=self.k,
            temperature=self.temperature,
        )
        top1 = 100 * (scores.argmax(dim=1) == test_y).double().mean().item()
        step = runner.iter + 1 if not self.by_epoch else runner.epoch + 1
        runner.message_hub.update_scalar("val/knn_top1", top1)
        runner.visualizer.add_scalars({"knn_top1": top1}, step=step)
        runner.logger.info(
            f"{'Epoch' if self.by_epoch else 'Iter'} {step}  knn_top1: {top1:.2f}  "
            f"({len(test_y)} images, {self.source}, "
            f"{time.perf_counter() - started:.1f} s)"
        )

    def _encoder(self, runner: Runner) -> nn.Module:
        model = _unwrap(runner.model)
        if self.source == "online":
            return model.backbone
        for name in ("encoder_k", "target_net"):
            if hasattr(model, name):
                return getattr(model, name).module[0]
        raise UserError(f"{type(model).__name__} has no momentum encoder to measure")

    def _features(
        self, backbone: nn.Module, preprocessor: nn.Module, data: Dataset
    ) -> Tensor:
        """Returns (N, D), the rows of all processes in the data set's order."""
        rank, world_size = get_rank(), get_world_size()
        rows = -(-len(data) // world_size)
        # Every process takes the same number; the surplus wraps around and is cut.
        mine = [i % len(data) for i in range(rank, rows * world_size, world_size)]
        loader = DataLoader(
            Subset(data, mine),
            batch_size=self.batch_size,
            num_workers=self.num_workers,
            collate_fn=pseudo_collate,
            # Else the loader draws its workers' seed from the training's stream.
            generator=torch.Generator(),
        )
        parts = []
        for batch in loader:
            (images,) = preprocessor(batch, training=False)["inputs"]
            parts.append(backbone(images)[-1].float().mean(dim=(2, 3)))
        everyone = torch.stack(all_gather(torch.cat(parts)))  # (W, rows, D)
        return everyone.transpose(0, 1).flatten(0, 1)[: len(data)]


def _unwrap(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model
