"""The study of searches in large pools: each step says what it took, and joins up."""

import json

import pytest

from tests.test_tools._tools import load_tool

pytest.importorskip("faiss")
SMALL = ["--rows", "3000", "--dim", "16", "--queries", "8", "--k", "5", "10"]
SMALL += ["--probes", "1", "--memory", "100MiB"]


@pytest.fixture
def tool(monkeypatch):
    tool = load_tool("benchmarks/speed_approximate")
    monkeypatch.setattr(tool.torch, "set_num_threads", lambda _: None)
    import faiss

    monkeypatch.setattr(faiss, "omp_set_num_threads", lambda _: None)
    return tool


def test_steps_follow_each_other_and_recall_rises(tool, tmp_path, monkeypatch, capsys):
    def here(step, argv):
        tool.main([*argv, "--step", step])
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    monkeypatch.setattr(tool, "_apart", here)
    out = tmp_path / "found.json"
    tool.main([*SMALL, "--work", str(tmp_path / "work"), "--json", str(out)])
    told = json.loads(out.read_text())
    assert told["make"]["bytes"] > 3000 * 16 * 2 and told["rows"] == 3000
    assert [one["k"] for one in told["exact"]["searches"]] == [5, 10]
    assert all(one["passes"] == 1 for one in told["exact"]["searches"])
    assert told["build"]["lists"] > 10 and told["build"]["index_bytes"] > 3000 * 4
    few, usual = told["search"]["searches"][:2]
    assert (few["probes"], usual["probes"]) == (1, None)
    assert 0 < few["recall"] <= usual["recall"] and usual["recall"] > 0.9
    assert all(told[s]["mib_peak"] >= told[s]["mib_before"] for s in ("exact", "build"))
    assert "work" not in told


def test_pools_are_drawn_the_same_and_clustered(tool):
    import numpy as np

    one, two = (tool.Drawn(6000, 32, 3).rows(500, 3, 1, 0) for _ in range(2))
    assert np.array_equal(one, two) and one.dtype == np.float16
    rows = one.astype(np.float32)
    alike = rows @ rows.T
    np.fill_diagonal(alike, -1)
    assert np.median(alike.max(1)) > np.median(alike) + 0.2
