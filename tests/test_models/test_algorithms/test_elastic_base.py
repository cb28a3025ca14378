"""The multi-sub-net step of one process."""

import weakref

import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import AmpOptimWrapper, OptimWrapper

from mmtaskssl.models.algorithms import ElasticAlgorithm, ElasticDDP, MoCo
from mmtaskssl.utils.errors import UserError
from tests.test_engine._runs import debug_config, run
from tests.test_engine.test_resume import _check, _stop_hook  # noqa: F401  a fixture
from tests.test_models.test_algorithms._elastic import (
    GN,
    SPACE,
    batch,
    build,
    fresh_hub,
    model_config,
)
from tests.test_models.test_algorithms._gradients import (
    assert_close,
    flat,
    recording_optimizer,
    separate_gradients,
    trained,
)


@pytest.fixture(autouse=True)
def hub():
    return fresh_hub()


@pytest.mark.parametrize("norm_cfg", [GN, {"type": "BN"}], ids=["gn", "bn"])
@pytest.mark.parametrize(
    "sampler", [{"sampler": "Sandwich"}, {"sampler": "RandomSubnets", "num": 3}]
)
def test_gradient_is_the_sum_of_separate_gradients(sampler, norm_cfg):
    model = build(norm_cfg=norm_cfg, **sampler)
    expected = separate_gradients(model, batch(0))
    optimizer = recording_optimizer(model)
    model.train_step({"inputs": batch(0)}, OptimWrapper(optimizer))
    assert len(optimizer.gradients) == 1
    assert_close(optimizer.gradients[0], expected)
    assert all(p.grad is None for p in model.parameters())


def test_some_weights_of_that_test_have_no_gradient():
    """Otherwise it would prove less than it says."""
    model = build("RandomSubnets", num=1)
    model.subnet_sampler.seed = next(
        seed for seed in range(99) if _subnet(model, seed).depths == (1, 1, 1)
    )
    gradients = separate_gradients(model, batch(0))
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    missing = [n for n, g in zip(names, gradients, strict=True) if g is None]
    assert any(name.startswith("backbone.layer1.1") for name in missing)


def _subnet(model, seed):
    model.subnet_sampler.seed = seed
    return model.subnets_of_step()[0]


def test_one_teacher_one_queue_update_whatever_the_number_of_subnets():
    model = build()
    wrapper = OptimWrapper(recording_optimizer(model))
    subnets = [subnet.name for subnet in model.subnets_of_step()]
    assert len(subnets) == 3
    model.train_step({"inputs": batch(0)}, wrapper)
    assert model.calls == ["prepare", *subnets, "finish"]
    assert model.teacher.steps == 1
    assert model.queue_ptr == 8


def test_goes_before_an_algorithm_with_queue_and_key_encoder():
    """The way a supernet MoCo is made: its shared part, its loss per sub-net."""

    class ElasticMoCo(ElasticAlgorithm, MoCo):
        def prepare(self, inputs, data_samples=None):
            return self._keys(inputs[1])

        def subnet_loss(self, inputs, shared, subnet):
            q = F.normalize(self.neck(self.backbone(inputs[0], subnet))[0], dim=1)
            positive = (q * shared).sum(dim=1, keepdim=True)
            return {"loss": self.head(positive, q @ self.queue)}

        def finish(self, shared):
            self._dequeue_and_enqueue(shared)

    torch.manual_seed(0)
    cfg = model_config(space=SPACE | {"widths": [[4, 8], [8], [16]]})
    neck = {"in_channels": 16, "hid_channels": 8, "out_channels": 6}
    model = ElasticMoCo(
        backbone=cfg.backbone,
        neck={"type": "mmselfsup.MoCoV2Neck", **neck},
        head={
            "type": "mmselfsup.ContrastiveHead",
            "loss": {"type": "mmcls.CrossEntropyLoss"},
            "temperature": 0.2,
        },
        queue_len=20,
        feat_dim=6,
        data_preprocessor=cfg.data_preprocessor,
        subnet_sampler=cfg.subnet_sampler,
    ).train()
    wrapper = OptimWrapper(recording_optimizer(model))
    for step in range(3):
        logs = model.train_step({"inputs": batch(step)}, wrapper)
    assert model.encoder_k.steps == 3
    assert int(model.queue_ptr) == 3 * 8 % 20
    assert all(0 < logs[f"{name}/loss"] < 9 for name in ("max", "min", "rand0"))


