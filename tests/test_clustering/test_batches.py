import itertools
from collections import Counter

import numpy as np
import pytest
from mmengine.dataset import DefaultSampler, InfiniteSampler

from mmtaskssl.clustering.batches import ClusterBatches
from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.clustering.images import ClusteredImages
from mmtaskssl.clustering.paths import make_paths
from mmtaskssl.datasets import SyntheticImages
from mmtaskssl.subnets import Progressive
from mmtaskssl.utils.errors import UserError

TREE = (2, 2, 1, 1)
SPACE = {
    "preset": "routed_resnet",
    "depth": 10,
    "base_width": 8,
    "groups": [1, 1, 2, 2],
}
STEPS = 60
SIZES = (30, 12, 13, 5)  # images of each leaf


def dataset(tmp_path, sizes=SIZES):
    data = SyntheticImages(num_images=sum(sizes) + 4, size=4)
    leaf = np.repeat([0, 1, 2, 3, -1], [*sizes, 4]).astype(np.int32)
    if not (tmp_path / "c").exists():
        Clusters(TREE, data.image_ids, "", leaf, make_paths(TREE)).save(tmp_path / "c")
    return ClusteredImages(data, str(tmp_path / "c"))


def batches(data, rank=0, world_size=1, start=0, shares=(0.2, 0.3, 0.5), **options):
    sampler = InfiniteSampler(data, seed=5)
    sampler.rank, sampler.world_size = rank, world_size
    made = ClusterBatches(sampler, batch_size=6, **options)
    plan = Progressive(SPACE, shares=shares, seed=2, num_paths=1)
    plan = made.follow(plan, STEPS)
    made.start = start
    return made, plan


def parts(batch):
    """Indices of part 0, 1, ..."""
    return [
        [index for index, _ in group]
        for _, group in itertools.groupby(batch, key=lambda pair: pair[1])
    ]


def take(made, count=STEPS):
    return list(itertools.islice(made, count))


def test_a_step_has_all_images_and_one_cluster_per_path(tmp_path):
    data = dataset(tmp_path)
    made, plan = batches(data, cluster_batch_size=4)
    everything = iter(InfiniteSampler(data, seed=5))
    for step, batch in enumerate(take(made)):
        subnets, (mine, *clusters) = plan(step, STEPS), parts(batch)
        # The very images that plain training would see.
        assert mine == list(itertools.islice(everything, 6))
        assert len(clusters) == len(subnets) - 1 == (step >= 12)
        for path, indices in zip(subnets[1:], clusters, strict=True):
            assert len(indices) == 4
            assert set(indices) <= set(data.members(path.path).tolist())


def test_visits_are_in_proportion_to_size(tmp_path):
    data = dataset(tmp_path)
    _, plan = batches(data, shares=(0, 0, 1))
    visits = Counter(plan(step, 4000)[1] for step in range(4000))
    for path, size in zip(data.clusters.paths, SIZES, strict=True):
        expected = 4000 * size / sum(SIZES)
        subnet = next(s for s in visits if s.path[2:] == path[2:])
        assert abs(visits[subnet] - expected) < 0.03 * 4000


def test_every_image_of_a_cluster_comes_once_before_any_comes_again(tmp_path):
    data = dataset(tmp_path)
    made, plan = batches(data, shares=(0, 0, 1), cluster_batch_size=4)
    seen = {}
    for step, batch in enumerate(take(made)):
        path = plan(step, STEPS)[1]
        seen.setdefault(path, []).extend(parts(batch)[1])
    assert len(seen) == 4
    for path, indices in seen.items():
        members = set(data.members(path.path).tolist())
        rounds = len(indices) // len(members)
        assert rounds >= 1
        orders = set()
        for turn in range(rounds):
            some = indices[turn * len(members) : (turn + 1) * len(members)]
            assert set(some) == members
            orders.add(tuple(some))
        assert rounds == 1 or len(orders) > 1


def test_a_cluster_smaller_than_a_batch_wraps_around(tmp_path):
    data = dataset(tmp_path, (30, 20, 20, 2))
    made, plan = batches(data, shares=(0, 0, 1))
    small = data.clusters.paths[3]
    drawn = [
        parts(batch)[1]
        for step, batch in enumerate(take(made))
        if plan(step, STEPS)[1].path[2:] == small[2:]
    ]
    assert drawn
    assert all(sorted(Counter(indices).values()) == [3, 3] for indices in drawn)


def test_processes_share_a_path_and_split_its_images(tmp_path):
    data = dataset(tmp_path)
    first, plan = batches(data, 0, 2, cluster_batch_size=3)
    second, _ = batches(data, 1, 2, cluster_batch_size=3)
    alone, _ = batches(data, cluster_batch_size=6)
    for step, (a, b, c) in enumerate(
        zip(take(first), take(second), take(alone), strict=True)
    ):
        if len(plan(step, STEPS)) > 1:
            a, b, c = parts(a)[1], parts(b)[1], parts(c)[1]
            assert [i for pair in zip(a, b, strict=True) for i in pair] == c


@pytest.mark.parametrize("start", [1, 11, 12, 40])
def test_starts_anywhere(tmp_path, start):
    data = dataset(tmp_path)
    whole, _ = batches(data)
    later, _ = batches(data, start=start)
    assert take(later, STEPS - start) == take(whole)[start:]


def test_bad_input(tmp_path):
    data = dataset(tmp_path)
    made = ClusterBatches(InfiniteSampler(data, seed=0), 4)
    with pytest.raises(UserError, match="SeekableIterLoop"):
        next(iter(made))
    with pytest.raises(UserError, match="over 1x1x2x2 groups, but the network has"):
        made.follow(Progressive("routed_resnet"), 10)
    with pytest.raises(UserError, match="type Progressive"):
        made.follow(lambda step, steps: [], 10)
    with pytest.raises(UserError, match="InfiniteSampler"):
        ClusterBatches(DefaultSampler(data), 4)
    with pytest.raises(UserError, match="two images"):
        ClusterBatches(InfiniteSampler(data, seed=0), 1)
    plain = SyntheticImages()
    with pytest.raises(UserError, match="ClusteredImages"):
        ClusterBatches(InfiniteSampler(plain, seed=0), 4)
