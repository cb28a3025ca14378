"""Trainings that start from public weights: what is loaded, and that they resume."""

import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader
from torchvision.models import resnet18

from mmtaskssl.apis import pretrain
from mmtaskssl.config import load_config
from mmtaskssl.engine.checkpoints import check_weights
from mmtaskssl.networks.start import start_from, weights_file
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError
from tests._gloo import in_two_processes
from tests.test_engine._runs import debug_config, run


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    """A checkpoint of the debug configs' network, in MoCo v2's layout."""
    cfg = debug_config("mocov2", tmp_path_factory.mktemp("x"))
    torch.manual_seed(5)
    net = MODELS.build({**cfg.model.backbone, "_scope_": "mmtaskssl"})
    state = {
        k: torch.rand_like(v) * 0.1 if v.is_floating_point() else v
        for k, v in net.state_dict().items()
    }
    keys = {f"module.encoder_q.{k}": v for k, v in state.items()}
    keys["module.encoder_q.fc.0.weight"] = torch.ones(1)
    keys["module.queue"] = torch.ones(1)
    path = tmp_path_factory.mktemp("public") / "moco.pth.tar"
    torch.save({"state_dict": keys, "epoch": 1}, path)
    return path, state


@pytest.mark.parametrize("algorithm", ["mocov2", "byol"])
def test_the_backbone_and_its_average_start_there(algorithm, public, tmp_path):
    path, state = public
    runner = run(
        debug_config(
            algorithm,
            tmp_path,
            weights=str(path),
            max_iters=1,
            optim_wrapper__optimizer__lr=0.0,
        )
    )
    weights = runner.model.state_dict()
    average = "encoder_k" if algorithm == "mocov2" else "target_net"
    for key, value in state.items():
        if "running" not in key and "tracked" not in key:  # which training moves
            assert torch.equal(weights[f"backbone.{key}"], value)
            assert torch.equal(weights[f"{average}.module.0.{key}"], value)
    assert runner.started.layout == "official MoCo v2"
    assert runner.started.loaded == state.keys()
    assert "ImageNet" in runner.started.note


def test_a_training_resumes_as_if_it_had_not_stopped(public, tmp_path):
    options = {"weights": str(public[0]), "max_iters": 2}
    options["default_hooks__checkpoint__interval"] = 1
    whole = run(debug_config("simsiam", tmp_path, **options))
    (tmp_path / "last_checkpoint").write_text("iter_1.pth")
    options["weights"] = "gone.pth"  # no longer needed, where nothing pulls to it
    again = debug_config("simsiam", tmp_path, **options)
    again.resume = True
    resumed = run(again).model.state_dict()
    for key, value in whole.model.state_dict().items():
        assert torch.equal(resumed[key], value), key


def test_what_is_taught_by_its_start_resumes_with_that(public, tmp_path):
    teacher = {"type": "mmtaskssl.StartTeacher", "view_size": 32}
    options = {"weights": str(public[0]), "max_iters": 2}
    options["default_hooks__checkpoint__interval"] = 1
    options["model__distill"] = {"teacher": teacher}
    whole = run(debug_config("simsiam", tmp_path, **options))
    (tmp_path / "last_checkpoint").write_text("iter_1.pth")
    (tmp_path / "iter_2.pth").unlink()
    again = debug_config("simsiam", tmp_path, **options)
    again.resume = True
    resumed = run(again).model.state_dict()
    for key, value in whole.model.state_dict().items():
        assert torch.equal(resumed[key], value), key


def test_another_teacher_is_said_though_its_features_have_another_shape(tmp_path):
    def config(**teacher):
        distill = {"teacher": {"type": "mmtaskssl.NetworkTeacher", **teacher}}
        distill |= {"norm": "centre", "head": {"in_channels": 64}}
        return debug_config("simsiam", tmp_path, max_iters=1, model__distill=distill)

    run(config(network="timm:test_efficientnet=random", view_size=32))
    again = config(network="timm:test_resnet=random", view_size=32)
    again.resume = True
    with pytest.raises(UserError, match=r"had another teacher .* timm:test_resnet"):
        run(again)


def test_any_algorithm_gets_a_teacher_by_one_word_more(tmp_path):
    """What the message says is what works; a name in the wrong place is said."""
    config = "configs/selfsup/simsiam/simsiam_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
    teacher = "timm:test_efficientnet=random"
    with pytest.raises(UserError, match=r"example model\.distill\.head\.num_layers=1"):
        load_config(config, {"teacher": teacher})
    view = {"model.distill.teacher.view_size": 32}
    options = {"model.distill.head.num_layers": 1, "max_iters": 1, **view}
    trained = pretrain(config, teacher=teacher, cfg_options=options, work_dir=tmp_path)
    assert trained.config.model.distill.teacher.view_size == 32
    for wrong in ({"model.distill.teacher": teacher}, {"model.distill.head": {}}):
        with pytest.raises(UserError, match=r"distill\.teacher is a part with"):
            pretrain(config, cfg_options=wrong, iters=1, work_dir=tmp_path / "a")
    wrong = {**options, "model.distill.head.in_channels": 99}
    with pytest.raises(UserError, match=r"is 99, and the student has 64 channels"):
        pretrain(config, teacher=teacher, cfg_options=wrong, work_dir=tmp_path / "b")
    several = {"model.distill": [{}], "model.distill.0.weight": 1}
    with pytest.raises(UserError, match="options do not fit"):
        load_config(config, several)


