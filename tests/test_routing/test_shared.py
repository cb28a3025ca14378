import pytest
import torch

from mmtaskssl.clustering.cluster_sample import ClusterSample
from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.export.paths import calibrate_paths, calibrate_paths_alone
from mmtaskssl.routing.shared import SharedPaths
from mmtaskssl.utils.errors import UserError

from ._routed import make_clusters, make_net

TRANSFORM = EvalTransform(16, (127.5,) * 3, (64.0,) * 3)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clusters")
    return ClusterSample(make_clusters(folder), TRANSFORM, count=3, batch_size=16)


def calibrated(sample, calibrate):
    net = make_net()
    for name, value in calibrate(net, list(net.space), sample).items():
        net.subnet_statistics.set(name, value)
    return net


@pytest.mark.parametrize(
    ("calibrate", "run"),
    [
        # Stem and 2 + 4 + 8 + 16 stages of the paths, the four stages and the stem of
        # MAX; then nothing but what is the same: every path alone.
        (calibrate_paths, 1 + 2 + 4 + 8 + 16 + 5),
        (calibrate_paths_alone, 17 * 5),
    ],
)
def test_features_are_those_of_each_path_alone(sample, calibrate, run):
    net = calibrated(sample, calibrate)
    subnets = [net.space.max, *net.space]
    shared = SharedPaths(net, subnets)
    assert (shared.stages_run, shared.stages_alone) == (run, 17 * 5)
    images = torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    done = []
    features = shared.features(images.split(2), 5, done.append)
    assert features.shape == (17, 5, 64) and done == [2, 4, 5]
    with torch.no_grad():
        for subnet, found in zip(subnets, features, strict=True):
            expected = net(images, subnet)[-1].mean(dim=(2, 3))
            assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert features.std(dim=0).min() > 0


def test_a_stage_with_one_group_is_shared_by_all(tmp_path):
    tree = (2, 2, 1, 1)
    clusters = make_clusters(tmp_path, tree=tree)
    sample = ClusterSample(clusters, TRANSFORM, count=3, batch_size=16)
    net = make_net(groups=(1, 1, 2, 2))
    for name, value in calibrate_paths(net, list(net.space), sample).items():
        net.subnet_statistics.set(name, value)
    # Stem, two stages that all share, then 2 + 4.
    assert SharedPaths(net, list(net.space)).stages_run == 1 + 1 + 1 + 2 + 4


def test_an_uncalibrated_path_is_refused():
    net = make_net()
    with pytest.raises(UserError, match="--clusters DIR"):
        SharedPaths(net, list(net.space)[:2])
