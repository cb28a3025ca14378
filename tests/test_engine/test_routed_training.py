"""Short trainings of SDR's debug config: phases, resume, two processes."""

import itertools

import pytest
import torch

from mmtaskssl.config import load_config
from mmtaskssl.utils.errors import UserError
from tests._gloo import in_two_processes

from ._runs import run
from .test_resume import _assert_identical, _state, _stop_half_way, _stop_hook

_CONFIG = "configs/sdr/routed-{}_resnet10-w8-4paths_1xb16-coslr-12i_debug-32px.py"
_COUNTER = itertools.count()
__all__ = ["_stop_hook"]  # a fixture for all tests


def debug_config(work_dir, kind="simsiam", **options):
    options = {key.replace("__", "."): value for key, value in options.items()}
    cfg = load_config(_CONFIG.format(kind), options)
    cfg.work_dir = str(work_dir)
    cfg.launcher = "none"
    cfg.experiment_name = f"routed{next(_COUNTER)}"  # equal names share their state
    cfg.log_level = "WARNING"
    cfg.default_hooks.checkpoint.interval = 6
    return cfg


# Stops in the middle of a phase: of MAX alone, of two, or of four paths.
@pytest.mark.parametrize(
    ("kind", "shares", "workers"),
    [
        ("simsiam", [0.75, 0.1, 0.15], 0),
        ("simsiam", [0.25, 0.5, 0.25], 1),
        ("byol", [0.0, 0.25, 0.75], 0),
    ],
)
def test_resume_is_bit_exact(kind, shares, workers, tmp_path):
    def config(name):
        return debug_config(
            tmp_path / name,
            kind,
            model__subnet_sampler__shares=shares,
            train_dataloader__num_workers=workers,
        )

    whole = run(config("whole"))
    run(_stop_half_way(config("parts")))
    torch.manual_seed(12345)
    cfg = config("parts")
    cfg.resume = True
    resumed = run(cfg)
    assert resumed.iter == whole.iter == 12
    _assert_identical(_state(whole), _state(resumed))


def test_phase_is_logged_and_kept(tmp_path):
    runner = run(debug_config(tmp_path / "run"))
    shares = runner.model.subnet_sampler.shares
    assert shares == (0.5, 0.2, 0.3)
    phases = runner.message_hub.get_scalar("train/phase")._log_history.tolist()
    assert phases == [0] * 6 + [1] * 2 + [2] * 4
    assert runner.message_hub.get_scalar("train/live_paths").current() == 4
    kept = [
        torch.load(tmp_path / "run" / f"iter_{n}.pth", weights_only=False)
        for n in (6, 12)
    ]
    assert [c["progressive_phase"]["phase"] for c in kept] == [1, 2]
    assert kept[0]["progressive_phase"]["live_paths"] == 2
    assert kept[0]["progressive_phase"]["max_iters"] == 12


def test_another_plan_does_not_resume(tmp_path):
    run(debug_config(tmp_path / "run"))
    cfg = debug_config(tmp_path / "run", max_iters=16)
    cfg.resume = True
    with pytest.raises(UserError, match="had max_iters 12, not 16"):
        run(cfg)


def test_the_plan_needs_a_sampler_with_phases(tmp_path):
    cfg = debug_config(tmp_path / "run")
    cfg.model.subnet_sampler = {"type": "Sandwich"}
    with pytest.raises(UserError, match="type Progressive"):
        run(cfg)


def test_images_without_clusters_are_refused(tmp_path):
    cfg = debug_config(tmp_path / "run", model__subnet_sampler__shares=[0, 0.5, 0.5])
    cfg.train_dataloader.dataset = cfg.train_dataloader.dataset.dataset
    cfg.train_dataloader.pop("batch_sampler")
    with pytest.raises(UserError, match="ClusterBatches"):
        run(cfg)


def _work(rank, folder):
    from mmtaskssl.engine.run import build_runner

    cfg = debug_config(folder / "run", model__subnet_sampler__shares=[0.2, 0.2, 0.6])
    cfg.launcher = "pytorch"
    runner = build_runner(cfg)
    runner.train_loop  # noqa: B018  builds it
    algorithm, seen = runner.model.module, []
    inner = algorithm.prepare

    def prepare(inputs, data_samples):
        step = inner(inputs, data_samples)
        rows = [s.sample_idx for s in data_samples if s.part]
        seen.append(([subnet.name for subnet in step.rows], rows))
        return step

    algorithm.prepare = prepare
    runner.train()
    weights = {k: p.data for k, p in runner.model.named_parameters()}
    return {"weights": weights, "seen": seen}


def test_processes_run_the_same_paths_and_stay_equal(tmp_path):
    first, second = in_two_processes(_work, tmp_path)
    assert [names for names, _ in first["seen"]] == [n for n, _ in second["seen"]]
    assert sum(len(names) == 2 for names, _ in first["seen"]) == 10  # of 12
    # 8 + 8 images of a cluster of 16, or of 32: each once.
    for (_, mine), (_, theirs) in zip(first["seen"], second["seen"], strict=True):
        assert not set(mine) & set(theirs)
    assert first["weights"].keys() == second["weights"].keys()
    for name, weight in first["weights"].items():
        if not name.startswith("module.target_net"):
            assert torch.equal(weight, second["weights"][name]), name


def _switchable(work_dir, kind, **options):
    cfg = debug_config(work_dir, kind, **options)
    cfg.model.backbone.norm_cfg = {"type": "SwitchableBN"}
    cfg.model.neck.update(norm="SwitchableBN", num_switches=7)
    return cfg


@pytest.mark.parametrize("kind", ["simsiam", "byol"])
def test_norms_of_each_path_go_through_all_phases(kind, tmp_path):
    """MAX for 3 steps, two paths for 3, four for 6; stopped where two become four."""
    shares = {"model__subnet_sampler__shares": [0.25, 0.25, 0.5]}
    whole = run(_switchable(tmp_path / "whole", kind, **shares))
    run(_stop_half_way(_switchable(tmp_path / "parts", kind, **shares)))
    cfg = _switchable(tmp_path / "parts", kind, **shares)
    cfg.resume = True
    resumed = run(cfg)
    assert resumed.iter == whole.iter == 12
    _assert_identical(_state(whole), _state(resumed))
    model = whole.model
    switches = model.backbone.switches
    assert len(switches) == 7  # MAX, two and four
    used = {
        place: int(norm.num_batches_tracked)
        for place, norm in enumerate(model.neck.norms[0])
    }
    assert all(used.values()), used


def test_a_neck_for_another_number_of_paths_is_refused(tmp_path):
    cfg = _switchable(tmp_path, "simsiam")
    cfg.model.neck.num_switches = 3
    with pytest.raises(UserError, match=r"model.neck has batch norms for 3.* to 7"):
        run(cfg)
