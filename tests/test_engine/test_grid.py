"""The choice of learning rate and weight decay; trainings are made up."""

import json
import math

import pytest

from mmtaskssl.datasets.transfer_sets import TransferSet
from mmtaskssl.engine import grid as module
from mmtaskssl.engine.grid import FineTuneGrid, grid_table
from mmtaskssl.engine.pretrain import pretrain
from mmtaskssl.export.bundle import write_bundle
from mmtaskssl.models.backbones import SlimmableResNet
from mmtaskssl.utils.errors import UserError
from tests._public_sets import make_public_sets
from tests.test_models.test_backbones._nets import randomize

STEPS = 7


class Trainings:
    """Stands for `Steps`: a training's score is a function of its settings."""

    def __init__(self, log_dir, log):
        self.calls = []
        Trainings.last = self

    def call(
        self, name, done, function, config, work_dir, resume, amp, cfg_options, **more
    ):
        assert function is pretrain
        if done():
            return
        folder, option = work_dir, cfg_options
        self.calls.append((name, {**option, "amp": amp, "resume": resume}))
        lr = float(option["optim_wrapper.optimizer.lr"])
        decay = float(option["optim_wrapper.optimizer.weight_decay"])
        if lr >= 1:
            raise UserError("step failed: the loss was not finite at iteration 3 of 7")
        score = 90 - abs(math.log10(lr) + 2) - abs(math.log10(decay * lr) + 4)
        if option["val_dataloader.dataset.split"] == "test":
            score -= 5
        metric = "mean_per_class" if "aircraft" in name else "top1"
        log = folder / "20260101/vis_data/scalars.json"
        log.parent.mkdir(parents=True)
        rows = [{"step": 1, "loss": 1.0}, {"step": STEPS, f"transfer/{metric}": score}]
        log.write_text("\n".join(map(json.dumps, rows)))
        (log.parent / "config.py").write_text("randomness = dict(seed=0)")


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    net = randomize(SlimmableResNet(depth=18, widths=[1, 0.25])).eval()
    write_bundle(net, net.space.min, folder, {}, image_size=32)
    return folder / net.space.min.name


@pytest.fixture
def make(tmp_path, export, monkeypatch):
    monkeypatch.setattr(module, "Steps", Trainings)
    make_public_sets(tmp_path / "data", ("aircraft", "dtd"))

    def build(**options):
        settings = {"learning_rates": (1e-3, 1e-2, 1.0), "weight_decays": (1e-5, 1e-4)}
        return FineTuneGrid(
            export,
            *(True, "config.py", tmp_path / "data", tmp_path / "out", STEPS),
            **{**settings, **options},
        )

    return build


def sets(*names):
    return [TransferSet.read(name) for name in names]


def test_the_best_on_validation_images_is_trained_on_both(make, tmp_path):
    grid = make(options={"batch_size": 4}, amp=True)
    result = grid.run(sets("aircraft", "cars", "dtd"))
    for row in result["rows"]:
        # Weight decay is what was tried divided by the rate.
        assert (row["lr"], row["weight_decay"]) == (1e-2, pytest.approx(1e-2))
        assert (row["val_score"], row["score"]) == (90, 85)
        assert [trial["val_score"] for trial in row["tried"][-2:]] == [None, None]
    assert list(result["skipped"]) == ["cars"]
    calls = Trainings.last.calls
    assert len(calls) == 2 * (3 * 2 + 1)
    for name, option in calls:
        final = "final" in name
        splits = ("train+val", "test") if final else ("train", "val")
        loaders = ("train", "val", "test")
        found = [option[f"{part}_dataloader.dataset.split"] for part in loaders]
        assert found == [splits[0], splits[1], splits[1]]
        assert option["default_hooks.checkpoint.save_last"] == final
        assert option["max_iters"] == STEPS and option["batch_size"] == 4
        assert option["weights"] == "export" and option["amp"] and option["resume"]
    table = (tmp_path / "out/table.md").read_text()
    assert "| dtd | top1 | 0.01 | 0.01 | 90.00 | 85.00 |" in table
    assert "| mean of 2 |  |  |  |  | 85.00 |" in table
    assert table.endswith("Not on this disk: cars.\n")
    saved = json.loads((tmp_path / "out/results.json").read_text())
    assert saved == result and grid_table(saved) == table


def test_the_same_command_trains_nothing_again(make):
    first = make().run(sets("dtd"))
    again = make()
    assert again.run(sets("dtd")) == first
    assert Trainings.last.calls == []
    # A wider grid needs the new trainings only; an unfinished one is none.
    wider = make(weight_decays=(1e-5, 1e-4, 1e-3))
    (log,) = (wider.out / "dtd/lr0.001-wd0.01").rglob("scalars.json")
    log.write_text(json.dumps({"step": 3, "transfer/top1": 99.0}))
    # By the stand-in: it is trained again.
    with pytest.raises(UserError, match="is a file, where a folder is meant"):
        wider.run(sets("dtd"))
    assert [name for name, _ in Trainings.last.calls] == ["dtd lr0.001-wd0.01"]


def test_an_interrupted_training_goes_on(make):
    grid = make()
    with grid.work.growing(grid.out) as growing:
        growing.claim("dtd/")
        folder = grid.out / "dtd/lr0.001-wd0.01"
        folder.mkdir(parents=True)
        (folder / "iter_4.pth").touch()
        (folder.parent / "lr0.001-wd0.1").mkdir()
        (folder.parent / "lr0.001-wd0.1" / f"iter_{STEPS}.pth").touch()
    grid.run(sets("dtd"))
    resumed = {name: option["resume"] for name, option in Trainings.last.calls}
    # A training that ended before it was tested has nothing left to test it.
    assert not resumed.pop("dtd lr0.001-wd0.1") and all(resumed.values())
    # Networks that were only tried take no room.
    assert not [*folder.glob("*.pth")]


def test_other_settings_need_another_folder(make):
    make().run(sets("dtd"))
    with pytest.raises(UserError, match=r"not made from the same inputs \(options\)"):
        make(options={"batch_size": 4})
    make(options={"batch_size": 4}, overwrite=True).run(sets("dtd"))
    (make(options={"batch_size": 4}).out / "notes.txt").touch()
    with pytest.raises(UserError, match=r"holds 'notes.txt'"):
        make(options={"batch_size": 4}, overwrite=True)


def test_a_folder_of_version_0_1_goes_on(make):
    grid = make(options={"batch_size": 4}, amp=True)
    first = grid.run(sets("dtd"))
    old = dict(grid.work.inputs)
    old |= {"options": ["--amp", "batch_size=4"]}
    del old["amp"]
    (grid.out / "record.json").unlink()
    (grid.out / "settings.json").write_text(json.dumps(old))
    assert make(options={"batch_size": 4}, amp=True).run(sets("dtd")) == first
    assert Trainings.last.calls == []
    (grid.out / "record.json").unlink()
    with pytest.raises(UserError, match=r"not made from the same inputs \(amp\)"):
        make(options={"batch_size": 4})


def test_all_diverge(make):
    with pytest.raises(UserError, match="every training on dtd diverged"):
        make(learning_rates=(1.0,)).run(sets("dtd"))


def test_no_set_is_there(make):
    with pytest.raises(UserError, match=r"none of the sets is in .* Cars is not in"):
        make().run(sets("cars", "pets"))