def test_pretrain_takes_weights_and_says_what_does_not_fit(public, tmp_path):
    config = debug_config("mocov2", tmp_path)
    trained = pretrain(config, weights=public[0], iters=1, work_dir=tmp_path / "a")
    assert trained.config.weights == str(public[0])
    loaded = pretrain(
        config,
        cfg_options={"load_from": str(public[0])},
        iters=1,
        work_dir=tmp_path / "b",
    )
    assert loaded.config.weights == str(public[0])
    torch.save(resnet18().state_dict(), tmp_path / "r18.pth")
    with pytest.raises(
        UserError, match="belongs to another architecture: it is a ResNet"
    ):
        pretrain(config, weights=tmp_path / "r18.pth", iters=1, work_dir=tmp_path / "c")
    with pytest.raises(UserError, match="not at hand"):
        pretrain(
            config, weights="torchvision:resnet18", iters=1, work_dir=tmp_path / "d"
        )
    assert (
        pretrain(config, weights="random", iters=1, work_dir=tmp_path / "e").iterations
        == 1
    )


def test_what_is_loaded_is_all_of_it_or_named(public, tmp_path):
    """Also where nothing but a queue has a name in common, and the run is not ours."""
    cfg = debug_config("mocov2", tmp_path)
    model = MODELS.build({**cfg.model, "_scope_": "mmtaskssl"})
    state = model.state_dict()
    official = torch.load(public[0])["state_dict"] | {"queue": state["queue"] + 1}
    with pytest.raises(UserError, match=r"official MoCo v2.*lacks \d+, .*`weights`"):
        check_weights(model, official, "moco.pth")
    part = {k: v for k, v in state.items() if not k.startswith("neck.")}
    said = r"lacks \d, such as neck\.mlp\.0\.weight \(`allow`"
    with pytest.raises(UserError, match=said):
        check_weights(model, part, "a.pth")
    check_weights(model, part, "a.pth", allow=["neck"])
    free = {k: v for k, v in state.items() if "queue" not in k and "step" not in k}
    check_weights(model, free, "a.pth")
    deeper = {**state, "backbone.layer4.2.bn1.weight": torch.ones(1)}
    with pytest.raises(UserError, match=r"has 1 that .*backbone\.layer4\.2"):
        check_weights(model, deeper, "a.pth")
    check_weights(model, {**state, "roi_head.fc.bias": torch.ones(1)}, "a.pth")


def test_the_config_names_what_a_loaded_file_may_lack(tmp_path):
    config = debug_config("mocov2", tmp_path)
    first = pretrain(config, iters=1, work_dir=tmp_path / "a")
    content = torch.load(first.checkpoint, weights_only=False)
    content["state_dict"].pop("neck.mlp.0.weight")
    torch.save(content, tmp_path / "part.pth")
    options = {"load_from": str(tmp_path / "part.pth")}
    with pytest.raises(UserError, match=r"lacks 1, such as neck"):
        pretrain(config, cfg_options=options, iters=1, work_dir=tmp_path / "b")
    options["allow"] = ["neck"]
    pretrain(config, cfg_options=options, iters=1, work_dir=tmp_path / "c")


def test_a_file_from_elsewhere_is_all_of_it_too(tmp_path, monkeypatch):
    cfg = debug_config("simsiam", tmp_path, max_iters=1)
    cfg.load_from = "http://example.invalid/part.pth"
    found = {"state_dict": {"backbone.conv1.weight": torch.zeros(8, 3, 7, 7)}}
    monkeypatch.setattr(CheckpointLoader, "load_checkpoint", lambda *a, **k: found)
    with pytest.raises(UserError, match=r"part\.pth .* 1/\d+ weights .* fit"):
        run(cfg)


@pytest.mark.parametrize("algorithm", ["mocov2", "byol", "simsiam"])
def test_continue_configs_train_with_care(algorithm, public, tmp_path):
    """The loaded part at a lower rate, its batch norms as they were."""
    name = f"{algorithm}_resnet18-w8_1xb16-coslr-12i_continue_debug-32px.py"
    config = f"configs/selfsup/{algorithm}/{name}"
    trained = pretrain(config, weights=public[0], iters=1, work_dir=tmp_path)
    weights = torch.load(trained.checkpoint, weights_only=False)
    state = {f"backbone.{key}": value for key, value in public[1].items()}
    for key, value in norms_of(weights["state_dict"]).items():
        assert torch.equal(value, state[key])
    rates = {group["initial_lr"] for group in weights["optimizer"]["param_groups"]}
    assert rates == {1e-3, 2e-4}


