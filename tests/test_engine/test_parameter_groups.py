import logging

import pytest
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from torch import nn

from mmtaskssl.engine.parameter_groups import groups_of, unmatched, without_lines

_PARAMWISE = {"custom_keys": {"backbone": {"lr_mult": 0.2}, "bakbone": {"lr_mult": 0}}}


class _Lines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


@pytest.fixture
def model():
    model = nn.ModuleDict({"backbone": nn.Linear(2, 2), "head": nn.Linear(2, 1)})
    model["teacher"] = nn.Linear(2, 1).requires_grad_(False)
    return model


def _build(model, level):
    logger = MMLogger.get_instance("groups")
    lines = _Lines()
    logger.addHandler(lines)
    before = logger.level
    logger.setLevel(level)
    try:
        with without_lines():
            wrapper = build_optim_wrapper(
                model,
                {
                    "optimizer": {"type": "SGD", "lr": 0.1, "weight_decay": 0.01},
                    "paramwise_cfg": _PARAMWISE,
                },
            )
        logger.info("paramwise_options -- of another time")
    finally:
        logger.removeHandler(lines)
        logger.setLevel(before)
    return wrapper, lines.texts


def test_a_line_a_group_in_place_of_a_line_a_parameter(model):
    wrapper, lines = _build(model, "INFO")
    assert lines == ["paramwise_options -- of another time"]
    assert groups_of(model, wrapper) == [
        "optimizer: lr 0.02, weight_decay 0.01: 2 parameters, such as backbone.weight",
        "optimizer: lr 0.1, weight_decay 0.01: 2 parameters, such as head.weight",
        "optimizer: not trained: 2 parameters",
    ]


def test_debug_shows_every_parameter(model):
    _, lines = _build(model, "DEBUG")
    assert sum("teacher" in line for line in lines) == 2
    assert any("backbone.weight:lr=0.02" in line for line in lines)


def test_a_key_of_no_parameter_is_said(model):
    (line,) = unmatched(model, _PARAMWISE)
    assert "'bakbone'" in line and "did you mean 'backbone'?" in line
