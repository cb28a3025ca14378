"""The mean rank of sub-nets under several metrics."""

import numpy as np
import pytest

from mmtaskssl.apis import extract, search
from mmtaskssl.search.mean_rank import mean_ranks
from mmtaskssl.search.names import MEAN_OF, MEAN_RANK, computed
from mmtaskssl.search.noise import tied
from mmtaskssl.search.result import SearchResult
from mmtaskssl.utils.budgets import Budget
from mmtaskssl.utils.families import OptionMissing

from ._files import MIDDLE

SMALL = {"bn_images": 16, "shape": (16, 16)}


def _rows(metric, values, draws=None):
    return [
        {
            "subnet": name,
            "metric": metric,
            "similarity": value,
            "ci": [value, value],
            "macs": 10 * value,
            "params": 1,
            "draws": [] if draws is None else list(draws[name]),
        }
        for name, value in values.items()
    ]


def test_it_is_the_share_of_the_others_that_are_behind():
    a = _rows("x", {"p": 3.0, "q": 2.0, "r": 1.0})
    b = _rows("y", {"r": -5.0, "p": -5.0, "q": 90.0, "alone": 7.0})
    found = {row["subnet"]: row for row in mean_ranks([a, b])}
    # Two metrics of three sub-nets; of equal values each is ahead of half of the other.
    expected = {"p": (1 + 0.25) / 2, "q": (0.5 + 1) / 2, "r": (0 + 0.25) / 2}
    assert {n: row["similarity"] for n, row in found.items()} == expected
    assert {row["metric"] for row in found.values()} == {MEAN_RANK}
    assert found["p"]["macs"] == 30 and found["p"]["ci"] == [expected["p"]] * 2
    assert tied(sorted(found.values(), key=lambda r: -r["similarity"])) == [found["q"]]
    (one,) = mean_ranks([a[:1], a[:1]])
    assert one["similarity"] == 1
    assert mean_ranks([a[:1], a[1:]]) == []


def test_its_draws_are_mean_ranks_of_the_draws():
    rng = np.random.default_rng(0)
    names = {"p": 1.0, "q": 0.0}
    steady = {n: v + 0.01 * rng.standard_normal(50) for n, v in names.items()}
    noisy = {n: v + 9 * rng.standard_normal(30) for n, v in names.items()}
    sure = mean_ranks([_rows("x", names, steady), _rows("y", names, steady)])
    assert [row["ci"] for row in sure] == [[1, 1], [0, 0]] and len(tied(sure)) == 1
    unsure = mean_ranks([_rows("x", names, steady), _rows("y", names, noisy)])
    assert [len(row["draws"]) for row in unsure] == [30, 30]  # the fewest
    first = [(1 + (a > b)) / 2 for a, b in zip(*noisy.values(), strict=True)]
    assert unsure[0]["draws"] == first
    low, high = unsure[0]["ci"]
    assert low == 0.5 and high == unsure[0]["similarity"] == 1
    unsure = mean_ranks([_rows("x", names, noisy), _rows("y", names, noisy)])
    assert len(tied(unsure)) == 2


def test_what_it_is_made_of_is_computed_once():
    assert computed([MEAN_RANK]) == MEAN_OF
    assert computed(["dense", "rank", MEAN_RANK]) == (
        *("dense", "rank"),
        *(name for name in MEAN_OF if name != "rank"),
    )
    assert computed(["dense"]) == ("dense",)


def test_a_search_ranks_by_it_alone_and_keeps_its_parts(files, tmp_path):
    store = extract((files[0], "random"), files[2], seed=3, workers=0)
    names, out = [MIDDLE, "MAX", "MIN", "HAND"], tmp_path / "out"
    budget = Budget.parse("0-1G")
    options = {"metrics": MEAN_RANK, "teacher": store, "candidates": 4, **SMALL}
    found = search(*files_of(files), budget, subnets=names, folder=out, **options)
    assert found.metrics == (MEAN_RANK,)
    assert {row["metric"] for row in found.rows} == {*MEAN_OF}
    rows = found.ranked(budget)
    expected = [mean_ranks([found.ranked(budget, part) for part in MEAN_OF])]
    assert rows == sorted(expected[0], key=lambda r: (-r["similarity"], r["subnet"]))
    assert found.best[0] in {row["subnet"] for row in tied(rows)}
    assert "mean rank" in found.table() and "mean rank by global" in found.page()
    (ranking,) = found.to_dict()["rankings"]
    assert ranking["metric"] == MEAN_RANK
    assert ranking["subnets"] == [row["subnet"] for row in rows]
    again = SearchResult.open(out)
    assert again.ranked(budget) == rows and again.best == found.best
    assert (out / f"{MEAN_RANK}.png").is_file()
    # Ranks are among the sub-nets of a band: of fewer, they are others.
    largest = max(rows, key=lambda row: row["macs"])["macs"]
    band = Budget(0, largest)
    assert 0 < len(found.ranked(band)) < len(rows)
    assert found.ranked(band)[0]["similarity"] <= 1
    whole = {row["subnet"]: row["similarity"] for row in rows}
    part = {row["subnet"]: row["similarity"] for row in found.ranked(band)}
    assert any(part[name] != whole[name] for name in part)


def files_of(files):
    return files[:2], files[2]


def test_it_goes_on_after_its_parts_were_named(files, tmp_path, said):
    store = extract((files[0], "random"), files[2], seed=3, workers=0)
    options = {"subnets": [MIDDLE, "MAX"], "teacher": store, **SMALL}
    options["folder"] = tmp_path / "out"
    parts = search(*files_of(files), metrics=MEAN_OF, **options)
    scored = said.text.count("2/2")
    assert scored
    whole = search(*files_of(files), metrics=MEAN_RANK, overwrite=True, **options)
    assert whole.rows == parts.rows and said.text.count("2/2") == scored


def test_it_wants_a_teacher(files):
    with pytest.raises(OptionMissing, match=f"{MEAN_RANK} compares with another"):
        search(*files_of(files), subnets=[MIDDLE], metrics=MEAN_RANK, **SMALL)


def test_evolution_follows_the_first_part(files):
    store = extract((files[0], "random"), files[2], seed=3, workers=0)
    options = {"strategy": "evolution", "candidates": 4, "teacher": store, **SMALL}
    by_mean = search(*files_of(files), "0-1G", metrics=MEAN_RANK, **options)
    del options["teacher"]
    by_first = search(*files_of(files), "0-1G", metrics=MEAN_OF[0], **options)
    names = [[*dict.fromkeys(r["subnet"] for r in f.rows)] for f in (by_mean, by_first)]
    assert names[0] == names[1]
