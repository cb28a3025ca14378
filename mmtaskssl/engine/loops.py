import copy
import itertools

from mmengine.dataset import InfiniteSampler
from mmengine.logging import print_log
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from mmtaskssl.clustering.batches import ClusterBatches, with_cluster_batches
from mmtaskssl.registry import LOOPS
from mmtaskssl.subnets import Progressive

from .hooks.progressive_phase import ProgressivePhaseHook
from .unwrapped import unwrapped


@LOOPS.register_module()
class SeekableIterLoop(IterBasedTrainLoop):
    """mmengine's loop by iterations, resumed without reading the past again.

    mmengine finds its place in the data by loading every batch up to there, which
    on image folders takes hours. The order of an `InfiniteSampler` is a function of
    its seed, so its past can be skipped as numbers; so is that of `ClusterBatches`.
    With any other sampler this loop is mmengine's.

    What training by clusters (SDR) needs follows from the model's ``subnet_sampler``
    and the data set: where the sampler is a `Progressive` and the data set a
    `ClusteredImages`, batches are `ClusterBatches` that follow the sampler, paths run
    in proportion to their clusters' images, and `ProgressivePhaseHook` is there,
    whether the config names them or not.

    Args:
        runner: mmengine's.
        dataloader: A loader, or its config.
        max_iters: Length of the whole training.
        **kwargs: See `IterBasedTrainLoop`: ``val_begin``, ``val_interval``.
    """

    def __init__(self, runner: Runner, dataloader, max_iters: int, **kwargs) -> None:
        model = unwrapped(runner.model)
        routed = isinstance(getattr(model, "subnet_sampler", None), Progressive)
        if routed and isinstance(dataloader, dict):
            dataloader = with_cluster_batches(dataloader)
        dataloader = _built(runner, dataloader)
        if isinstance(dataloader.batch_sampler, ClusterBatches):
            # Before the loader's workers draw from it.
            model.subnet_sampler = dataloader.batch_sampler.follow(
                model.subnet_sampler, max_iters
            )
        if routed:
            _ensure_phases(runner)
        super().__init__(runner, dataloader, max_iters, **kwargs)

    def run(self):
        """Trains from the runner's iteration to ``max_iters``."""
        done, batches = self._iter, self.dataloader.batch_sampler
        sampler = getattr(batches, "sampler", None)
        if done == 0 or not isinstance(sampler, InfiniteSampler):
            return super().run()
        self._seek(done)
        self.runner.call_hook("before_train")
        self.runner.call_hook("before_train_epoch")
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(self.dataloader_iterator))
            self._decide_current_val_interval()
            if self._is_time_to_validate():
                self.runner.val_loop.run()
        self.runner.call_hook("after_train_epoch")
        self.runner.call_hook("after_train")
        return self.runner.model

    def _is_time_to_validate(self) -> bool:
        if self.runner.val_loop is None or self._iter < self.val_begin:
            return False
        return self._iter % self.val_interval == 0 or self._iter == self._max_iters

    def _seek(self, done: int) -> None:
        """Starts the data at iteration ``done``, with a fresh loader and sampler.

        The first loader's workers have drawn from its sampler already.
        """
        loader = self.dataloader
        if isinstance(loader.batch_sampler, ClusterBatches):
            loader.batch_sampler.start = done
            self.dataloader_iterator = iter(loader)
            print_log(f"data resumed after {done} steps", "current")
            return
        sampler = copy.copy(loader.sampler)
        fresh = type(sampler)(sampler.dataset, sampler.shuffle, sampler.seed)
        past = done * loader.batch_size
        fresh.indices = itertools.islice(fresh.indices, past, None)
        cfg = {
            "dataset": loader.dataset,
            "sampler": fresh,
            "batch_size": loader.batch_size,
            "num_workers": loader.num_workers,
            "collate_fn": loader.collate_fn,
            "persistent_workers": loader.persistent_workers,
            "pin_memory": loader.pin_memory,
            "drop_last": loader.drop_last,
            "prefetch_factor": loader.prefetch_factor,
            "worker_init_fn": loader.worker_init_fn,
            "multiprocessing_context": loader.multiprocessing_context,
        }
        self.dataloader = type(loader)(**cfg)
        self.dataloader_iterator = iter(self.dataloader)
        print_log(f"data resumed after {past} images of this process", "current")


def _ensure_phases(runner: Runner) -> None:
    if not any(isinstance(hook, ProgressivePhaseHook) for hook in runner.hooks):
        runner.register_hook(ProgressivePhaseHook())


def _built(runner: Runner, dataloader: DataLoader | dict) -> DataLoader:
    """As mmengine's loops build theirs."""
    differs = runner._randomness_cfg.get("diff_rank_seed", False)
    return runner.build_dataloader(dataloader, seed=runner.seed, diff_rank_seed=differs)
