import contextlib
import json
import shutil
from functools import partial

import pytest
import torch

from mmtaskssl.apis import search
from mmtaskssl.features.distributed import init_ranks
from mmtaskssl.search.latency import LatencyBook
from mmtaskssl.search.opening import open_search
from mmtaskssl.search.options import SearchOptions
from mmtaskssl.search.result import SearchResult
from mmtaskssl.search.scorer import Scorer
from mmtaskssl.search.search import result_of
from mmtaskssl.subnets import cost
from mmtaskssl.utils.budgets import Budget
from mmtaskssl.utils.errors import UserError

from .._gloo import in_two_processes
from ._files import CONFIG, MIDDLE, write_files

BOTH = {"metrics": ("global", "dense"), "bn_images": 16, "shape": (16, 16)}
OPTIONS = SearchOptions(**BOTH)
BAND = Budget.parse("400K-600K")
NARROW = Budget.parse("500K-1M")


def _opened(stack, files, out):
    """Opens a search in a folder; the stack closes it."""
    return stack.enter_context(open_search(files[:2], files[2], OPTIONS, out))[0]


@pytest.fixture
def stack():
    with contextlib.ExitStack() as stack:
        yield stack


def _rows(files, subnets, out=None, **options):
    """Scores sub-nets; returns the rows in their order."""
    found = search(files[:2], files[2], subnets=subnets, folder=out, **BOTH | options)
    space = {name: subnet for subnet, name in found.anchors.items()}
    rows = {(row["subnet"], row["metric"]): row for row in found.rows}
    names = [space.get(subnet, subnet) for subnet in subnets]
    return [rows[name, metric] for name in names for metric in found.metrics]


def _ranked(session, budget, metric):
    return result_of(session, [], {}).ranked(budget, metric)


def _lines(out):
    return (out / "results.jsonl").read_text().splitlines()


def test_rows_say_what_was_found(files, tmp_path, encoders):
    rows = _rows(files, [MIDDLE, "HAND"], tmp_path)
    assert [(r["subnet"], r["metric"]) for r in rows] == [
        (name, metric)
        for name in (MIDDLE, "s8-w4.8.16-d1.1.1")
        for metric in OPTIONS.metrics
    ]
    space = encoders.student.backbone.space
    price = cost(space.arch, space.resolve(MIDDLE), 16, strides=(1, 2, 2))
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
    files, tmp_path, monkeypatch, strategy, stack
):
    whole = _opened(stack, files, tmp_path / "whole")
    whole.run(BAND, strategy, 10, seed=3)
    first = contextlib.ExitStack()
    killed = _opened(first, files, tmp_path / "killed")
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
    with pytest.raises(UserError, match="another process is writing"):
        _opened(stack, files, tmp_path / "killed")
    first.close()  # as the system does for a process that dies
    resumed = _opened(stack, files, tmp_path / "killed")
    scored = []
    score = resumed.scorer.score
    monkeypatch.setattr(
        resumed.scorer, "score", lambda todo: scored.extend(todo) or score(todo)
    )
    resumed.run(BAND, strategy, 10, seed=3)
    assert len(scored) == 10 - 3
    for metric in OPTIONS.metrics:
        assert _ranked(resumed, BAND, metric) == _ranked(whole, BAND, metric)


def test_ranking_of_several_budgets(files, tmp_path, stack):
    search = _opened(stack, files, tmp_path)
    search.run(BAND, "grid", None)
    first = len(_lines(tmp_path))
    search.run(NARROW, "random", 12)
    rows = _ranked(search, NARROW, "dense")
    assert len(rows) >= 12 and all(500_000 <= r["macs"] < 1_000_000 for r in rows)
    values = [row["similarity"] for row in rows]
    assert values == sorted(values, reverse=True)
    # Those in both bands were not scored again.
    names = [json.loads(line)["subnet"] for line in _lines(tmp_path)[first:]]
    assert all(search.rows[name, "global"]["macs"] >= 600_000 for name in names)
    assert len(_ranked(search, None, "global")) == (len(_lines(tmp_path)) - 1) // 2


def test_a_further_metric_is_added(files, tmp_path):
    (before,) = _rows(files, [MIDDLE], tmp_path, metrics=("dense",))
    rows = _rows(files, [MIDDLE], tmp_path, overwrite=True)
    assert rows[1] == before and len(_lines(tmp_path)) == 3


def test_budget_of_parameters(files):
    found = search(files[:2], files[2], "6K-8K:params", candidates=3, **BOTH)
    rows = found.ranked(*found.budgets)
    assert len(rows) == 3 and all(6000 <= r["params"] < 8000 for r in rows)


def test_budget_of_latency(files, tmp_path, monkeypatch, stack):
    monkeypatch.setattr(
        LatencyBook, "_measure", lambda self, s: measured.append(s) or sum(s.widths)
    )
    measured = []
    search = _opened(stack, files, tmp_path / "one")
    budget = Budget(20, 29, "latency")
    search.run(budget, "random", 4)
    rows = _ranked(search, budget, "global")
    assert len(rows) >= 4 and len(measured) == len(set(measured))
    assert all(20 <= search.clock.known[r["subnet"]] < 29 for r in rows)
    # Measurements end, and with them the candidates.
    search = _opened(stack, files, tmp_path / "other")
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
    (row, _) = _rows((config, str(path), images), ["MAX"])
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
    (row, _) = _rows(files, [MIDDLE])
    (turned, _) = _rows(byol, [MIDDLE])
    assert turned["similarity"] == pytest.approx(-row["similarity"], abs=1e-6)


