import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from mmtaskssl.engine.unwrapped import unwrapped
from mmtaskssl.evaluation.spectrum import effective_rank, embedding_std
from mmtaskssl.registry import DATASETS, HOOKS
from mmtaskssl.subnets import ListSpace, SearchSpace, Subnet
from mmtaskssl.subnets.samplers.progressive import live_paths
from mmtaskssl.utils.families import BadConfigValue, Collapsed, NoSubnets


@HOOKS.register_module()
class CollapseMonitorHook(Hook):
    """Watches the embeddings of each sub-net, and stops the training at a collapse.

    A loss can fall because all images get the same embedding. So the embeddings of a
    fixed batch of plain, un-augmented images are measured: their spread, the mean
    standard deviation of a channel of the normalised embeddings times sqrt(D) (Chen
    and He, CVPR 2021, figure 2), which is 1 for rows all over the sphere and 0 after
    a collapse; and their effective rank (Roy and Vetterli, EUSIPCO 2007), at most the
    smaller of images and channels, and 1 after a collapse. Batch norm uses the
    batch's statistics, so sub-nets need no calibration; running statistics and random
    state are left as they were: a training is bit for bit the same with and without
    this hook.

    Works with any algorithm that has a ``backbone`` and a ``neck``; the embeddings of
    an elastic one are those of its ``project(images, subnet)``. Logged as
    ``NAME/embedding_spread`` and ``NAME/effective_rank``. Under several processes each
    measures a batch of its own, and the means count.

    Args:
        interval: Iterations between two looks.
        subnets: Names of sub-nets; "paths": MAX and every path of a routed network, of
            more than 16 those that have each group of each stage among them; None: all
            of a list of at most 16, else those with an anchor's name. Of no meaning
            for a plain network.
        dataset: Config of a data set whose first images are the batch; None: the first
            batch of this run's training.
        num_images: Images of the batch, at most.
        min_spread: A smaller spread is a collapse. Untrained networks have 0.8 behind
            batch norm, but less than 0.1 behind a neck without.
        min_rank: A smaller effective rank is a collapse.
        begin: Iterations before the first look that can stop the training.
        patience: Looks in a row that must find a collapse of one sub-net.

    Raises:
        UserError: A number is out of range.
    """

    def __init__(
        self,
        interval: int = 200,
        subnets: Sequence[str] | str | None = None,
        dataset: dict | None = None,
        num_images: int = 128,
        min_spread: float = 0.02,
        min_rank: float = 1.2,
        begin: int = 0,
        patience: int = 2,
    ) -> None:
        if min(interval, patience) < 1 or num_images < 2:
            raise BadConfigValue(
                "CollapseMonitorHook needs interval and patience of 1 or more and "
                "num_images of 2 or more"
            )
        self.interval, self.subnets, self.begin = interval, subnets, begin
        self.dataset, self.num_images = dataset, num_images
        self.min_spread, self.min_rank = min_spread, min_rank
        self.patience = patience
        self._batch: dict | None = None
        self._strikes: dict[str, int] = {}

    def before_train(self, runner: Runner) -> None:
        """Reads the batch, so that a bad data set shows before training.

        Args:
            runner: Ignored.
        """
        if self.dataset is not None:
            data = DATASETS.build(self.dataset)
            count = min(self.num_images, len(data))
            self._batch = pseudo_collate([data[i] for i in range(count)])

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Measures on the cadence.

        Args:
            runner: Its model is measured.
            batch_idx: Ignored.
            data_batch: The step's images; the first ones may become the batch.
            outputs: Ignored.

        Raises:
            UserError: A sub-net has collapsed.
        """
        if self._batch is None:
            self._batch = data_batch
        if self.every_n_train_iters(runner, self.interval):
            self._look(runner)

    def _look(self, runner: Runner) -> None:
        model = unwrapped(runner.model)
        step = runner.iter + 1
        found = self.measure(model)
        values = {}
        for name, (spread, rank) in found.items():
            values[f"{name}/embedding_spread"] = spread
            values[f"{name}/effective_rank"] = rank
        for key, value in values.items():
            runner.message_hub.update_scalar(f"val/{key}", value)
        runner.visualizer.add_scalars(values, step=step)
        runner.logger.info(
            f"Iter {step}  embeddings (spread, effective rank): "
            + " | ".join(f"{n} {s:.3f} {r:.1f}" for n, (s, r) in found.items())
        )
        if step <= self.begin:
            return
        for name, (spread, rank) in found.items():
            bad = spread < self.min_spread or rank < self.min_rank
            self._strikes[name] = self._strikes.get(name, 0) + 1 if bad else 0
            if self._strikes[name] >= self.patience:
                raise Collapsed(
                    f"the embeddings of {name} have collapsed at iteration {step}: "
                    f"spread {spread:.4f} (limit {self.min_spread}, healthy towards "
                    f"1) and effective rank {rank:.2f} (limit {self.min_rank}); lower "
                    "the learning rate, move the target more slowly, or keep batch "
                    "norm in the heads"
                )

    @torch.no_grad()
    def measure(self, model: nn.Module) -> dict[str, tuple[float, float]]:
        """Returns spread and effective rank of the batch's embeddings, by sub-net.

        Args:
            model: An algorithm, not wrapped.
        """
        inputs = model.data_preprocessor(self._batch, training=False)["inputs"]
        images = inputs if isinstance(inputs, Tensor) else inputs[0]
        images = images[: self.num_images]
        found = {}
        with _as_in_training(model):
            for name, subnet in self.named_subnets(model).items():
                z = _embed(model, images, subnet).float()
                spread = embedding_std(z) * math.sqrt(z.shape[1])
                pair = torch.tensor([spread, effective_rank(z)], device=z.device)
                all_reduce(pair, op="mean")
                found[name] = tuple(pair.tolist())
        return found

    def named_subnets(self, model: nn.Module) -> dict[str, object]:
        """Returns the sub-nets that are watched, by the names in the log.

        Args:
            model: An algorithm, not wrapped.
        """
        space: SearchSpace | None = getattr(model.backbone, "space", None)
        if space is None:
            return {"network": None}
        if self.subnets == "paths":
            return {"MAX": space.max, **{s.name: s for s in _watched_paths(space)}}
        if self.subnets is not None:
            return {name: model.backbone.resolve(name) for name in self.subnets}
        if isinstance(space, ListSpace) and len(space) <= 16:
            return {space.name_of(s) or s.name: s for s in space}
        return {space.name_of(s): s for s in space.anchors.values()}


def _watched_paths(space: SearchSpace) -> list[Subnet]:
    routes = getattr(space.arch, "routes", None)
    if routes is None:
        raise NoSubnets('subnets="paths" is for routed networks')
    paths = live_paths(space.max, routes.groups)[-1]
    if len(paths) <= 16:
        return paths
    rounds = range(max(routes.groups))
    chosen = [tuple(g % groups for groups in routes.groups) for g in rounds]
    return [s for s in paths if tuple(max(g, 0) for g in s.path) in chosen]


def _embed(model: nn.Module, images: Tensor, subnet: object) -> Tensor:
    if subnet is None:
        z = model.neck(model.backbone(images))
    elif hasattr(model, "project"):
        z = model.project(images, subnet)
    else:
        view = model.backbone.norm_view(subnet)
        z = model.neck(model.backbone(images, subnet), view)
    return z if isinstance(z, Tensor) else z[0]


@contextmanager
def _as_in_training(model: nn.Module) -> Iterator[None]:
    """Runs backbone and neck in training mode; then all is as it was before."""
    parts = [model.backbone, model.neck]
    modes = [(m, m.training) for part in parts for m in part.modules()]
    buffers = list(chain.from_iterable(part.buffers() for part in parts))
    kept = [buffer.clone() for buffer in buffers]
    device = next(model.backbone.parameters()).device
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            for part in parts:
                part.train()
            yield
    finally:
        for buffer, value in zip(buffers, kept, strict=True):
            buffer.copy_(value)
        for module, mode in modes:
            module.training = mode
