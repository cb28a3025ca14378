"""Students and teachers: what is compared, with what gradients, and what is kept."""

import copy
import io
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper

from mmtaskssl.models.algorithms.distillation import Distillation
from mmtaskssl.models.backbones import SubnetResNet
from mmtaskssl.models.teachers import Taught
from mmtaskssl.utils.errors import UserError
from tests._gloo import in_two_processes

from . import _distill
from ._distill import ALGORITHMS, DIM, batch_for, distill, elastic, images, plain
from ._elastic import fresh_hub
from ._gradients import assert_close, trained


def _wrapper(model, accumulate=1, lr=0.05):
    optimizer = torch.optim.SGD(trained(model), lr=lr, momentum=0.9)
    return OptimWrapper(optimizer, accumulative_counts=accumulate)


def _steps(name, model, wrapper, steps, first=0):
    hub, logs = fresh_hub(), None
    for step in range(first, steps):
        hub.update_info("iter", step)
        logs = model.train_step(batch_for(name, model, step), wrapper)
    return logs


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_resumed_training_is_the_same_and_its_teacher_untouched(name):
    fresh_hub()
    whole = ALGORITHMS[name]()
    body = copy.deepcopy(whole.distill[0].teacher.body.state_dict())
    wrapper = _wrapper(whole)
    _steps(name, whole, wrapper, 1)
    file = io.BytesIO()
    torch.save([whole.state_dict(), wrapper.state_dict()], file)
    logs = _steps(name, whole, wrapper, 3, first=1)
    again = ALGORITHMS[name]()
    file.seek(0)
    weights, optimizer = torch.load(file, weights_only=False)
    again.load_state_dict(weights)
    again.check_resumed(weights)
    wrapper = _wrapper(again)
    wrapper.load_state_dict(optimizer)
    _steps(name, again, wrapper, 3, first=1)
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in logs.values())
    for key, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), key
    teacher = again.distill[0].teacher
    for key, value in body.items():
        assert torch.equal(value, teacher.body.state_dict()[key]), key
    assert not teacher.body.training
    assert not [key for key in weights if "body" in key]
    assert not [p for p in teacher.body.parameters() if p.requires_grad]


def test_another_teacher_is_refused_on_resuming_and_free_to_load():
    weights = plain().state_dict()
    other = plain(distill=distill(teacher={"type": "mmtaskssl.TinyTeacher", "seed": 1}))
    digest = other.distill[0].teacher.hexdigest()
    other.load_state_dict(weights)
    assert other.distill[0].teacher.hexdigest() == digest
    with pytest.raises(UserError, match="had another teacher"):
        other.check_resumed(weights)
    with pytest.raises(UserError, match="weights none"):
        other.check_resumed({})


def test_the_loss_is_that_of_the_same_crop_behind_a_head():
    """A reference of the whole step, one image at a time."""
    asked = distill(
        losses=[{"type": "CosineRegression", "weight": 6.0}],
        dense_losses=[],
        dense_head=None,
        head={},
        norm="centre",
        weight=1.0,
    )
    model = plain(distill=asked)
    batch = model.data_preprocessor(images(), True)
    student, shown = batch["inputs"]
    assert student.shape[2:] == (16, 16) and shown.shape[2:] == (20, 20)
    loss = model(**batch, mode="loss")
    assert set(loss) == {"loss_cosine"}
    part = model.distill[0]
    with torch.no_grad():
        targets = torch.cat([part.teacher.body(x[None]).mean((2, 3)) for x in shown])
        targets = targets - targets.mean(0)
        ours = model.backbone(student)[-1].mean((2, 3))
        ours = ours @ part.head.layers[0].weight.T + part.head.layers[0].bias
        expected = 6 * (1 - F.cosine_similarity(ours, targets)).mean()
    torch.testing.assert_close(loss["loss_cosine"], expected, rtol=1e-4, atol=1e-5)


