import json
from functools import partial

import pytest
import torch

from mmtaskssl.features.distributed import init_ranks
from mmtaskssl.search import Budget, SearchOptions, open_search, score_subnets
from mmtaskssl.search.latency import LatencyBook
from mmtaskssl.subnets import cost
from mmtaskssl.utils.errors import UserError

from .._gloo import in_two_processes
from ._files import CONFIG, MIDDLE, write_files

OPTIONS = SearchOptions(metrics=("global", "dense"), bn_images=16, shape=(16, 16))
BAND = Budget.parse("400K-600K")
NARROW = Budget.parse("500K-1M")


def _search(files, out, options=OPTIONS):
    return open_search(*files, out, options)


def _lines(out):
    return (out / "results.jsonl").read_text().splitlines()


def test_rows_say_what_was_found(files, tmp_path):
    rows = score_subnets(*files, [MIDDLE, "HAND"], tmp_path, OPTIONS)
    assert [(r["subnet"], r["metric"]) for r in rows] == [
        (name, metric)
        for name in (MIDDLE, "s8-w4.8.16-d1.1.1")
        for metric in OPTIONS.metrics
    ]
    search = _search(files, tmp_path)
    price = cost(search.space.arch, search.space.resolve(MIDDLE), 16, strides=(1, 2, 2))
    assert (rows[0]["macs"], rows[0]["params"]) == (price.macs, price.params)
    for row in rows:
        assert row["ci"][0] < row["similarity"] < row["ci"][1]
    assert [json.loads(line)["subnet"] for line in _lines(tmp_path)[1:]] == [
        "s8-w4.8.16-d1.1.1",
        "s8-w4.8.16-d1.1.1",
        MIDDLE,
        MIDDLE,
    ]


@pytest.mark.parametrize("strategy", ["random", "evolution", "grid"])
def test_a_killed_search_goes_on_without_scoring_twice(
    files, tmp_path, monkeypatch, strategy
):
    whole = _search(files, tmp_path / "whole")
    whole.run(BAND, strategy, 10, seed=3)
    killed = _search(files, tmp_path / "killed")
    append, calls = killed.results.append, []

    def die(rows, rank):
        calls.append(rows)
        if len(calls) == 4:
            raise KeyboardInterrupt
        append(rows, rank)

    monkeypatch.setattr(killed.results, "append", die)
    with pytest.raises(KeyboardInterrupt):
        killed.run(BAND, strategy, 10, seed=3)
    with open(tmp_path / "killed" / "results.jsonl", "a") as file:
        file.write('{"subnet": "s8-')
    assert len(_lines(tmp_path / "killed")) == 1 + 2 * 3 + 1
    resumed = _search(files, tmp_path / "killed")
    scored = []
    score = resumed.scorer.score
    monkeypatch.setattr(
        resumed.scorer, "score", lambda todo: scored.extend(todo) or score(todo)
    )
    resumed.run(BAND, strategy, 10, seed=3)
    assert len(scored) == 10 - 3
    for metric in OPTIONS.metrics:
        assert resumed.ranked(BAND, metric) == whole.ranked(BAND, metric)


def test_ranking_of_several_budgets(files, tmp_path):
    search = _search(files, tmp_path)
    search.run(BAND, "grid", None)
    first = len(_lines(tmp_path))
    search.run(NARROW, "random", 12)
    rows = search.ranked(NARROW, "dense")
    assert len(rows) >= 12 and all(500_000 <= r["macs"] < 1_000_000 for r in rows)
    values = [row["similarity"] for row in rows]
    assert values == sorted(values, reverse=True)
    # Those in both bands were not scored again.
    names = [json.loads(line)["subnet"] for line in _lines(tmp_path)[first:]]
    assert all(search.rows[name, "global"]["macs"] >= 600_000 for name in names)
    assert len(search.ranked(None, "global")) == (len(_lines(tmp_path)) - 1) // 2


def test_a_further_metric_is_added(files, tmp_path):
    first = SearchOptions(metrics=("dense",), bn_images=16, shape=(16, 16))
    (before,) = score_subnets(*files, [MIDDLE], tmp_path, first)
    rows = score_subnets(*files, [MIDDLE], tmp_path, OPTIONS)
    assert rows[1] == before and len(_lines(tmp_path)) == 3


def test_budget_of_parameters(files, tmp_path):
    search = _search(files, tmp_path)
    budget = Budget.parse("6K-8K:params")
    search.run(budget, "random", 3)
    rows = search.ranked(budget, "global")
    assert len(rows) == 3 and all(6000 <= r["params"] < 8000 for r in rows)


