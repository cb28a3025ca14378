import json

import numpy as np

from mmtaskssl.features.store import FeatureStore
from tests.test_tools._tools import failure_of, load_tool

SMALL = ["--rows", "2500", "--dim", "64", "--planted", "50"]


def test_copies_lie_as_near_as_is_said_and_no_other_row(tmp_path):
    tool = load_tool("benchmarks/speed_duplicates")
    tool.plant(tool.parse_args(SMALL), tmp_path / "store")
    store = FeatureStore.open(tmp_path / "store")
    rows, ids = store.read(), store.image_ids
    alike = np.triu(rows @ rows.T, 1)
    found = {(ids[a], ids[b]) for a, b in np.argwhere(alike > 0.98).tolist()}
    assert len(found) == 50 and alike[alike <= 0.98].max() > 0.8
    for pair in found:
        one, other = sorted(pair, key=len)
        assert other == f"copy-of-{one}"


def test_the_verb_finds_them_and_the_store_goes(tmp_path, capsys):
    tool = load_tool("benchmarks/speed_duplicates")
    (tmp_path / "in").mkdir()
    file = tmp_path / "found.json"
    tool.main([*SMALL, "--out", str(tmp_path / "in"), "--json", str(file)])
    told = json.loads(file.read_text())
    assert told["found"] == 1 and told["other pairs"] == 0 and told["rows"] == 2500
    assert told["cpu seconds"] > 0 and told["peak GiB"] > 0.1
    assert not [*(tmp_path / "in").iterdir()]
    assert "found         1.0" in capsys.readouterr().out
    assert "at most half" in failure_of(tool, ["--rows", "10", "--planted", "6"])


def test_pairs_of_others_count_as_such(tmp_path):
    tool = load_tool("benchmarks/speed_duplicates")
    lines = ["image,stays,kept,match", "a,yes,a,copy-of-a", "copy-of-a,no,a,a"]
    lines += ["b,yes,b,c", "c,no,b,b"]
    (tmp_path / "duplicates.csv").write_text("\n".join(lines) + "\n")
    told = tool.judge(tmp_path, 2)
    assert told == {"found": 0.5, "other pairs": 1, "others": 0.5}
