import pytest

from tests.test_tools._tools import load_tool

_SIMSIAM = "configs/selfsup/simsiam/simsiam_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
_MOCO = "configs/selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"


@pytest.fixture(scope="module")
def tool():
    return load_tool("benchmarks/count_step")


def test_table_has_a_row_a_config(tool, capsys):
    tool.main([_SIMSIAM, _MOCO, "--world-size", "8", "--batch-size", "4"])
    out = capsys.readouterr().out.splitlines()
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ") for line in out[2:4]}
    assert set(rows) == {"SimSiam", "MoCo"}
    assert rows["SimSiam"][2:4] == ["0", "0"]  # waits, collectives
    assert rows["MoCo"][2:4] == ["0", "3"]
    assert all(int(cells[1].replace(",", "")) > 100 for cells in rows.values())
    assert len(out) == 4  # no place in which the host waits
