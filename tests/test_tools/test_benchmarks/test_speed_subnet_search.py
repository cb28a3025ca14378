import re

from tests._images import make_image_folder
from tests.test_tools._tools import failure_of, load_tool


def test_report_compares_equal_scores_and_splits_the_time(tmp_path, capsys):
    tool = load_tool("benchmarks/speed_subnet_search")
    images = str(make_image_folder(tmp_path, 16, classes=(), size=32))
    small = ["--image-size", "32", "--candidates", "3", "--loop-candidates", "2"]
    tool.main(["--images", images, *small])
    text = capsys.readouterr().out
    rates = dict(re.findall(r"^(\S.*?) +\d+\.\d+ +\d+\.\d+ +(\d+\.\d+)x$", text, re.M))
    assert list(rates) == [
        "ours",
        "one-pass loop",
        "two-pass loop",
        "floor: forward",
        "floor: BN + forward",
    ]
    parts = [float(x) for x in re.findall(r"(-?\d+\.\d)%", text)]
    assert len(parts) == 6 and 90 < sum(parts) < 101
    gap = re.search(r"to the one-pass loop's: (\S+)", text)
    assert float(gap[1]) < 1e-5
    assert "go together" in failure_of(tool, ["--images", images, "--config", "x.py"])
