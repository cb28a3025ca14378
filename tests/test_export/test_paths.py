import itertools
from pathlib import Path

import pytest
import torch

from mmtaskssl.clustering.cluster_sample import ClusterSample
from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.export import paths as module
from mmtaskssl.export.paths import calibrate_paths, calibrate_paths_alone
from mmtaskssl.models.backbones import RoutedResNet
from mmtaskssl.models.elastic import collect_statistics, num_channels
from mmtaskssl.utils.errors import UserError
from mmtaskssl.weights import load_state_dict

from ..test_routing._routed import make_clusters, make_net, write_files
from ..test_tools._tools import failure_of, load_tool

TRANSFORM = EvalTransform(16, (127.5,) * 3, (64.0,) * 3)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clusters")
    return ClusterSample(make_clusters(folder), TRANSFORM, count=3, batch_size=16)


@pytest.fixture(scope="module")
def net():
    return make_net()


def parts(net, subnet, statistics):
    """Returns the statistics of the stem and of each stage."""
    units = net.view(subnet).units.values()
    norms = [unit.norm for unit in units]
    widths = [num_channels(unit.out) for unit in units]
    found = {}
    for norm, part in zip(norms, statistics.split(widths, 1), strict=True):
        found.setdefault(norm.split(".")[0], []).append(part)
    return [torch.cat(part, 1) for part in found.values()]


def test_equal_beginnings_have_equal_statistics_and_others_differ(net, sample):
    subnets = list(net.space)
    found = calibrate_paths(net, subnets, sample)
    cut = {s: parts(net, s, found[s.name]) for s in subnets}
    for a, b in itertools.combinations(subnets, 2):
        for depth in range(5):
            same = torch.equal(cut[a][depth], cut[b][depth])
            assert same == (a.path[:depth] == b.path[:depth])


