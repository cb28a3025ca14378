import pytest
from mmengine.config import Config

from mmtaskssl.engine import rescale
from mmtaskssl.engine.rescale import Batch
from mmtaskssl.engine.run import train
from mmtaskssl.engine.step_line import step_line
from tests.test_engine._runs import debug_config


@pytest.mark.parametrize(
    ("scaling", "rate"),
    [
        (None, "is the config's, however many images there are"),
        ({"base_batch_size": 64}, "is the config's, for 64 images: `auto_scale_lr`"),
        ({"base_batch_size": 512}, "is for 512 images"),
        ({"base_batch_size": 64, "enable": True}, "is scaled from one for 64 images"),
    ],
)
def test_it_says_what_all_processes_take_and_whether_the_rate_follows(scaling, rate):
    said = step_line(Batch(8, 64), Config({"auto_scale_lr": scaling}))
    assert said.startswith("a step takes 512 images in all, 8 process(es) of 64 images")
    assert f"the learning rate {rate}" in said
    several = step_line(Batch(2, 16, 4), Config({}))
    assert several.startswith("a step takes 128 images in all, 2 process(es) of 16")
    assert "accumulated 4 times" in several


def test_a_launched_training_says_it_once(tmp_path, monkeypatch):
    for name, ranks in (("two", 2), ("one", 1)):
        monkeypatch.setattr(rescale, "get_world_size", lambda ranks=ranks: ranks)
        cfg = debug_config("simsiam", tmp_path / name, train_cfg__max_iters=1)
        cfg.log_level, cfg.launcher = "INFO", "none"
        size = cfg.train_dataloader.batch_size
        train(cfg)
        (log,) = (tmp_path / name).rglob("*.log")
        line = f"a step takes {2 * size} images in all"
        assert log.read_text().count(line) == ranks - 1
        assert log.read_text().count("a step takes") == ranks - 1
