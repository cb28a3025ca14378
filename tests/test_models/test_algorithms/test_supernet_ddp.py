"""Supernets in two gloo processes against one process with the joined batch."""

import pytest
import torch
import torch.distributed as dist

from mmtaskssl.models.algorithms import ElasticDDP
from tests._gloo import in_two_processes
from tests.test_models.test_algorithms._elastic import GN, batch, fresh_hub
from tests.test_models.test_algorithms._supernets import build, sgd

_STEPS = 3
# Weights at which so short a training stays calm, and rounding small.
VICREG = {
    "type": "mmtaskssl.VICRegHead",
    "match_weight": 1.0,
    "std_weight": 1.0,
    "cov_weight": 0.04,
}
_CASES = {
    "MoCo": ("MoCo", {"distill_weight": 0.5}),
    "authors": ("MoCo", {"per_subnet_keys": True}),
    "DenseCL": ("DenseCL", {}),
    "LeJEPA": ("JointEmbedding", {}),
    "VICReg": ("JointEmbedding", {"head": VICREG}),
}


def _train(case, wrap=lambda model: model, share=slice(None)):
    kind, options = _CASES[case]
    hub = fresh_hub(_STEPS)
    # No batch norm: its statistics are a process's own.
    model = build(kind, norm=None, backbone_options={"norm_cfg": GN}, **options)
    optimizer, wrapped = sgd(model), wrap(model)
    for step in range(_STEPS):
        hub.update_info("iter", step)
        views = [view[share] for view in batch(step)]
        wrapped.train_step({"inputs": views}, optimizer)
    state = model.state_dict()
    state.pop("shuffle_step", None)
    return state


def _work(rank, folder):
    dist.init_process_group("gloo")
    share = slice(rank * 4, rank * 4 + 4)
    results = {case: _train(case, ElasticDDP, share) for case in _CASES}
    return results


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("supernets")
    return in_two_processes(_work, folder)


@pytest.mark.parametrize("case", _CASES)
def test_two_processes_equal_one_with_the_joined_batch(ranks, case):
    """Weights, average and queues after a few steps."""
    expected = _train(case)
    for rank in ranks:
        assert rank[case].keys() == expected.keys()
        for name, value in expected.items():
            torch.testing.assert_close(
                rank[case][name], value, rtol=1e-4, atol=1e-5, msg=name
            )


@pytest.mark.parametrize("case", _CASES)
def test_processes_stay_equal(ranks, case):
    first, second = (rank[case] for rank in ranks)
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
