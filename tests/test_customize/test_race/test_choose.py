"""The one-standard-error rule, and halving."""

import numpy as np

from mmtaskssl.customize.race.choose import choose, keep, lead


def test_a_lead_within_its_error_is_none():
    rng = np.random.default_rng(0)
    start = rng.integers(0, 2, 100) * 100.0
    noise = start.copy()
    noise[:3] = 100 - noise[:3]
    ahead, error = lead(noise, start)
    assert abs(ahead) <= 3 and error > 0
    better = start.copy()
    better[np.flatnonzero(start == 0)[:10]] = 100
    assert choose({"start": start, "noise": noise}) == "start"
    assert choose({"start": start, "noise": noise, "better": better}) == "better"
    # Of those that nothing tells apart, the first.
    assert choose({"better": better, "again": better}) == "better"


def test_pairs_see_what_means_cannot():
    """Ten images of 200 that it alone gets right: a lead, however hard the others."""
    start = np.tile([0.0, 100.0], 100)
    better = start.copy()
    better[np.arange(0, 20, 2)] = 100
    spread = start.std(ddof=1) / len(start) ** 0.5
    assert better.mean() - start.mean() < 2 * spread  # lost among images
    assert choose({"start": start, "better": better}) == "better"


def test_halving_keeps_order():
    scores = {"a": [1.0], "b": [3.0], "c": [2.0]}
    assert keep(scores) == ["b", "c"]
    assert keep({"a": [1.0], "b": [3.0]}) == ["b"]
    assert keep({"a": [1.0]}) == ["a"]
