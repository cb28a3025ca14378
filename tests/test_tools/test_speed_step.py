import argparse

import pytest

from tests.test_tools._tools import failure_of, load_tool


@pytest.fixture(scope="module")
def tool():
    return load_tool("benchmarks/speed_step")


def test_report_has_the_step_its_parts_and_both_ratios(tool):
    options = {"config": None, "case": "small", "batch": 4, "size": 32}
    bench = tool.Bench(argparse.Namespace(**options, device="cpu", subnets=None))
    rounds, optimizers = tool.time_step(bench, 2), tool.time_optimizers(bench, 2)
    parts = [subnet.name for subnet in bench.subnets]
    assert len(rounds) == 2 and len(parts) == 3
    assert set(rounds[0]) == {"step", "shared", "optimizer", *parts}
    text = "\n".join(tool.report(bench, (115.0, 100.0), rounds, optimizers))
    assert "1.150   target 1.15" in text
    ratio = rounds[0]["step"] / sum(rounds[0][part] for part in list(rounds[0])[1:])
    assert 0.1 < ratio < 10
    for name in ("SafeSGD", "SafeLARS", *parts):
        assert name in text


def test_bad_input_is_answered_in_a_sentence(tool):
    simsiam = (
        "configs/selfsup/simsiam/simsiam_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
    )
    assert "trains no sub-nets" in failure_of(tool, [simsiam])
    assert "2 or more" in failure_of(tool, ["--repeats", "1"])
    assert "a config has its own" in failure_of(tool, [simsiam, "--size", "64"])
    assert "no such" in failure_of(tool, ["--device", "cuda:99"])
    assert "s9999" in failure_of(tool, ["--subnets", "s9999-w1.1.1.1-d1.1.1.1"])