def test_graph_of_a_subnet_is_freed_before_the_next(monkeypatch):
    model = build()
    alive, found = weakref.WeakSet(), []

    class Saved:
        def __init__(self, tensor):
            self.tensor = tensor.detach()  # an output must not hold its own graph
            alive.add(self)

    inner = model.subnet_loss

    def subnet_loss(*args):
        found.append(len(alive))
        losses = inner(*args)
        assert len(alive) > 20
        return losses

    monkeypatch.setattr(model, "subnet_loss", subnet_loss)
    with torch.autograd.graph.saved_tensors_hooks(Saved, lambda saved: saved.tensor):
        model.train_step({"inputs": batch(0)}, OptimWrapper(recording_optimizer(model)))
    assert found == [0, 0, 0]


def test_weights_of_subnets(monkeypatch):
    model = build()
    weights = [2.0, 0.5, 0.25]
    expected = separate_gradients(model, batch(0), weights)
    monkeypatch.setattr(model, "subnet_weights", lambda given: weights)
    optimizer = recording_optimizer(model)
    logs = model.train_step({"inputs": batch(0)}, OptimWrapper(optimizer))
    assert_close(optimizer.gradients[0], expected)
    parts = [logs[f"{name}/loss"] for name in ("max", "min", "rand0")]
    total = sum(w * part for w, part in zip(weights, parts, strict=True))
    torch.testing.assert_close(logs["loss"], total)


def test_logs_each_subnet_and_the_sum():
    model = build(num_random=2)
    logs = model.train_step(
        {"inputs": batch(0)}, OptimWrapper(recording_optimizer(model))
    )
    names = ["max", "min", "rand0", "rand1"]
    keys = {f"{name}/{key}" for name in names for key in ("loss", "loss_l1", "std")}
    assert set(logs) == {"loss"} | keys
    total = sum(logs[f"{name}/loss"] for name in names)
    assert logs["max/loss"] > logs["max/loss_l1"] > 0
    torch.testing.assert_close(logs["loss"], total)
    assert not any(value.requires_grad for value in logs.values())


def _train(model, batches, **options):
    fresh_hub()
    optimizer = recording_optimizer(model, weight_decay=0.01)
    wrapper = OptimWrapper(optimizer, **options)
    for inputs in batches:
        model.train_step({"inputs": inputs}, wrapper)
    return optimizer


def _halves(inputs):
    return [[view[:4] for view in inputs], [view[4:] for view in inputs]]