def test_names_of_weights(tmp_path):
    assert str(weights_file("timm:resnet18=a/b.pth")) == "a/b.pth"
    assert str(weights_file("a.pth")) == "a.pth"
    with pytest.raises(UserError, match="no backbone that could start"):
        start_from(torch.nn.Linear(1, 1), "a.pth")
    assert start_from(torch.nn.Linear(1, 1), "random") is None


def start_hooks(path, work_dir, *hooks, **options):
    options = {
        "weights": str(path),
        "max_iters": 2,
        "default_hooks__checkpoint__interval": 1,
        **options,
    }
    cfg = debug_config("mocov2", work_dir, **options)
    cfg.custom_hooks = [dict(hook) for hook in hooks]
    return cfg


def norms_of(state, prefix="backbone."):
    return {
        key: value
        for key, value in state.items()
        if key.startswith(prefix) and "running_" in key
    }


@pytest.mark.parametrize("mode", ["frozen", "reestimated", "adapted", "train"])
def test_batch_norms_of_a_start(mode, public, tmp_path):
    """In each mode a training that was stopped and resumed ends as one that was not."""
    hook = {"type": "StartNormHook", "mode": mode, "images": 24, "train_affine": False}
    pull = {"type": "L2SPHook", "strength": 0.5}
    whole = run(start_hooks(public[0], tmp_path, hook, pull)).model.state_dict()
    first = torch.load(tmp_path / "iter_1.pth", weights_only=False)["state_dict"]
    start = {f"backbone.{k}": v for k, v in public[1].items()}
    begun, after = norms_of(first), norms_of(whole)
    as_start = all(torch.equal(v, start[k]) for k, v in after.items())
    kept = all(torch.equal(v, begun[k]) for k, v in after.items())
    assert (as_start, kept) == {
        "frozen": (True, True),
        "reestimated": (False, True),
        "adapted": (False, False),
        "train": (False, False),
    }[mode]
    key = "layer1.0.bn1.weight"
    assert torch.equal(whole[f"backbone.{key}"], public[1][key]) == (
        mode in ("frozen", "reestimated")
    )
    assert not torch.equal(
        whole["backbone.conv1.weight"], start["backbone.conv1.weight"]
    )
    if mode != "adapted" and mode != "train":
        mine = norms_of(whole, "encoder_k.module.0.")
        assert all(
            torch.equal(v, after[k.replace("encoder_k.module.0", "backbone")])
            for k, v in mine.items()
        )
    (tmp_path / "last_checkpoint").write_text("iter_1.pth")
    again = start_hooks(public[0], tmp_path, hook, pull)
    again.resume = True
    resumed = run(again).model.state_dict()
    assert all(torch.equal(resumed[key], value) for key, value in whole.items())


def test_the_pull_to_the_start_is_what_the_paper_says(public, tmp_path):
    """w - lr * strength * (w - start) after each step, of the backbone alone."""
    plain = run(start_hooks(public[0], tmp_path / "a", max_iters=1))
    pull = {"type": "L2SPHook", "strength": 2.0}
    pulled = run(start_hooks(public[0], tmp_path / "b", pull, max_iters=1))
    lr = plain.optim_wrapper.param_groups[0]["lr"]
    before, after = plain.model.state_dict(), pulled.model.state_dict()
    start = public[1]["conv1.weight"]
    moved = before["backbone.conv1.weight"]
    expected = moved - 2 * lr * (moved - start)
    torch.testing.assert_close(after["backbone.conv1.weight"], expected)
    assert lr and not torch.equal(moved, expected)
    assert torch.equal(before["neck.mlp.0.weight"], after["neck.mlp.0.weight"])
    with pytest.raises(UserError, match="needs `weights`"):
        cfg = start_hooks(public[0], tmp_path / "c", pull)
        cfg.pop("weights")
        run(cfg)


def _start_in_two(rank, folder):
    hooks = (
        {"type": "StartNormHook", "mode": "reestimated", "train_affine": False},
        {"type": "L2SPHook", "strength": 0.5},
    )
    options = {"optim_wrapper__accumulative_counts": 2}
    cfg = start_hooks(folder / "public.pth", folder / "run", *hooks, **options)
    cfg.launcher = "pytorch"
    runner = run(cfg)
    return runner.model.module.state_dict(), runner.started.layout


def test_two_processes_start_and_stay_alike(public, tmp_path):
    """Both measure the same statistics, keep them, and are pulled alike."""
    (tmp_path / "public.pth").write_bytes(public[0].read_bytes())
    (mine, layout), (theirs, _) = in_two_processes(_start_in_two, tmp_path)
    assert layout == "official MoCo v2"
    for key, value in mine.items():
        if key.startswith(("backbone.", "neck.")):
            assert torch.equal(value, theirs[key]), key
    key = "layer1.0.bn1.running_mean"
    assert not torch.equal(mine[f"backbone.{key}"], public[1][key])
    key = "layer1.0.bn1.weight"
    assert torch.equal(mine[f"backbone.{key}"], public[1][key])
    key = "layer1.0.conv1.weight"
    assert not torch.equal(mine[f"backbone.{key}"], public[1][key])
