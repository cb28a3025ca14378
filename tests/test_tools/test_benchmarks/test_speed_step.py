import pytest

from harness.alone import (
    compare_alone,
    every_width,
    ideal_macs,
    report_alone,
)
from harness.bench import Bench, Setting
from harness.parts import report_parts, time_optimizers, time_step
from mmtaskssl.subnets import Subnet
from tests.test_tools._tools import failure_of, load_tool

_SLIMMABLE = (
    "configs/dspnet/dspnet-byol_slimmable-resnet18-w8_1xb16-coslr-12i_debug-32px.py"
)


@pytest.fixture(scope="module")
def tool():
    return load_tool("benchmarks/speed_step")


def test_report_has_the_step_its_parts_and_both_ratios():
    bench = Bench(Setting(batch=4, size=32))
    rounds, optimizers = time_step(bench, 2), time_optimizers(bench, 2)
    parts = [subnet.name for subnet in bench.subnets]
    assert len(rounds) == 2 and len(parts) == 3
    assert set(rounds[0]) == {"step", "shared", "optimizer", *parts}
    text = "\n".join(report_parts(bench, (115.0, 100.0), rounds, optimizers))
    assert "1.150   target 1.15" in text
    ratio = rounds[0]["step"] / sum(rounds[0][part] for part in list(rounds[0])[1:])
    assert 0.1 < ratio < 10
    for name in ("SafeSGD", "SafeLARS", *parts):
        assert name in text


def test_report_against_each_width_alone():
    setting = Setting(_SLIMMABLE, batch=4)
    names = [subnet.name for subnet in every_width(Bench(setting))]
    peaks = {"step": 30.0, **dict.fromkeys(names, 20.0)}
    found = compare_alone(setting, peaks, 2)
    assert [bench.model.__class__.__name__ for bench in found.alone.values()] == [
        "BYOL"
    ] * len(names)
    assert set(found.rounds[0]) == {"step", *names} and len(found.rounds) == 2
    lines = list(report_alone(found))
    assert "1.500" in lines[-1]
    assert sum("alone " in line for line in lines) >= len(names)


def test_ideal_is_the_one_of_the_four_widths():
    """ResNet-50 at 1, .75, .5 and .25: a step of all of them saves 12 %."""
    giga = [4.09, 2.32, 1.05, 0.28]
    nets = [Subnet(s, (s,), (1,)) for s in (8, 6, 4, 2)]
    macs = dict(zip(nets, giga, strict=True))
    step, alone = ideal_macs(macs, [nets], teacher=True)
    assert alone == pytest.approx(4 * sum(giga))
    assert step / alone == pytest.approx(0.88, abs=0.005)
    sandwich = [[nets[0], middle, nets[3]] for middle in nets[1:3]]
    step, _ = ideal_macs(macs, sandwich, teacher=True)
    assert step / alone == pytest.approx(0.72, abs=0.005)
    step, alone = ideal_macs(macs, [nets], teacher=False)  # nothing to share
    assert step == pytest.approx(alone)


def test_bad_input_is_answered_in_a_sentence(tool):
    simsiam = (
        "configs/selfsup/simsiam/simsiam_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
    )
    assert "trains no sub-nets" in failure_of(tool, [simsiam])
    assert "2 or more" in failure_of(tool, ["--repeats", "1"])
    assert "a config has its own" in failure_of(tool, [simsiam, "--size", "64"])
    assert "cannot be used" in failure_of(tool, ["--device", "cuda:99"])
    assert "needs a CONFIG" in failure_of(tool, ["--alone"])
    assert "s9999" in failure_of(tool, ["--subnets", "s9999-w1.1.1.1-d1.1.1.1"])