def test_accumulation_equals_the_large_batch():
    whole, parts = build(num_random=0), build(num_random=0)
    large = [batch(step) for step in range(3)]
    one = _train(whole, large)
    two = _train(
        parts, [half for b in large for half in _halves(b)], accumulative_counts=2
    )
    assert len(one.gradients) == len(two.gradients) == 3
    assert_close(trained(parts), trained(whole), rtol=1e-4, atol=1e-6)
    assert parts.teacher.steps == whole.teacher.steps == 3
    for a, b in zip(
        parts.teacher.parameters(), whole.teacher.parameters(), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_last_window_of_an_accumulation_may_be_shorter():
    model = build(num_random=0)
    optimizer = recording_optimizer(model)
    wrapper = OptimWrapper(optimizer, accumulative_counts=2)
    wrapper.initialize_count_status(model, 0, 3)
    for step in range(3):
        model.train_step({"inputs": batch(step)}, wrapper)
    assert len(optimizer.gradients) == 2
    assert wrapper.inner_count == 3


def test_clipping_is_of_the_sum_and_once(hub):
    plain, clipped = build(), build()
    full = recording_optimizer(plain)
    plain.train_step({"inputs": batch(0)}, OptimWrapper(full))
    optimizer = recording_optimizer(clipped)
    wrapper = OptimWrapper(optimizer, clip_grad={"max_norm": 0.01})
    clipped.train_step({"inputs": batch(0)}, wrapper)
    norm = flat(full.gradients[0]).norm()
    assert norm > 0.1
    factor = 0.01 / (norm + 1e-6)
    expected = [g if g is None else g * factor for g in full.gradients[0]]
    assert_close(optimizer.gradients[0], expected)
    logged = hub.get_scalar("train/grad_norm")
    assert logged.current() == pytest.approx(norm.item(), rel=1e-5)
    assert len(logged.data[0]) == 1


def test_subnets_follow_the_iteration(hub):
    model, twin = build(), build()
    drawn = []
    for step in (0, 1, 2, 1):
        hub.update_info("iter", step)
        drawn.append(model.subnets_of_step())
        assert drawn[-1] == twin.subnets_of_step()
    assert drawn[1] == drawn[3]
    assert len({tuple(subnets) for subnets in drawn}) == 3


def test_a_sampler_may_name_its_own_space():
    model = build(space=SPACE | {"stem": [8]})
    assert {subnet.stem for subnet in model.subnets_of_step()} == {8}


def test_features_are_those_of_the_default_subnet():
    model = build().eval()
    (features,) = model(batch(0)[0], mode="tensor")
    torch.testing.assert_close(features, model.backbone(batch(0)[0])[0])


def test_a_wrapper_that_knows_no_subnets_is_told_the_right_one():
    with pytest.raises(UserError, match=r"mmtaskssl\.ElasticDDP"):
        build()(batch(0), mode="loss")


def _elastic(cfg):
    cfg.model = model_config(norm_cfg={"type": "BN"})
    cfg.model.data_preprocessor = {
        "type": "mmtaskssl.TwoViewPreprocessor",
        "view_size": 16,
    }
    cfg.optim_wrapper.optimizer = {
        "type": "SafeSGD",
        "lr": 0.05,
        "momentum": 0.9,
        "weight_decay": 1e-3,
    }
    return cfg


@pytest.mark.parametrize("accumulative_counts", [1, 4])
def test_resume_is_bit_exact(tmp_path, accumulative_counts):
    options = {"optim_wrapper__accumulative_counts": accumulative_counts}
    _check("simsiam", tmp_path, _elastic, **options)


def test_runner_logs_each_subnet(tmp_path):
    runner = run(_elastic(debug_config("simsiam", tmp_path)))
    scalars = runner.message_hub.log_scalars
    assert {"train/loss", "train/max/loss", "train/rand0/std"} <= set(scalars)
    assert len(scalars["train/min/loss"].data[0]) == 12
    (log,) = tmp_path.rglob("vis_data/scalars.json")
    assert '"max/loss"' in log.read_text()


@pytest.mark.gpu
def test_cuda_half_precision_and_nccl():
    """Loss scaling and DDP as on a real machine, against float32 on the CPU."""
    expected = flat(separate_gradients(build(), batch(0)))
    model = build().cuda()
    optimizer = recording_optimizer(model)
    wrapper = AmpOptimWrapper(optimizer=optimizer, clip_grad={"max_norm": 1e9})
    store = torch.distributed.HashStore()
    torch.distributed.init_process_group("nccl", store=store, rank=0, world_size=1)
    try:
        wrapped = ElasticDDP(model, device_ids=[0])
        views = [view.cuda() for view in batch(0)]
        wrapped.train_step({"inputs": views}, wrapper)
    finally:
        torch.distributed.destroy_process_group()
    got = flat(optimizer.gradients[0]).cpu()
    assert torch.cosine_similarity(got, expected, dim=0) > 0.99
