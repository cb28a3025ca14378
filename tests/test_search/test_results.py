import json

import pytest

from mmtaskssl.search import output
from mmtaskssl.search.results import ResultsFile
from mmtaskssl.utils.errors import UserError

IDENTITY = {"checkpoint": "a.pth", "checkpoint_sha256": "1234", "bn_images": 16}


def _row(name, metric="global", value=0.5):
    return {"subnet": name, "metric": metric, "similarity": value}


def _opened(path, **changes):
    results = ResultsFile(path, {**IDENTITY, **changes})
    results.prepare()
    return results


def test_rows_come_back(tmp_path):
    path = tmp_path / "results.jsonl"
    results = _opened(path)
    assert results.rows() == {}
    results.append([_row("a"), _row("a", "dense")])
    results.append([_row("b")])
    rows = _opened(path).rows()
    assert list(rows) == [("a", "global"), ("a", "dense"), ("b", "global")]
    assert rows["b", "global"] == _row("b")


@pytest.mark.parametrize("torn", ['{"subnet": "c", "met', '{"subnet": "c"}', "\0\0\n"])
def test_a_line_that_a_kill_cut_off_is_dropped(tmp_path, torn):
    path = tmp_path / "results.jsonl"
    _opened(path).append([_row("a")])
    with open(path, "a") as file:
        file.write(torn)
    results = _opened(path)
    results.append([_row("b")])
    assert [name for name, _ in results.rows()] == ["a", "b"]
    assert all(json.loads(line) for line in path.read_text().splitlines())


@pytest.mark.parametrize(
    "damage",
    [
        {"similarity": "0.5"},
        {"similarity": float("nan")},
        {"similarity": 0.7},
        {"ci": [0.4]},
        {"ci": [0.6, 0.4]},
        {"macs": None},
        {"params": -1},
        {"subnet": 1},
        {"draws": 0.5},
        {"draws": [0.5, None]},
    ],
    ids=str,
)
def test_a_line_that_is_no_score_is_left_out(tmp_path, damage):
    path = tmp_path / "results.jsonl"
    whole = {**_row("a"), "ci": [0.4, 0.6], "macs": 5, "params": 6}
    _opened(path).append([whole, {**whole, "subnet": "b", **damage}])
    assert _opened(path).rows() == {("a", "global"): whole}


def test_parts_of_processes_are_merged_once(tmp_path):
    path = tmp_path / "results.jsonl"
    results = _opened(path)
    results.append([_row("a")])
    results.append([_row("z")], rank=10)
    results.append([_row("c")], rank=1)
    results.append([_row("b"), _row("a", value=0.9)], rank=0)
    results.merge()
    rows = results.rows()
    assert [name for name, _ in rows] == ["a", "b", "c", "z"]
    assert rows["a", "global"]["similarity"] == 0.5
    assert [file.name for file in tmp_path.iterdir()] == ["results.jsonl"]
    # those of a run that was killed are found by the next
    results.append([_row("d")], rank=3)
    assert ("d", "global") in _opened(path).rows()


def test_results_of_something_else_are_refused(tmp_path):
    path = tmp_path / "results.jsonl"
    _opened(path)
    _opened(path, checkpoint="renamed.pth")
    for text in ("", "[]\n", '{"format": "other"}\n', "\x00\xff"):
        path.write_text(text)
        with pytest.raises(UserError, match="not a file of search results"):
            _opened(path)
    path.write_text('{"format": "mmtaskssl search 2"}\n')
    with pytest.raises(UserError, match="update mmtaskssl"):
        _opened(path)


def test_scores_of_something_else_are_refused(tmp_path):
    def opened(**changes):
        identity = {**IDENTITY, **changes}
        return output.opened(identity, tmp_path / "out", overwrite=False, asked={})

    with opened() as (file, growing):
        file.append([_row("a")])
        growing.finish()
    with opened(checkpoint="renamed.pth") as (file, _):
        assert list(file.rows()) == [("a", "global")]
    for changes, words in (
        ({"checkpoint_sha256": "4321"}, r"\(checkpoint_sha256\)"),
        ({"bn_images": 32, "teacher": 1}, r"\(bn_images, teacher\)"),
    ):
        with pytest.raises(UserError, match=words), opened(**changes):
            pass
