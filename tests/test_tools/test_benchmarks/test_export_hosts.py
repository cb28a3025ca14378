"""The script that trains exported sub-nets in mmdet and mmseg."""

import pytest

from tests.test_tools._tools import failure_of, load_tool


@pytest.fixture(scope="module")
def tool():
    return load_tool("benchmarks/export_hosts")


@pytest.mark.data
def test_table_has_a_loaded_and_trained_network(tool, data_root, capsys):
    pytest.importorskip("mmdet")
    options = ["--kinds", "mobilenet-calibrated", "--hosts", "mmseg FCN"]
    tool.main(["--data", str(data_root), *options, "--iterations", "2"])
    row = capsys.readouterr().out.splitlines()[-1].strip("| ").split(" | ")
    kind, subnet, host, backbone, loaded, first, last = row
    assert kind == "mobilenet-calibrated" and subnet.endswith("-m0.5`")
    assert backbone == "mmtaskssl.SubnetMobileNetV3" and host == "mmseg FCN"
    equal, total = loaded.split("/")
    assert equal == total and int(total) > 200
    # Two heads, 11 classes, weights 1 and 0.4: 1.4 ln 11 where nothing is learned.
    assert 2.5 < float(first) < 4.5 and 0 < float(last) < 4.5


def test_bad_input_is_answered_in_a_sentence(tool, tmp_path, monkeypatch):
    monkeypatch.delenv("MMTASKSSL_DATA", raising=False)
    assert "lacks the folder" in failure_of(tool, ["--data", str(tmp_path)])
    assert "1 or more" in failure_of(tool, ["--iterations", "0"])