def test_budget_of_latency(files, tmp_path, monkeypatch):
    monkeypatch.setattr(
        LatencyBook, "_measure", lambda self, s: measured.append(s) or sum(s.widths)
    )
    measured = []
    search = _search(files, tmp_path)
    budget = Budget(20, 29, "latency")
    search.run(budget, "random", 4)
    rows = search.ranked(budget, "global")
    assert len(rows) >= 4 and len(measured) == len(set(measured))
    assert all(20 <= search.clock.known[r["subnet"]] < 29 for r in rows)
    # Measurements end, and with them the candidates.
    search = _search(files, tmp_path / "other")
    search.clock.left = 10
    measured.clear()
    search.run(budget, "grid", None)
    assert len(measured) == 10


def test_latencies_are_kept(encoders, tmp_path):
    path = tmp_path / "latency.jsonl"
    net = encoders.student.backbone
    book = LatencyBook(net, path, (16, 16), "cpu", limit=1)
    value = book(net.space.max)
    assert 0 < value < 10 and book(net.space.min) == float("inf")
    with open(path, "a") as file:
        file.write('{"subnet": "s8')
    assert LatencyBook(net, path, (16, 16), "cpu", limit=0)(net.space.max) == value
    assert LatencyBook(net, path, (8, 8), "cpu").known == {}


def test_teacher_without_an_average_is_the_trained_net(files, tmp_path):
    config, checkpoint, images = files
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    online = {k: v for k, v in state.items() if not k.startswith("encoder_k.")}
    path = tmp_path / "simsiam.pth"
    torch.save({"state_dict": online}, path)
    (row, _) = score_subnets(config, str(path), images, ["MAX"], tmp_path, OPTIONS)
    assert row["similarity"] == pytest.approx(1, abs=1e-6)


def test_predictor_maps_the_student_to_the_teacher(files, tmp_path):
    _, checkpoint, images = files
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    # byol's names; the predictor turns the sign of the embedding
    state = {k.replace("encoder_k.", "target_net."): v for k, v in state.items()}
    state |= {"head.predictor.layers.0.weight": -torch.eye(8)}
    torch.save({"state_dict": state}, tmp_path / "byol.pth")
    text = CONFIG.rstrip().removesuffix(")") + (
        ", head=dict(predictor=dict(type='mmtaskssl.ElasticNonLinearNeck',"
        " in_channels=8, hid_channels=8, out_channels=8, num_layers=1, norm=None,"
        " with_bias=False, with_avg_pool=False)))\n"
    )
    (tmp_path / "byol.py").write_text(text)
    byol = str(tmp_path / "byol.py"), str(tmp_path / "byol.pth"), images
    (row, _) = score_subnets(*files, [MIDDLE], tmp_path / "a", OPTIONS)
    (turned, _) = score_subnets(*byol, [MIDDLE], tmp_path / "b", OPTIONS)
    assert turned["similarity"] == pytest.approx(-row["similarity"], abs=1e-6)


def test_bad_input(files, tmp_path):
    config, checkpoint, images = files
    search = _search(files, tmp_path)
    with pytest.raises(UserError, match=r"no candidate has 3-4 GMACs: .* 0.0009"):
        search.run(Budget.parse("3G-4G"))
    for arguments, words in (
        (("best", 4), "strategy must be"),
        (("random", None), "number of candidates"),
        (("random", 0), "at least one"),
    ):
        with pytest.raises(UserError, match=words):
            search.run(BAND, *arguments)
    with pytest.raises(UserError, match="does not fit into the space"):
        score_subnets(*files, ["s16-w8.8.16-d1.1.2"], tmp_path, OPTIONS)
    other = write_files(tmp_path, seed=5, name="other.pth")[1]
    with pytest.raises(UserError, match=r"another checkpoint \(net.pth\)"):
        open_search(config, other, images, tmp_path, OPTIONS)
    wider = tmp_path / "wider.py"
    wider.write_text(CONFIG.replace("(8, 16))", "(8, 24))"))
    with pytest.raises(UserError, match="another architecture"):
        open_search(str(wider), checkpoint, images, tmp_path / "w", OPTIONS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no images"):
        open_search(config, checkpoint, str(tmp_path / "empty"), tmp_path, OPTIONS)
    bare = tmp_path / "bare.py"
    bare.write_text(CONFIG.replace("neck=dict(", "other=dict("))
    with pytest.raises(UserError, match="--metric dense"):
        open_search(str(bare), checkpoint, images, tmp_path / "b", OPTIONS)


def _search_twice(files, out):
    search = _search(files, out)
    search.run(BAND, "evolution", 10, seed=3)
    search.run(NARROW, "grid", 5)
    return search.rows


def _search_as_a_rank(files, rank, folder):
    init_ranks("pytorch")
    return _search_twice(files, folder / "two")


def test_two_processes_find_what_one_finds(files, tmp_path):
    found = in_two_processes(partial(_search_as_a_rank, files), tmp_path)
    alone = _search_twice(files, tmp_path / "one")
    assert found == [alone, alone]
    assert _lines(tmp_path / "one") == _lines(tmp_path / "two")