def test_a_network_that_learns_from_itself_needs_no_head():
    """Sub-nets are compared on the channels that they have."""
    asked = {"losses": [{"type": "CosineRegression"}], "dense_losses": []}
    asked = distill(**asked, head=None, dense_head=None, norm="none")
    with pytest.raises(UserError, match="16 channels and its teacher tiny0 10"):
        elastic(distill=asked)
    model = elastic(distill=distill(**{**asked, "head": {}}))
    part = model.distill[0]
    part.head = None
    feature = torch.randn(4, 16)
    for width in (16, 8):
        maps = torch.randn(4, width, 2, 2)
        view = model.backbone.norm_view()
        got = part.loss([maps], Taught(feature), view)["loss_cosine"]
        expected = F.cosine_similarity(maps.mean((2, 3)), feature[:, :width])
        torch.testing.assert_close(got, 0.5 * (1 - expected.mean()))
    with pytest.raises(UserError, match=r"32 channels and .* 10: set distill.head"):
        fixed = plain(distill=asked)
        fixed(**fixed.data_preprocessor(images(), True), mode="loss")


@pytest.mark.parametrize("name", ["ElasticDistill", "SlimmableMoCo", "SupernetMoCo"])
def test_gradient_of_a_step_is_the_sum_over_its_sub_nets(name, monkeypatch):
    fresh_hub()
    model = ALGORITHMS[name]()
    asked = []
    teacher = model.distill[0].teacher
    teach = type(teacher).teach
    monkeypatch.setattr(
        type(teacher), "teach", lambda *args: asked.append(1) or teach(*args)
    )
    alone = copy.deepcopy(model)
    batch = alone.data_preprocessor(images(), True)
    sums = [None] * len(trained(alone))
    with torch.no_grad():
        views, shown = alone.distill.split(batch["inputs"])
        taught = alone.distill.teach(shown, None)
        shared = alone.prepare(views)
    subnets = alone.subnets_of_step()
    assert len(subnets) > 1
    weights = alone._weights(subnets)
    for subnet, weight in zip(subnets, weights, strict=True):
        losses = alone._losses(views, shared, subnet, taught)
        loss = sum(value for key, value in losses.items() if "loss" in key)
        gradients = torch.autograd.grad(
            weight * loss, trained(alone), allow_unused=True
        )
        for place, gradient in enumerate(gradients):
            if gradient is not None:
                known = 0 if sums[place] is None else sums[place]
                sums[place] = known + gradient
    asked.clear()
    wrapper = _wrapper(model, lr=0.0)
    got = []
    wrapper.optimizer.register_step_pre_hook(
        lambda *_: got.extend(
            None if p.grad is None else p.grad.clone() for p in trained(model)
        )
    )
    logs = model.train_step(images(), wrapper)
    assert asked == [1]  # one forward for all sub-nets
    assert_close(got, sums, rtol=1e-4, atol=1e-6)
    first = model.log_names(subnets)[0]
    assert f"{first}/loss_cosine" in logs and f"{first}/loss_dense_cosine" in logs


def test_accumulation_and_half_precision():
    model = plain("MoCo")
    wrapper = _wrapper(model, accumulate=2)
    with torch.autocast("cpu", torch.bfloat16):
        logs = _steps("MoCo", model, wrapper, 2)
    assert logs["loss_cosine"].dtype == torch.float32
    assert int(model.encoder_k.steps) == 1  # one optimizer step
    assert int(model.distill[0].losses["similarity"].place) == 0  # 16 of 16 places
    assert int(model.distill[0].norm.count) == 16


def test_several_views_are_taught_each_by_its_crop_or_all_by_one():
    asked = distill(views=2, losses=[{"type": "CosineRegression"}], dense_losses=[])
    model = plain(views=2, distill=copy.deepcopy(asked))
    batch = model.data_preprocessor(images(), True)["inputs"]
    assert [x.shape[2] for x in batch] == [16, 16, 20, 20]
    both = plain("SimSiam", distill=copy.deepcopy(asked))
    losses = both(**both.data_preprocessor(images(), True), mode="loss")
    assert {"loss_ssl", "loss_cosine"} == set(losses)
    # MoCo's query alone goes through the online network: the other view is run anew.
    both = plain("MoCo", distill=copy.deepcopy(asked))
    calls = []
    both.backbone.register_forward_hook(lambda *_: calls.append(1))
    both(**both.data_preprocessor(images(), True), mode="loss")
    assert len(calls) == 2
    with pytest.raises(UserError, match=r"2 views are to be taught, but .* makes 1"):
        plain(views=1, distill=copy.deepcopy(asked))


