import pytest

from tests.test_tools._tools import failure_of, load_tool

_DEBUG = "configs/selfsup/simsiam/simsiam_resnet18-w8_1xb16-coslr-12i_debug-32px.py"


@pytest.fixture(scope="module")
def tool():
    return load_tool("benchmarks/memory_of_configs")


def test_a_missing_line_fails_the_check_alone(tool, capsys):
    assert tool.main([_DEBUG]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "no line" in line and line.endswith(_DEBUG.split("/")[-1][:-3])
    assert tool.main([_DEBUG, "--check"]) == 1


def test_bad_input(tool):
    assert "does not exist" in failure_of(tool, ["nowhere.py"])
    plain = "configs/_base_/models/mocov2.py"
    assert "for how many GPUs" in failure_of(tool, [plain])
