"""Predictions from past studies, against the same by hand."""

import json
import statistics

import numpy as np
import pytest

from mmtaskssl.customize.diagnosis.past_studies import PastStudies, PastStudy, shipped


def _row(target, headroom, gain):
    before = {"linear": 50.0, "headroom": headroom}
    return PastStudy("s", target, "timm:x", 40, 1, before, {"continued": gain})


def _reference(x, gains, fit):
    """Errors of each, predicted from the others by a slow reference."""
    errors = []
    for left in range(len(x)):
        a, b = np.delete(x, left), np.delete(gains, left)
        errors.append(gains[left] - fit(a, b, x[left]))
    return np.sqrt(np.mean(np.square(errors)))


def _line(x, gains, at):
    return at * len(x) / (len(x) + 1) * (x @ gains) / (x @ x)


def _mean(x, gains, at):
    return min(1, max(0, at / min(x))) * gains.sum() / (len(x) + 1)


@pytest.mark.parametrize(
    "gains, better, worse",
    [([8.0, 16, 4], _line, _mean), ([8.0, 9, 10], _mean, _line)],
    ids=["gains follow the headroom", "they do not"],
)
def test_what_predicted_others_better_predicts(gains, better, worse):
    x, y = np.array([10.0, 20, 5]), np.array(gains)
    table = PastStudies([_row(n, *one) for n, *one in zip("abc", x, y, strict=True)])
    found = table.predict("continued", {"headroom": 12.0})
    assert _reference(x, y, better) < _reference(x, y, worse)
    assert found.gain == pytest.approx(better(x, y, 12.0))
    assert found.error == pytest.approx(_reference(x, y, better))
    assert (found.studies, found.within) == (3, True)
    assert (found.low, found.high) == (y.min(), y.max())
    assert "from 3 past targets" in str(found)
    assert not table.predict("continued", {"headroom": 30.0}).within
    for nothing in (0.0, -4.0):
        assert table.predict("continued", {"headroom": nothing}).gain <= 0


def test_studies_of_a_target_count_as_one():
    rows = [_row("a", 10.0, 8.0), _row("a", 10.0, 9.0), _row("b", 10.0, 1.0)]
    found = PastStudies(rows).predict("continued", {"headroom": 10.0})
    b_from_a, a_from_b = 1 - 8.5 / 2, 8.5 - 1 / 2
    assert found.error == pytest.approx(np.sqrt((a_from_b**2 + b_from_a**2) / 2))
    assert found.studies == 2 and found.gain == pytest.approx((8.5 + 1) / 3)


def test_what_begins_with_nothing_gains_less_above_a_better_start():
    gains = {"a": (20.0, -8.0), "b": (40.0, -26.0), "c": (-1.0, 13.0)}
    table = PastStudies(
        [
            PastStudy("s", name, "timm:x", 40, 1, {"lead": lead}, {"distilled": gain})
            for name, (lead, gain) in gains.items()
        ]
    )
    found = table.predict("distilled", {"lead": 0.0})
    # Each was 12 to 14 points above the network that it began with.
    assert found.gain == pytest.approx((12 + 14 + 12) / 4)
    errors = np.array([12 - 26 / 3, 14 - 24 / 3, 12 - 26 / 3])
    assert found.error == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert (found.low, found.high, found.lead, found.within) == (12, 14, 0, True)
    behind = table.predict("distilled", {"lead": 30.0})
    assert behind.gain == pytest.approx(38 / 4 - 30)
    told = "it ended +12.0 to +14.0 above an untrained network, and this start is 30.0"
    assert f"{told} above one" in str(behind)
    assert table.predict("distilled", {"headroom": 3.0}) is None
    assert not table.predict("distilled", {"lead": 50.0}).within
    # Nothing becomes better than right.
    assert table.predict("distilled", {"lead": 0.0, "linear": 95.0}).gain == 5.0


def test_studies_with_and_without_a_start_are_told_apart():
    rows = [
        PastStudy("s", "a", start, 40, 1, {"lead": 0.0}, {"scratch": gain})
        for start, gain in (("untrained", 4.0), ("timm:x", 8.0))
    ]
    table = PastStudies(rows)
    assert table.with_start().rows == rows[1:]
    assert table.without_start().rows == rows[:1]
    assert table.without_start().predict("scratch", {"lead": 0.0}).gain == 2.0


def test_what_no_study_tried_is_not_predicted():
    table = PastStudies([_row("a", 10.0, 8.0)])
    assert table.predict("scratch", {"headroom": 1.0}) is None
    assert table.predict("continued", {}) is None
    assert table.without("a").predict("continued", {"headroom": 1.0}) is None
    one = table.predict("continued", {"headroom": 10.0})
    assert one.error is None and one.gain == pytest.approx(4.0)
    assert "how far off that may be is not known" in str(one)


def test_the_shipped_table_is_that_of_the_results(repo_root):
    results = json.loads(
        (repo_root / "tools/benchmarks/results/starts.json").read_text()
    )
    rows = {row.target: row for row in shipped().rows if row.study == "starts"}
    assert {*rows} == {"clothing", "signdigits", "imagenette", "dtd10", "cifar10"}

    def linear(arm, target):
        ends = f"/results/40px-{arm}-{target}.json"
        found = [v["test"]["linear"] for k, v in results.items() if k.endswith(ends)]
        return statistics.fmean(found[:1] if arm == "public" else found)

    for target, row in rows.items():
        public = linear("public", target)
        for arm, lever in (("sept", "continued"), ("random", "continued-random")):
            gain = linear(f"selfres-{arm}", target) - public
            assert row.gains[lever] == pytest.approx(gain, abs=1e-3)
        assert {"linear", "headroom", "closeness"} == {*row.before}
    found = shipped().predict("continued", {"headroom": 10.0})
    assert found.studies == len(rows) and found.error > 0