def test_several_teachers_with_weights():
    asked = distill(losses=[{"type": "CosineRegression"}], dense_losses=[])
    asked |= {"head": {"in_channels": 32}, "dense_head": None}
    second = copy.deepcopy(asked) | {"weight": 0.0}
    second["teacher"] |= {"seed": 1, "view_size": 24}
    model = plain(distill=[asked, second])
    batch = model.data_preprocessor(images(), True)
    assert [x.shape[2] for x in batch["inputs"]] == [16, 20, 24]
    losses = model(**batch, mode="loss")
    assert set(losses) == {"loss_cosine", "loss_cosine_1"}
    assert losses["loss_cosine"] > 0 and losses["loss_cosine_1"] == 0
    with pytest.raises(UserError, match="weighs 0: give one a weight"):
        plain(distill=copy.deepcopy(second))


def test_the_heads_width_is_found_for_any_student_by_a_pass_without_values():
    arch = {"kind": "resnet", "block": "basic"}
    student = SubnetResNet("s8-w8.12-d1.1", arch, out_indices=(1,))
    before = copy.deepcopy(student.state_dict())
    made = Distillation(student, teacher := {"type": "mmtaskssl.TinyTeacher"}, head={})
    assert made.head([torch.zeros(2, 12, 3, 3)])[0].shape == (2, DIM)
    assert all(torch.equal(v, before[k]) for k, v in student.state_dict().items())
    with pytest.raises(UserError, match=r"set model\.distill\.head\.in_channels"):
        Distillation(torch.nn.Linear(3, 4), teacher, head={})


def _rank(rank, folder):
    torch.distributed.init_process_group("gloo")
    fresh_hub()
    model = elastic()
    from mmtaskssl.models.algorithms import ElasticDDP

    wrapped = ElasticDDP(module=model)
    wrapper = _wrapper(model)
    hub = fresh_hub()
    for step in range(2):
        hub.update_info("iter", step)
        wrapped.train_step(images(2 * step + rank), wrapper)
    part = model.distill[0]
    return {
        "weights": dict(model.named_parameters()),
        "mean": part.norm.mean,
        "variance": part.norm.variance,
        "queue": part.losses["similarity"].queue,
        "digest": part.teacher.sha256,
    }


def test_two_processes_agree_on_weights_statistics_and_queue(tmp_path):
    first, second = in_two_processes(_rank, tmp_path)
    for name, value in first["weights"].items():
        assert torch.equal(value, second["weights"][name]), name
    for name in ("mean", "variance", "queue", "digest"):
        assert torch.equal(first[name], second[name]), name
    assert first["variance"].gt(0).all() and first["mean"].shape == (DIM,)
    assert _distill.SIDE == 20


@pytest.mark.parametrize("kind", ["MoCo", "BYOL"])
def test_batch_norms_alone_can_be_trained(kind):
    model = plain(kind, train_only="norms")
    moved = [n for n, p in model.backbone.named_parameters() if p.requires_grad]
    assert moved and all("bn" in n or "downsample.1" in n for n in moved)
    assert any(p.requires_grad for p in model.neck.parameters())
    with pytest.raises(UserError, match="train_only is norms or None"):
        plain(train_only="heads")


@pytest.mark.parametrize("build", [plain, elastic])
def test_the_start_teaches_what_it_becomes(build):
    """At the start, in one resolution and without colours: nothing to learn."""
    asked = distill(
        teacher={"type": "mmtaskssl.StartTeacher", "view_size": 16},
        losses=[{"type": "CosineRegression"}],
        dense_losses=[{"type": "DenseCosine"}],
        head=None,
        dense_head=None,
        norm="none",
    )
    model = build(distill=asked)
    quiet = {"jitter": 0.0, "grey": 0.0, "blur": 0.0}
    model.data_preprocessor.recipes = [
        replace(recipe, **quiet) for recipe in model.data_preprocessor.recipes
    ]
    model.eval()
    teacher = model.distill[0].teacher
    before = teacher.hexdigest()
    batch = model.data_preprocessor(images(), True)
    views, shown = model.distill.split(batch["inputs"])
    assert torch.equal(views[0], shown[0])
    with pytest.raises(UserError, match="which it was not shown"):
        model.distill.teach(shown, None)
    with torch.no_grad():
        for parameter in model.backbone.parameters():
            parameter.mul_(1.1)
    model.after_start("timm:any=file")
    assert before == "0" * 64 != teacher.hexdigest() and "timm:any" in teacher.name
    taught = model.distill.teach(shown, None)
    with torch.no_grad():
        outputs = [model.backbone(views[0])]
    for value in model.distill.loss(outputs, taught).values():
        assert float(value) == pytest.approx(0.0, abs=1e-6)
