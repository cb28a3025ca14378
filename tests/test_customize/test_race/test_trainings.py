"""The commands of trainings."""

from types import SimpleNamespace

import pytest
from mmengine.config import Config

from mmtaskssl.customize.race.launched import ScriptedSteps
from mmtaskssl.customize.race.trainings import Training, Trainings
from mmtaskssl.utils.steps import Steps


class _Arm:
    name, shared, of_pool = "scratch", False, False

    def train_images(self, case):
        return SimpleNamespace(count=case.images)

    def config(self, case, iters):
        return Config({"train_dataloader": {"batch_size": 128}, "max_iters": iters})


class _Case(SimpleNamespace):
    __hash__ = object.__hash__
    __eq__ = object.__eq__


@pytest.mark.parametrize(
    ("launcher", "jobs", "images", "said"),
    [
        ("none", {}, 100, None),  # the config itself knows of one process
        ("pytorch", {"GPUS": "2"}, 256, None),
        ("pytorch", {"GPUS": "2"}, 255, "batch_size=127"),
        ("pytorch", {"GPUS": "8"}, 1000, "batch_size=125"),
        ("slurm", {"PARTITION": "x"}, 1000, "batch_size=125"),
        ("slurm", {"PARTITION": "x", "GPUS": "4"}, 1000, None),
    ],
)
def test_processes_take_no_more_images_than_there_are(
    launcher, jobs, images, said, tmp_path, monkeypatch
):
    monkeypatch.delenv("GPUS", raising=False)
    steps = (
        Steps(tmp_path, print)
        if launcher == "none"
        else ScriptedSteps(tmp_path, print, launcher, jobs)
    )
    case = _Case(images=images, budget="")
    training = Training(_Arm(), case, 12, 0)
    line = Trainings(tmp_path, steps).arguments(training)
    assert line[0] == "pretrain" and "--resume" in line
    assert line[-2:] == ["--cfg-options", said] if said else line[-1] == "--resume"
