"""What a ranking does not tell apart, and what is taken then."""

import dataclasses

import numpy as np
import pytest

from mmtaskssl.apis import search
from mmtaskssl.search.noise import noise_note, taken, tied
from mmtaskssl.search.result import SearchResult
from mmtaskssl.search.scorer import MeanInterval
from mmtaskssl.utils.budgets import Budget

from ._files import MIDDLE

IMAGES = 400


def _macs(row):
    return row["macs"]


def _row(name, macs, values, interval, metric="global"):
    return {
        "subnet": name,
        "metric": metric,
        "similarity": float(values.mean()),
        "ci": list(interval(values)),
        "macs": macs,
        "params": 100 - macs,
        "draws": interval.draws(values),
    }


@pytest.fixture(scope="module")
def rows():
    """Images differ much, nets hardly: only pairs tell them apart."""
    rng, interval = np.random.default_rng(0), MeanInterval(IMAGES)
    images = rng.normal(0.8, 0.1, IMAGES)
    noise = 0.02 * rng.standard_normal((3, IMAGES))
    noise -= noise.mean(1, keepdims=True)
    return [
        _row("a", 9, images, interval),
        _row("b", 5, images - 0.0002 + noise[0], interval),
        _row("c", 3, images - 0.0004 + noise[1], interval),
        # Worse by as little for every image: that is sure, whatever its interval.
        _row("d", 1, images - 0.0005, interval),
        _row("e", 2, images - 0.02 + noise[2], interval),
    ]


def test_pairs_are_compared_and_not_intervals(rows):
    assert rows[0]["ci"][0] < rows[3]["similarity"]  # intervals overlap
    assert [row["subnet"] for row in tied(rows)] == ["a", "b", "c"]
    differences = np.array([np.subtract(rows[0]["draws"], r["draws"]) for r in rows])
    low = np.sort(differences, axis=1)[:, int(0.025 * differences.shape[1])]
    assert (low <= 0).tolist() == [True, True, True, False, False]


def test_what_rounding_makes_tells_nothing_apart(rows):
    """Of networks that do the same, every draw may be the same hair's breadth apart."""
    same = dict(rows[0], subnet="same", draws=[d - 2e-7 for d in rows[0]["draws"]])
    apart = dict(rows[0], subnet="apart", draws=[d - 2e-5 for d in rows[0]["draws"]])
    assert tied([rows[0], same]) == [rows[0], same]
    assert tied([rows[0], apart]) == [rows[0]]
    # Of a rank of 80 single precision leaves fewer digits behind the point.
    large = [
        dict(row, similarity=80.0, draws=[d + 79 for d in row["draws"]])
        for row in (rows[0], apart)
    ]
    assert tied(large) == large


def test_the_smallest_of_them_is_taken_and_said(rows):
    assert taken(rows, _macs)["subnet"] == "c"
    assert taken(rows, lambda row: row["params"])["subnet"] == "a"
    assert noise_note(rows, _macs) == (
        "The first 3 are not distinguishable on these images; the smallest of them, "
        "c, is taken."
    )
    gap = [rows[0], rows[3], rows[2]]
    assert noise_note(gap, _macs).startswith("2 of the first 3 are not disting")
    assert noise_note([rows[0], rows[3]], _macs) == ""


def test_of_rows_without_draws_nothing_is_said(rows):
    old = [{k: v for k, v in row.items() if k != "draws"} for row in rows]
    for some in (old, [rows[0], old[1]]):
        assert taken(some, _macs) is some[0] and noise_note(some, _macs) == ""
    assert tied([]) == []


def test_a_result_says_it_and_takes_the_smallest(rows):
    whole = SearchResult(
        *(tuple(rows), (), ("global",), {}, {}, {"shape": [4, 4]}),
        {"images": "i", "checkpoint": "c"},
    )
    assert whole.best == ["c"]
    assert whole.noise() in whole.table() and whole.noise() in whole.page()
    assert whole.to_dict()["rankings"][0]["tied"] == ["a", "b", "c"]
    by_params = dataclasses.replace(whole, budgets=(Budget.parse("0-1K:params"),))
    assert by_params.best == ["a"] and "smallest of them, a," in by_params.table()


def test_draws_are_kept_with_the_scores(files, tmp_path):
    options = {"subnets": [MIDDLE, "MAX"], "bn_images": 16, "shape": (16, 16)}
    found = search(files[:2], files[2], folder=tmp_path / "s", **options)
    for row in found.rows:
        assert len(row["draws"]) == 200 and np.ptp(row["draws"]) > 0
        assert row["ci"][0] < np.median(row["draws"]) < row["ci"][1]
    again = SearchResult.open(tmp_path / "s")
    assert again.rows == found.rows and again.best == found.best
