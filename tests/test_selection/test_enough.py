"""How many images are enough."""

import math

import numpy as np
import pytest

from mmtaskssl import apis
from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.selection.enough import curve_of, half_way, places
from mmtaskssl.utils.errors import UserError


def stores(own=300, others=2700, queries=20, seed=0):
    rng = np.random.default_rng(seed)
    kind = rng.standard_normal(32) * 3
    pool = rng.standard_normal((own + others, 32))
    pool[:own] += kind
    target = kind + rng.standard_normal((queries, 32))
    return (
        MemoryStore(pool, [f"p{i}" for i in range(own + others)], name="pool"),
        MemoryStore(target, [f"q{i}" for i in range(queries)], name="target"),
    )


@pytest.mark.parametrize("policy", ["round_robin", "score", "whitened", "simcore"])
@pytest.mark.parametrize("own", [200, 300, 900])
def test_auto_ends_where_the_own_kind_does(own, policy):
    found = apis.select(*stores(own), "auto", policy=policy)
    rows = found.selection.rows
    assert 0.9 * own <= len(rows) <= 1.35 * own
    assert (np.sort(rows) < own).mean() > 0.75
    told = found.summary["enough"]
    assert told["images"] == len(rows) == found.summary["budget"]
    assert told["reason"] in found.notes and f"{len(rows):,} images" in told["reason"]
    assert found.summary["inputs"]["budget"] == "auto"
    assert told["curve"][-1][0] >= len(rows) and told["random"] < told["own"]
    assert "How many are enough" in found.page()


def test_a_fixed_budget_is_told_what_would_be_enough():
    pool, target = stores(300)
    short, long = (apis.select(pool, target, k).summary for k in (150, 2000))
    assert short["enough"]["at_least"] and short["enough"]["images"] == 150
    assert not long["enough"]["at_least"] and 270 <= long["enough"]["images"] <= 405
    assert "enough" not in apis.select(pool, target, 10).summary
    assert "enough" not in apis.select(pool, target, 150, policy="random").summary


def test_limits_are_kept_to_by_as_many_as_are_enough():
    pool, target = stores(300)
    found = apis.select(pool, target, "auto", per_query=5)
    assert found.summary["budget"] > 200 and len(found) == 100
    assert "stopped short at 100" in " ".join(found.notes)


def test_what_cannot_be_told_is_said():
    rng = np.random.default_rng(0)
    alike = np.ones(8) + 0.001 * rng.standard_normal((400, 8))
    pool = MemoryStore(alike, [f"{i}" for i in range(400)])
    target = MemoryStore(alike[:5], list("abcde"))
    with pytest.raises(UserError, match=r"cannot be told.*name a number"):
        apis.select(pool, target, "auto")
    found = apis.select(pool, target, 200)
    assert found.summary["enough"]["images"] is None
    with pytest.raises(UserError, match="auto needs a policy that ranks"):
        apis.select(pool, target, "auto", policy="random")
    with pytest.raises(UserError, match="neither a number of images"):
        apis.select(pool, target, "automatic")


def test_a_single_image_has_no_others_to_be_compared_with():
    pool, target = stores(300)
    one = MemoryStore(target.read([0]), ["q"])
    assert apis.select(pool, one, "auto").summary["enough"]["own"] is None
    assert half_way(0.9, 0.1, math.nan) == pytest.approx(0.5)
    assert half_way(0.9, 0.1, 0.7) == pytest.approx(0.4)
    assert half_way(0.9, 0.1, 0.95) == pytest.approx(0.5)


def test_a_target_whose_images_show_different_things():
    rng = np.random.default_rng(0)
    kinds = rng.standard_normal((10, 64)) * 3
    pool = np.concatenate([kinds.repeat(30, axis=0), np.zeros((2700, 64))])
    pool += rng.standard_normal((3000, 64))
    target = kinds + rng.standard_normal((10, 64))
    found = apis.select(
        MemoryStore(pool, [f"p{i}" for i in range(3000)]),
        *(MemoryStore(target, list("abcdefghij")), "auto"),
    )
    assert 270 <= len(found) <= 405
    assert "own" not in found.summary["enough"]["reason"]


def test_the_curve_is_of_the_last_fifth():
    scores = np.linspace(1, 0, 1001)[:1000]
    curve = dict(curve_of(scores))
    assert next(iter(curve)) == 125 and [*curve][-1] == 1000 and 250 in curve
    assert curve[1000] == pytest.approx(np.median(scores[800:1000]))
    assert places(125, 125) == [125] and places(3, 3) == [3]
