"""The multi-sub-net step of two gloo processes against one process."""

import pytest
import torch
import torch.distributed as dist
from mmengine.optim import OptimWrapper

from mmtaskssl.models.algorithms import ElasticDDP
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.utils.errors import UserError
from tests._gloo import in_two_processes
from tests.test_engine._runs import debug_config
from tests.test_models.test_algorithms._elastic import (
    RecordingSGD,
    batch,
    build,
    fresh_hub,
    model_config,
)

_STEPS = 4
# What is trained, and how; every model has the same weights in every process.
_CASES = {
    "sandwich": ({}, {}),
    "without_max": ({"sampler": "RandomSubnets", "num": 2}, {}),
    "checkpointed": ({"backbone": {"with_cp": True}}, {}),
    "accumulated": (
        {"sampler": "RandomSubnets", "num": 2},
        {"accumulative_counts": 2, "clip_grad": {"max_norm": 0.05}},
    ),
    "frozen_bn": (
        {"num_random": 0, "norm_cfg": {"type": "BN"}, "backbone": {"norm_eval": True}},
        {},
    ),
}


def _train(case, wrap=lambda model: model, share=slice(None)):
    """Returns the gradients of each optimizer step and the sub-nets of each."""
    hub = fresh_hub(_STEPS)
    options, optim = _CASES[case]
    model = build(**options)
    if case == "frozen_bn":
        calibrate(model.backbone, "MIN", [batch(99)[0]])
    optimizer = RecordingSGD(
        [p for p in model.parameters() if p.requires_grad], lr=0.1, momentum=0.9
    )
    wrapper = OptimWrapper(optimizer, **{**optim})
    wrapped = wrap(model).train()
    for step in range(_STEPS):
        hub.update_info("iter", step)
        views = [view[share] for view in batch(step)]
        wrapped.train_step({"inputs": views}, wrapper)
    return {
        "gradients": optimizer.gradients,
        "weights": [p.detach() for p in model.parameters()],
        "calls": model.calls,
    }


def _work(rank, folder):
    dist.init_process_group("gloo")
    share = slice(rank * 4, rank * 4 + 4)
    results = {case: _train(case, ElasticDDP, share) for case in _CASES}
    results["runner"] = _train_with_runner(folder)
    return results


def _train_with_runner(folder):
    from mmtaskssl.engine.run import build_runner

    outcome = {}
    for wrapper in ("mmtaskssl.ElasticDDP", None):
        cfg = debug_config("simsiam", folder / str(wrapper), train_cfg__max_iters=2)
        cfg.launcher = "pytorch"
        cfg.model = model_config(norm_cfg={"type": "SyncBN"})
        cfg.model.data_preprocessor = {
            "type": "mmtaskssl.TwoViewPreprocessor",
            "view_size": 16,
        }
        if wrapper:
            cfg.model_wrapper_cfg = {"type": wrapper}
        runner = build_runner(cfg)
        try:
            runner.train()
            parameters = runner.model.module.named_parameters()
            outcome["weights"] = {name: p.detach() for name, p in parameters}
        except UserError as error:
            outcome["error"] = str(error)
    return outcome


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("elastic")
    return in_two_processes(_work, folder)


@pytest.mark.parametrize("case", _CASES)
def test_two_processes_equal_one_with_the_joined_batch(ranks, case):
    """The gradients of every step, None where no sub-net had any."""
    expected = _train(case)["gradients"]
    steps = _STEPS // _CASES[case][1].get("accumulative_counts", 1)
    assert len(expected) == steps
    for rank in ranks:
        got = rank[case]["gradients"]
        assert len(got) == steps
        for mine, reference in zip(got, expected, strict=True):
            for a, b in zip(mine, reference, strict=True):
                assert (a is None) == (b is None)
                if a is not None:
                    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_some_weights_of_that_test_stay_without_gradient(ranks):
    for case in ("sandwich", "without_max"):
        assert any(g is None for step in ranks[0][case]["gradients"] for g in step)


@pytest.mark.parametrize("case", _CASES)
def test_processes_run_the_same_subnets_and_stay_equal(ranks, case):
    first, second = ranks
    assert first[case]["calls"] == second[case]["calls"]
    for a, b in zip(first[case]["weights"], second[case]["weights"], strict=True):
        assert torch.equal(a, b)


def test_runner_trains_through_the_wrapper(ranks):
    first, second = (rank["runner"]["weights"] for rank in ranks)
    for name, weight in first.items():
        assert weight.isfinite().all()
        assert torch.equal(weight, second[name]), name


def test_runner_without_the_wrapper_says_what_to_set(ranks):
    for rank in ranks:
        assert (
            "model_wrapper_cfg=dict(type='mmtaskssl.ElasticDDP')"
            in (rank["runner"]["error"])
        )


def test_wrapper_refuses_other_models():
    with pytest.raises(UserError, match="elastic algorithms only, not Linear"):
        ElasticDDP(torch.nn.Linear(2, 2))
