import pytest

from tests.test_tools._tools import failure_of, load_tool

_CONFIG = "selfsup/simsiam/simsiam_resnet18-w8_1xb16-coslr-12i_debug-32px.py"


@pytest.fixture
def tool(monkeypatch):
    tool = load_tool("benchmarks/speed_convolutions")
    monkeypatch.setattr(tool.torch, "set_num_threads", lambda _: None)
    return tool


def test_both_ways_agree_and_are_timed(tool, capsys, monkeypatch):
    monkeypatch.setattr(tool, "SHAPES", ((4, 8, 3, 2, 4),))
    tool.main(["--batch", "2", "--rounds", "2"])
    *_, line = capsys.readouterr().out.splitlines()
    *names, library, taps, ratio, error = (
        cell.strip() for cell in line.strip("|").split("|")
    )
    assert names == ["4 to 8", "3x3", "2", "4x4"]
    assert min(float(library), float(taps)) >= 0 and float(ratio) > 0
    assert float(error) < 1e-4


def test_steps_in_three_ways(tool, capsys):
    tool.main(["--batch", "4", "--rounds", "2", "--config", _CONFIG])
    lines = [x for x in capsys.readouterr().out.splitlines() if x.startswith("|")]
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        "contiguous",
        "channels-last",
        "channels-last, by taps",
    ]
    assert "1.00 [1.00, 1.00]" in lines[2]


def test_a_spread_takes_two_rounds(tool):
    assert "--rounds 2, for a spread" in failure_of(tool, ["--rounds", "1"])