def test_bad_input(files, tmp_path):
    config, checkpoint, images = files
    with open_search(files[:2], images, OPTIONS) as (session, place):
        assert place is None
        with pytest.raises(UserError, match=r"no candidate has 3-4 GMACs: .* 0.0009"):
            session.run(Budget.parse("3G-4G"))
        for arguments, words in (
            (("best", 4), "strategy must be"),
            (("random", None), "number of candidates"),
            (("random", 0), "at least one"),
        ):
            with pytest.raises(UserError, match=words):
                session.run(BAND, *arguments)
    with pytest.raises(UserError, match="does not fit into the space"):
        _rows(files, ["s16-w8.8.16-d1.1.2"])
    with pytest.raises(UserError, match="name `budgets`"):
        search(files[:2], images)
    with pytest.raises(UserError, match="side of an image in pixels, or"):
        search(files[:2], images, BAND, shape=(16, 0))
    _rows(files, ["MIN"], tmp_path / "out")
    other = write_files(tmp_path, seed=5, name="other.pth")[1]
    with pytest.raises(UserError, match=r"same inputs \(checkpoint_sha256\)"):
        _rows((config, other, images), ["MIN"], tmp_path / "out")
    with pytest.raises(UserError, match=r"same inputs \(bn_images\)"):
        _rows(files, ["MIN"], tmp_path / "out", bn_images=17)
    wider = tmp_path / "wider.py"
    wider.write_text(CONFIG.replace("(8, 16))", "(8, 24))"))
    with pytest.raises(UserError, match="another architecture"):
        _rows((wider, checkpoint, images), ["MIN"], tmp_path / "w")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no images"):
        _rows((config, checkpoint, tmp_path / "empty"), ["MIN"], tmp_path / "e")
    bare = tmp_path / "bare.py"
    bare.write_text(CONFIG.replace("neck=dict(", "other=dict("))
    with pytest.raises(UserError, match="`metrics` dense"):
        _rows((bare, checkpoint, images), ["MIN"])
    assert not (tmp_path / "w").exists() and not (tmp_path / "e").exists()


def test_results_of_the_first_version_are_gone_on_with(files, tmp_path):
    out = tmp_path / "out"
    _rows(files, [MIDDLE], out)
    before = _lines(out)
    for later in ("record.json", "search.json", "next.sh", "report.html"):
        (out / later).unlink()
    (out / "calibrated.pth").touch()  # what its commands made
    copy = tmp_path / "renamed.pth"
    shutil.copy(files[1], copy)
    _rows((files[0], copy, files[2]), ["MIN"], out)
    assert _lines(out)[: len(before)] == before
    assert len(_lines(out)) == len(before) + 2 and (out / "record.json").is_file()
    (out / "record.json").unlink()
    header = before[0].replace("search 1", "search 7")
    (out / "results.jsonl").write_text(header + "\n")
    with pytest.raises(UserError, match="no part of a search"):
        _rows(files, ["MIN"], out)


def test_what_is_no_search_is_not_replaced(files, tmp_path):
    out = tmp_path / "out"
    found = search(files[:2], files[2], subnets=["MIN"], **BOTH)
    found.save(out)
    other = search(files[:2], files[2], subnets=["MIN"], **BOTH | {"shape": 24})
    with pytest.raises(UserError, match=r"same inputs \(shape\)"):
        other.save(out)
    other.save(out, overwrite=True)
    assert '"shape": [24, 24]' in _lines(out)[0] and len(_lines(out)) == 3
    (out / "export").mkdir()
    (out / "export" / "weights.pth").write_text("dear to the user")
    with pytest.raises(UserError, match=r"export/weights.pth.*is not replaced"):
        found.save(out, overwrite=True)
    other.save(out, overwrite=True)  # nothing is replaced: it is the same search
    assert (out / "export" / "weights.pth").is_file()


def test_a_users_file_among_the_teachers_features_stays(files, tmp_path, monkeypatch):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("mmtaskssl.runs.work.Work._close", lambda *_: None)  # SIGKILL
        patch.setattr(Scorer, "score", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            _rows(files, ["MIN"], out)
    assert len([*(out / "teacher").iterdir()]) == 2
    (out / "teacher" / "mine.txt").write_text("mine")
    other = {"shape": 24, "overwrite": True}
    with pytest.raises(UserError, match=r"holds 'teacher/mine\.txt'"):
        _rows(files, ["MIN"], out, **other)
    (out / "teacher" / "mine.txt").unlink()
    _rows(files, ["MIN"], out, **other)
    assert len([*(out / "teacher").iterdir()]) == 2


@pytest.mark.parametrize("name", ["results.jsonl", "search.json"])
def test_a_finished_search_that_was_changed_is_told(files, tmp_path, name):
    _rows(files, ["MIN"], tmp_path)
    text = (tmp_path / name).read_text()
    (tmp_path / name).write_text(text.replace("-d1.1.1", "-d1.1.2"))
    assert (tmp_path / name).read_text() != text
    with pytest.raises(UserError, match=rf"{name} is not what was written"):
        SearchResult.open(tmp_path)
    with pytest.raises(UserError, match=rf"{name} was changed"):
        _rows(files, ["MIN"], tmp_path)


def _search_twice(files, out):
    with open_search(files[:2], files[2], OPTIONS, out) as (session, _):
        session.run(BAND, "evolution", 10, seed=3)
        session.run(NARROW, "grid", 5)
        return session.rows


def _search_as_a_rank(files, rank, folder):
    init_ranks("pytorch")
    on_disk = _search_twice(files, folder / "two")
    assert list(_search_twice(files, None).values()) == list(on_disk.values())
    return on_disk


def test_two_processes_find_what_one_finds(files, tmp_path):
    found = in_two_processes(partial(_search_as_a_rank, files), tmp_path)
    alone = _search_twice(files, tmp_path / "one")
    assert found == [alone, alone]
    assert _lines(tmp_path / "one") == _lines(tmp_path / "two")
