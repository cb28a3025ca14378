"""What a search refuses, before it has taken anybody's time."""

import numpy as np
import pytest

from mmtaskssl.apis import extract, search
from mmtaskssl.search import opening
from mmtaskssl.search.latency import LatencyBook
from mmtaskssl.search.report import size_note
from mmtaskssl.search.scores import EffectiveRank
from mmtaskssl.utils.errors import UserError

from ._files import MIDDLE

SMALL = {"bn_images": 16, "shape": 16}


@pytest.fixture(scope="module")
def store(files):
    return extract((files[0], "random"), files[2], seed=3, workers=0)


def test_a_teacher_does_not_run_for_what_cannot_be(files, store, tmp_path, monkeypatch):
    out = tmp_path / "out"
    search(files[:2], files[2], "400K-600K", candidates=2, folder=out, **SMALL)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("mine")

    def run(*_, **__):
        raise AssertionError("it ran")

    monkeypatch.setattr(opening, "teacher_features", run)
    # Of scores that depend on something else nothing is promised.
    words = "keeps scores of the same checkpoint, images and options"
    for budget, folder, said in (
        ("3G-4G", None, "no candidate has 3-4 GMACs"),
        ("3M-4M:params", None, "no candidate has 3-4 M parameters"),
        ("400K-600K", out, f"ranks for other metrics.*{words}"),
        ("400K-600K", foreign, "thesis.txt"),
        ("400K-600K", foreign / "thesis.txt", "is a file"),
    ):
        with pytest.raises(UserError, match=said):
            search(files[:2], files[2], budget, teacher=store, folder=folder, **SMALL)
    assert [*foreign.iterdir()] == [foreign / "thesis.txt"]


def test_a_time_that_no_network_takes(files, monkeypatch):
    """The ends of the space are measured, however many measurements there are."""
    monkeypatch.setattr(LatencyBook, "_measure", lambda self, s: sum(s.widths) / 1e3)
    whole = LatencyBook.__init__

    def few(self, *arguments):
        whole(self, *arguments, limit=5)

    monkeypatch.setattr(LatencyBook, "__init__", few)
    with pytest.raises(UserError, match="goes from 20 to 36 ms"):
        search(files[:2], files[2], "1s-2s", **SMALL)


def test_measurements_that_are_used_up_are_told(encoders, said, monkeypatch):
    monkeypatch.setattr(LatencyBook, "_measure", lambda self, s: 1.0)
    book = LatencyBook(encoders.student.backbone, None, (16, 16), "cpu", limit=60)
    members = [encoders.student.backbone.space[i] for i in range(64)]
    times = [book(subnet) for subnet in members]
    assert times == [1.0] * 60 + [float("inf")] * 4
    assert said.text.count("timed 50 sub-nets") == 1
    assert said.text.count("60 sub-nets were timed, and no more are") == 1


def test_a_budget_that_is_named_twice_is_one(files):
    found = search(
        *(files[:2], files[2], ["400K-600K", "0.4M-0.6M"]), candidates=2, **SMALL
    )
    assert len(found.budgets) == len(found.rankings()) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_score_that_is_no_number_is_no_score(files, tmp_path, monkeypatch, value):
    monkeypatch.setattr(EffectiveRank, "__call__", lambda *_: value)
    with pytest.raises(UserError, match=f"the rank score of {MIDDLE} is NaN or inf"):
        search(
            *(files[:2], files[2]),
            subnets=[MIDDLE],
            metrics="rank",
            folder=tmp_path / "out",
            **SMALL,
        )
    assert MIDDLE not in (tmp_path / "out" / "results.jsonl").read_text()


def test_scores_that_are_all_alike_have_no_correlation():
    rows = [{"metric": "rank", "similarity": 1.0, "macs": m} for m in range(6)]
    assert size_note(rows) == ""
    rows[0]["similarity"] = 2.0
    assert "Spearman -" in size_note(rows)
