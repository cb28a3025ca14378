from pathlib import Path

import pytest

from mmtaskssl.cli.verbs import commands
from mmtaskssl.config import load_config
from mmtaskssl.evaluation.published import PUBLISHED
from mmtaskssl.evaluation.transfer_probes import PROTOCOLS

_ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("protocol", PUBLISHED.values(), ids=PUBLISHED)
def test_what_runs_a_protocol_is_there_and_it_has_a_source(protocol):
    program, command, *_ = protocol.run.split()
    assert program == "mmtaskssl" and command in commands()
    for word in protocol.run.split():
        if word.endswith(".py"):
            assert (_ROOT / word).is_file()
    assert bool(protocol.source) == bool(protocol.paper)
    assert protocol.paper or protocol.ours
    lines = protocol.describe().splitlines()
    assert lines[0].startswith(protocol.name) and max(map(len, lines)) <= 100


def test_the_tables_that_people_compare_with_have_each_their_own():
    assert {"moco-linear", "byol-linear", "voc07-svm", "few-shot-svm"} <= set(PUBLISHED)
    texts = [protocol.paper for protocol in PUBLISHED.values()]
    assert len(set(texts)) == len(texts)
    assert set(PROTOCOLS.values()) <= set(PUBLISHED)


def test_configs_follow_their_protocol():
    folder = _ROOT / "configs/transfer/classification"
    moco, byol = (
        load_config(str(folder / f"{name}_in1k.py"))
        for name in (
            "linear-probe_resnet50_8xb32-steplr-100e",
            "linear-probe-byol_resnet50_8xb128-coslr-80e",
        )
    )
    assert moco.optim_wrapper.optimizer.lr == 30 and moco.train_cfg.max_epochs == 100
    assert moco.param_scheduler[0].milestones == [60, 80]
    optimizer = byol.optim_wrapper.optimizer
    assert optimizer.nesterov and optimizer.weight_decay == 0
    assert optimizer.lr == pytest.approx(0.2 * 1024 / 256)
    assert byol.train_cfg.max_epochs == byol.param_scheduler[0].T_max == 80
    assert 8 * byol.train_dataloader.batch_size == 1024