def test_each_stage_is_measured_behind_calibrated_ones(net, sample):
    """A slow reference: one stage after the other, through the elastic network."""
    subnet = net.resolve("s8-w8.16.32.64-d1.1.1.1-p0.1.1.0")
    found = calibrate_paths(net, [subnet], sample)[subnet.name]
    plain = net.extract(subnet, uncalibrated_ok=True)
    segments = parts(net, subnet, found)
    norms = [m for m in plain.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    names = [n for n, m in plain.named_modules() if m in norms]
    inputs = {}
    for name, norm in zip(names, norms, strict=True):
        norm.register_forward_pre_hook(
            lambda _, x, name=name: inputs.setdefault(name, []).append(x[0])
        )
    order = [unit.norm for unit in net.view(subnet).units.values()]
    for depth in range(5):
        stage = [n for n in order if n.startswith(f"layer{depth}" if depth else "bn")]
        leaves = [
            leaf
            for leaf, path in enumerate(sample.clusters.paths)
            if path[:depth] == subnet.path[:depth]
        ]
        assert len(leaves) == 2 ** (4 - depth)
        inputs.clear()
        plain.eval()
        for name in stage:
            plain.get_submodule(name).train()
        with torch.no_grad():
            for batch in sample.batches(leaves):
                plain(batch)
        expected = []
        for name in stage:
            x = torch.cat(inputs[name]).transpose(0, 1).flatten(1).double()
            expected.append(torch.stack([x.mean(1), x.var(1)]))
        # Batches of unequal statistics, pooled: the moments of all inputs together.
        assert torch.allclose(
            segments[depth].double(), torch.cat(expected, 1), rtol=1e-4, atol=1e-5
        )
        widths = [part.shape[1] for part in expected]
        for name, part in zip(stage, segments[depth].split(widths, 1), strict=True):
            plain.get_submodule(name).running_mean.copy_(part[0])
            plain.get_submodule(name).running_var.copy_(part[1])


def test_alone_means_on_the_own_cluster(net, sample):
    subnet = list(net.space)[6]
    leaf = sample.clusters.paths.index(subnet.path)
    expected = collect_statistics(net, subnet, sample.batches([leaf]))
    found = calibrate_paths_alone(net, [subnet], sample)
    assert torch.equal(found[subnet.name], expected)


def test_a_partial_path_stands_for_all_clusters_below_it(net, sample):
    partial = net.resolve("s8-w8.16.32.64-d1.1.1.1-px.x.x.1")
    found = calibrate_paths(net, [partial], sample)[partial.name]
    widths = [num_channels(unit.out) for unit in net.view(partial).units.values()]
    assert found.shape == (2, sum(widths)) and found.isfinite().all()


def test_sample_is_the_same_for_the_same_seed(tmp_path):
    clusters = make_clusters(tmp_path)
    same = [ClusterSample(clusters, TRANSFORM, 2, 8, seed=s) for s in (0, 0, 1)]
    described = [s.describe()["pixels_sha256"] for s in same]
    assert described[0] == described[1] != described[2]
    sizes = [len(batch) for batch in same[0].batches([0, 1, 2, 3, 4])]
    assert sizes == [5, 5]


def test_broken_images_are_skipped(tmp_path):
    clusters = make_clusters(tmp_path, broken=3)
    assert len(ClusterSample(clusters, TRANSFORM, 4, leaves=[0])) == 1
    clusters = make_clusters(tmp_path, broken=4)
    with pytest.raises(UserError, match="no image of cluster 0 can be read"):
        ClusterSample(clusters, TRANSFORM, 4)


def test_clusters_of_another_network_are_refused(net, sample):
    other = RoutedResNet(depth=10, groups=4, base_width=8, stem_kernel=3)
    with pytest.raises(UserError, match="network has 4x4x4x4"):
        calibrate_paths(other, list(other.space)[:1], sample)
    with pytest.raises(UserError, match="no path"):
        calibrate_paths(net, [net.space.max], sample)


def test_tool_calibrates_paths_and_goes_on_after_an_interruption(
    tmp_path, monkeypatch, capsys
):
    config, checkpoint, net = write_files(tmp_path)
    clusters = make_clusters(tmp_path)
    tool = load_tool("calibrate_bn")
    command = [config, checkpoint, "--all", "--clusters", str(tmp_path / "clusters")]
    command += ["--num-images", "3", "--batch-size", "16"]
    measure, count = module._measure_stage, 0

    def counted(*args):
        nonlocal count
        count += 1
        if count == 10:
            raise KeyboardInterrupt
        return measure(*args)

    monkeypatch.setattr(module, "_measure_stage", counted)
    with pytest.raises(KeyboardInterrupt):
        tool.main(command)
    assert not (tmp_path / "net-calibrated.pth").exists()
    tool.main(command)
    # Stem, and 2 + 4 + 8 + 16 beginnings; one was measured twice.
    assert count == 31 + 1
    out = tmp_path / "net-calibrated.pth"
    assert str(out) in capsys.readouterr().out
    assert not (tmp_path / "net-calibrated.pth.parts").exists()
    state = load_state_dict(out)
    sample = ClusterSample(clusters, TRANSFORM, 3, 16)
    for name, value in calibrate_paths(net, list(net.space), sample).items():
        assert torch.equal(state[f"backbone.subnet_statistics.{name}"], value)


def test_tool_names_what_is_missing(tmp_path):
    config, checkpoint, _ = write_files(tmp_path)
    tool = load_tool("calibrate_bn")
    said = failure_of(tool, [config, checkpoint, "--all"])
    assert "--images or with --clusters" in said
    command = [config, checkpoint, "--all", "--images", str(tmp_path), "--alone"]
    assert "it needs --clusters" in failure_of(tool, command)


def test_clusters_whose_images_have_moved(tmp_path):
    config, checkpoint, _ = write_files(tmp_path)
    clusters = make_clusters(tmp_path)
    moved = tmp_path / "moved"
    Path(clusters.root).rename(moved)
    tool = load_tool("calibrate_bn")
    command = [config, checkpoint, "--all", "--clusters", str(tmp_path / "clusters")]
    command += ["--num-images", "3", "--batch-size", "16"]
    assert str(clusters.root) in failure_of(tool, command)
    out = tmp_path / "calibrated.pth"
    tool.main([*command, "--root", str(moved), "--out", str(out)])
    assert out.is_file()


def test_an_uncalibrated_path_refuses_and_names_the_command(net):
    path = "s8-w8.16.32.64-d1.1.1.1-p0.1.1.0"
    with pytest.raises(UserError, match=f"--subnet {path} --clusters DIR"):
        net(torch.zeros(1, 3, 16, 16), path)
