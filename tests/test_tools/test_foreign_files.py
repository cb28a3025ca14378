"""A file that does not say whose it is is not replaced without a word."""

import pytest

from mmtaskssl.utils.errors import UserError
from tests.test_tools._tools import load_tool

_DSP = "dspnet/dspnet-byol_slimmable-resnet18-w8_1xb16-coslr-12i_debug-32px.py"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("get_flops", [_DSP, "--space-summary", "--plot"]),
        ("analysis_tools/compare_transfer", ["runs", "--plot"]),
        ("analysis_tools/compare_transfer", ["runs", "--out"]),
        ("model_converters/convert_names", ["--to", "timm", "weights.pth"]),
        ("test", [_DSP, "weights.pth", "--out"]),
    ],
)
def test_a_file_that_stands_there_is_kept(tool, arguments, tmp_path):
    precious = tmp_path / "photograph.pkl"
    precious.write_bytes(b"mine")
    with pytest.raises(UserError, match=r"photograph\.pkl exists.*--overwrite"):
        load_tool(tool).main([*arguments, str(precious)])
    assert precious.read_bytes() == b"mine"


def test_controls_are_written_once_and_kept(tmp_path, capsys):
    tool = load_tool("misc/individual_configs")
    tool.main([_DSP, str(tmp_path), "--subnets", "MIN"])
    (written,) = tmp_path.iterdir()
    text = written.read_text()
    tool.main([_DSP, str(tmp_path), "--subnets", "MIN"])  # the same: nothing to replace
    written.write_text("# mine")
    with pytest.raises(UserError, match=r"exists.*--overwrite"):
        tool.main([_DSP, str(tmp_path), "--subnets", "MIN"])
    tool.main([_DSP, str(tmp_path), "--subnets", "MIN", "--overwrite"])
    assert written.read_text() == text
