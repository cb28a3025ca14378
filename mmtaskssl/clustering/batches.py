import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from mmengine.dataset import InfiniteSampler

from mmtaskssl.registry import DATA_SAMPLERS
from mmtaskssl.subnets import Progressive, Subnet
from mmtaskssl.utils.families import BadBatch, ConfigUnsuited


@DATA_SAMPLERS.register_module()
class ClusterBatches:
    """Batches of all images, each followed by images of one cluster per live path.

    What a step needs is a function of the step: a batch of all images for MAX, the same
    that plain training would see, then for each path that the sub-net sampler names a
    batch of the images of its cluster, or of all clusters below a partial path. An
    index is a pair (index, part): part 0 are all images, part k the k-th path's.

    A path goes through its images in random order, every image once before any comes
    again, from visit to visit and over all processes; a cluster smaller than a batch
    comes several times in one. The processes agree on the path and split its images.

    A config may give it as ``batch_sampler`` beside an `InfiniteSampler`; the training
    loop (`SeekableIterLoop`) adds it where it is not named, tells it what to `follow`,
    and a resumed one where to start.

    Args:
        sampler: Of all images; its data set is a `ClusteredImages`.
        batch_size: Images of MAX a process and step.
        cluster_batch_size: Images of each path a process and step; None: as many.

    Attributes:
        start (int): The step to start at.

    Raises:
        UserError: Another sampler or data set, or a size below 2.
    """

    def __init__(
        self,
        sampler: InfiniteSampler,
        batch_size: int,
        cluster_batch_size: int | None = None,
    ) -> None:
        if not isinstance(sampler, InfiniteSampler):
            raise ConfigUnsuited(
                "ClusterBatches needs sampler=dict(type='InfiniteSampler')"
            )
        if not hasattr(sampler.dataset, "members"):
            raise ConfigUnsuited(
                "ClusterBatches needs train_dataloader.dataset of type ClusteredImages"
            )
        self.sampler = sampler
        self.dataset = sampler.dataset
        self.batch_size = batch_size
        self.cluster_batch_size = cluster_batch_size or batch_size
        if min(self.batch_size, self.cluster_batch_size) < 2:
            raise BadBatch(
                "batch norm needs batches of two images or more; set "
                "train_dataloader.batch_size and batch_sampler.cluster_batch_size"
            )
        self.start = 0
        self._plan: tuple[Progressive, int] | None = None

    def follow(self, subnet_sampler: Progressive, max_steps: int) -> Progressive:
        """Takes on the sub-nets of a training.

        Args:
            subnet_sampler: The algorithm's own.
            max_steps: Iterations of the whole training.

        Returns:
            The sampler that is followed, for the algorithm to run: the same, with paths
            in proportion to the sizes of their clusters.

        Raises:
            UserError: The sampler knows no phases, or the clusters were made for
                another network.
        """
        if not isinstance(subnet_sampler, Progressive):
            raise ConfigUnsuited(
                "batches of clusters need model.subnet_sampler of type Progressive"
            )
        routes = subnet_sampler.space.arch.routes
        self.dataset.clusters.check_groups(routes.groups)
        weighted = subnet_sampler.weighted(lambda net: self.dataset.count(net.path))
        self._plan = weighted, max_steps
        return weighted

    def __len__(self) -> int:
        """Steps in which MAX sees as many images as there are, as the loader counts."""
        return -(-len(self.sampler) // self.batch_size)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        if self._plan is None:
            raise ConfigUnsuited(
                "batches of clusters need train_cfg=dict(type='SeekableIterLoop')"
            )
        base = self.sampler
        fresh = type(base)(base.dataset, base.shuffle, base.seed)
        everything = itertools.islice(fresh, self.start * self.batch_size, None)
        visits = Counter(
            path for step in range(self.start) for path in self._paths(step)
        )
        streams: dict[Subnet, _Stream] = {}
        for step in itertools.count(self.start):
            batch = [(i, 0) for i in itertools.islice(everything, self.batch_size)]
            paths = self._paths(step)
            if any(path not in streams for path in paths):
                streams = self._streams(step)
            for part, path in enumerate(paths, 1):
                drawn = streams[path].visit(visits[path], self.cluster_batch_size)
                batch += [(i, part) for i in drawn]
                visits[path] += 1
            yield batch

    def _paths(self, step: int) -> list[Subnet]:
        subnet_sampler, max_steps = self._plan
        return subnet_sampler(step, max_steps)[1:]

    def _streams(self, step: int) -> dict[Subnet, "_Stream"]:
        """Returns the images of all paths that live at a step."""
        subnet_sampler, max_steps = self._plan
        live = subnet_sampler.live_paths(subnet_sampler.phase(step, max_steps))
        return {
            subnet: _Stream(subnet, self.dataset.members(subnet.path), self.sampler)
            for subnet in live
        }


def with_cluster_batches(loader: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a loader's config with `ClusterBatches`, if it can have and lacks them.

    Args:
        loader: ``train_dataloader`` of a config.
    """
    kinds, dataset = set(), loader.get("dataset")
    while isinstance(dataset, Mapping):  # maybe below a selection, or held-out images
        kinds.add(str(dataset.get("type")).rpartition(".")[2])
        dataset = dataset.get("dataset")
    if "ClusteredImages" not in kinds or "batch_sampler" in loader:
        return dict(loader)
    return {**loader, "batch_sampler": {"type": "mmtaskssl.ClusterBatches"}}


class _Stream:
    """The images of one path, in one endless random order for all processes.

    Args:
        subnet: The path; each has an order of its own.
        members: Its images.
        sampler: Names the seed, the process and the number of processes.
    """

    def __init__(self, subnet: Subnet, members: np.ndarray, sampler) -> None:
        self.members = members
        self.seed = [sampler.seed, *(group + 1 for group in subnet.path)]
        self.rank, self.world_size = sampler.rank, sampler.world_size
        self._epoch, self._order = -1, members

    def visit(self, number: int, count: int) -> list[int]:
        """Returns this process's images of a visit.

        Args:
            number: Visits before this one.
            count: Images a process.
        """
        first = number * count * self.world_size + self.rank
        places = range(first, first + count * self.world_size, self.world_size)
        return [self._at(place) for place in places]

    def _at(self, place: int) -> int:
        epoch, place = divmod(place, len(self.members))
        if epoch != self._epoch:
            rng = np.random.default_rng([*self.seed, epoch])
            self._epoch, self._order = epoch, rng.permutation(self.members)
        return int(self._order[place])
