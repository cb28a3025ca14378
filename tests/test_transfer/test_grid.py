"""The choice of learning rate and weight decay; trainings are made up."""

import json
import math

import pytest

from mmtaskssl.datasets.transfer_sets import TransferSet
from mmtaskssl.transfer import grid as module
from mmtaskssl.transfer.grid import FineTuneGrid, grid_table
from mmtaskssl.utils.errors import UserError
from tests._public_sets import make_public_sets

STEPS = 7


class Trainings:
    """Stands for `Steps`: a training's score is a function of its settings."""

    def __init__(self, log_dir, log):
        self.calls = []
        Trainings.last = self

    def run(self, name, done, tool, config, flag, folder, *extra, options):
        if done():
            return
        option = dict(text.split("=", 1) for text in options)
        self.calls.append((name, option))
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


@pytest.fixture
def make(tmp_path, resnet_export, monkeypatch):
    monkeypatch.setattr(module, "Steps", Trainings)
    make_public_sets(tmp_path / "data", ("aircraft", "dtd"))

    def build(**options):
        settings = {"learning_rates": (1e-3, 1e-2, 1.0), "weight_decays": (1e-5, 1e-4)}
        return FineTuneGrid(
            resnet_export,
            *(True, "config.py", tmp_path / "data", tmp_path / "out", STEPS),
            **{**settings, **options},
        )

    return build


def sets(*names):
    return [TransferSet.read(name) for name in names]


def test_the_best_on_validation_images_is_trained_on_both(make, tmp_path):
    grid = make(options=["batch_size=4"], extra=["--amp"])
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
        assert option["default_hooks.checkpoint.save_last"] == str(final)
        assert option["max_iters"] == str(STEPS) and option["batch_size"] == "4"
        assert option["weights"] == "export"
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
    with pytest.raises(FileExistsError):  # by the stand-in: it is trained again
        wider.run(sets("dtd"))
    assert [name for name, _ in Trainings.last.calls] == ["dtd lr0.001-wd0.01"]


def test_other_settings_need_another_folder(make):
    make()
    with pytest.raises(UserError, match="holds trainings of other settings"):
        make(options=["batch_size=4"])


def test_all_diverge(make):
    with pytest.raises(UserError, match="every training on dtd diverged"):
        make(learning_rates=(1.0,)).run(sets("dtd"))


def test_no_set_is_there(make):
    with pytest.raises(UserError, match=r"none of the sets is in .* Cars is not in"):
        make().run(sets("cars", "pets"))
