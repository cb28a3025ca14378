from pathlib import Path

import pytest
import torch

from mmtaskssl.config import load_config
from mmtaskssl.engine.run import train
from mmtaskssl.utils.errors import UserError
from tests.test_engine._runs import ALGORITHMS, debug_config

_ROOT = Path(__file__).resolve().parents[2] / "configs"
_ELASTIC = [
    path
    for method in ("data", "dspnet", "sdr")
    for path in sorted((_ROOT / method).glob("*debug*.py"))
]


_SEEN = []


@torch._dynamo.register_backend(name="counting")
def _counting(module, inputs):
    """Runs a graph as it is."""
    _SEEN.append(module)
    return module.forward


@pytest.fixture
def fresh_compiler():
    _SEEN.clear()
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_compiled_training_is_the_same(algorithm, tmp_path, fresh_compiler):
    states = []
    for name, compile_cfg in (("eager", None), ("compiled", {"backend": "counting"})):
        cfg = debug_config(algorithm, tmp_path / name, max_iters=3)
        if compile_cfg:
            cfg.compile = compile_cfg
        train(cfg)
        file = tmp_path / name / "iter_3.pth"
        states.append(torch.load(file, weights_only=False)["state_dict"])
    assert _SEEN  # the backbone really went through it
    assert states[0].keys() == states[1].keys()
    for key, value in states[0].items():
        torch.testing.assert_close(states[1][key], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("path", _ELASTIC, ids=lambda p: p.stem)
def test_sub_nets_are_refused(path, tmp_path):
    cfg = load_config(str(path), {"compile": True, "experiment_name": path.stem})
    cfg.work_dir, cfg.launcher, cfg.log_level = str(tmp_path), "none", "ERROR"
    with pytest.raises(UserError, match=f"with {cfg.model.type}: every sub-net"):
        train(cfg)
    assert not list(tmp_path.glob("*.pth"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("fast", "compile is True or"),
        ({"backend": "toaster"}, "compile.backend is one of .*inductor"),
        ({"speed": 3}, "is refused: .*speed"),
    ],
)
def test_bad_values_are_named(value, message, tmp_path):
    cfg = debug_config("simsiam", tmp_path)
    cfg.compile = value
    with pytest.raises(UserError, match=message):
        train(cfg)
