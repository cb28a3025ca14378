"""A resumed training says what it does otherwise than it began."""

import logging

import pytest

from mmtaskssl.apis import pretrain
from mmtaskssl.engine.changed_config import say_changes
from tests.test_engine._runs import debug_config


@pytest.fixture
def warnings(monkeypatch):
    found = []
    monkeypatch.setattr(
        "mmtaskssl.engine.changed_config.print_log",
        lambda text, logger, level: found.append((text, level)),
    )
    return found


def test_settings_that_differ_are_named(warnings):
    before = "a = dict(b=1, c=[dict(d=1), 2], num_workers=2)\nwork_dir = 'x'\n"
    say_changes(before, "a = dict(b=1, c=[dict(d=1), 2])\nwork_dir = 'y'\n", "p")
    say_changes("a = 'https://h/x?sig=1'\n", "a = 'https://h/x?sig=2'\n", "p")
    say_changes(None, "a = 1\n", "p")
    say_changes("a = f(1)\n", "a = 1\n", "p")
    assert not warnings
    say_changes(before, "a = dict(b=2, c=[dict(d=3), 2])\ne = 'x'\n", "p.pth")
    ((text, level),) = warnings
    assert level == logging.WARNING
    assert text == (
        "p.pth was trained with other settings than it goes on with: a.b (1, now 2), "
        "a.c.0.d (1, now 3), e (absent, now x)"
    )
    many = "".join(f"k{i} = '{'x' * 99}'\n" for i in range(7))
    say_changes("", many, "p")
    assert warnings[-1][0].endswith(" and 2 more") and "x" * 38 not in warnings[-1][0]


def test_a_training_that_goes_on_says_so(tmp_path, warnings):
    config = debug_config("simsiam", tmp_path)
    pretrain(config, iters=1, work_dir=tmp_path / "a")
    pretrain(config, iters=1, work_dir=tmp_path / "a", resume=True)
    assert not warnings
    options = {"optim_wrapper.optimizer.lr": 0.5}
    pretrain(config, iters=1, work_dir=tmp_path / "a", resume=True, cfg_options=options)
    ((text, _),) = warnings
    assert "iter_1.pth was trained with other settings" in text
    assert "optim_wrapper.optimizer.lr (" in text and ", now 0.5)" in text
    assert text.count(" now ") == 1
