import itertools
import random
from collections import Counter

import pytest

from mmtaskssl.subnets import (
    GridSpace,
    ListSpace,
    ResNetArch,
    Subnet,
    build_space,
    cost,
)
from mmtaskssl.utils.errors import UserError

SMALL = {
    "kind": "grid",
    "arch": {"kind": "resnet", "block": "basic"},
    "stem": [8],
    "widths": [[8, 16], [32, 16, 24]],
    "depths": [[1, 2], [1]],
    "anchors": {"ODD": "s8-w12.20-d1.1"},
}
CONFIGS = [
    SMALL,
    "data_basic",
    "slimmable_resnet",
    "slimmable_mobilenet_v3",
    {"preset": "routed_resnet", "depth": 18, "groups": 2},
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_a_space_lists_each_member_once(config):
    space = build_space(config)
    members = list(space)
    assert len(members) == len(set(members)) == len(space)
    assert members[-1] == space[-1] == space[len(space) - 1]
    assert all(member in space and space.supports(member) for member in members)
    for index in (len(space), -len(space) - 1):
        with pytest.raises(IndexError):
            space[index]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_a_space_survives_its_dict(config):
    space = build_space(config)
    again = build_space(space.to_dict())
    assert list(again) == list(space)
    assert again.anchors == space.anchors
    assert again.to_dict() == space.to_dict()
    assert build_space(space) is space


def test_a_grid_is_the_product_of_its_choices():
    expected = {
        Subnet(8, (a, b), (c, 1))
        for a, b, c in itertools.product((8, 16), (16, 24, 32), (1, 2))
    }
    space = build_space(SMALL)
    assert set(space) == expected
    assert Subnet.parse("s8-w12.20-d1.1") not in space
    assert space.resolve("ODD") == Subnet.parse("s8-w12.20-d1.1")
    assert (space.max.name, space.min.name) == ("s8-w16.32-d2.1", "s8-w8.16-d1.1")
    assert space.name_of(space.min) == "MIN"
    assert space.name_of(space[1]) is None


def test_size_and_anchors_of_the_data_space():
    space = build_space("data_bottleneck")
    # stems x widths^4 x depths: 3 * 3**4 * (3 * 3 * 13 * 3)
    assert len(space) == 3 * 81 * 351 == 85293
    assert list(space.anchors) == ["MAX", "MIN", "R50", "R77", "R101"]
    assert space.max.name == "s64-w80.160.320.640-d4.6.29.4"
    assert space.min.name == "s32-w48.96.192.384-d2.2.5.2"
    assert space.anchors["R77"] in space
    assert space.anchors["R101"] in space
    assert space.anchors["R50"] not in space  # a third depth of 6
    assert space.supports(space.anchors["R50"])


@pytest.mark.parametrize("groups", [2, 4])
@pytest.mark.parametrize("style", ["compact", "export"])
def test_path_spaces(groups, style):
    space = build_space({"preset": "routed_resnet", "style": style, "groups": groups})
    assert len(space) == groups**4
    assert space.max.path is None
    assert space.max not in space
    assert space.resolve("MAX") == space.max
    partly = Subnet(space.max.stem, space.max.widths, space.max.depths, (-1, -1, -1, 1))
    assert partly not in space
    assert space.supports(partly)
    plain = ResNetArch("bottleneck")
    r50 = Subnet.parse("s64-w64.128.256.512-d3.4.6.3")
    stock = {"compact": space.max, "export": space[7]}[style]
    assert cost(space.arch, stock) == cost(plain, r50)


def test_slimmable_names_and_rounding():
    space = build_space("slimmable_resnet")
    assert [subnet.name for subnet in space] == [
        "s64-w64.128.256.512-d3.4.6.3",
        "s48-w48.96.192.384-d3.4.6.3",
        "s32-w32.64.128.256-d3.4.6.3",
        "s16-w16.32.64.128-d3.4.6.3",
    ]
    assert space.resolve("0.25") == space.min
    assert space.resolve("1") == space.max
    widths = [1, 0.51, 0.5, 0.49]
    rounded = build_space(
        {"preset": "slimmable_resnet", "widths": widths, "divisor": 8}
    )
    assert rounded.resolve("0.51").widths == (32, 64, 128, 264)
    assert rounded.resolve("0.5").widths == (32, 64, 128, 256)
    assert len(rounded) == 4
    coarse = build_space({"preset": "slimmable_resnet", "widths": [1, 0.5, 0.501]})
    assert len(coarse) == 2  # both round down to the same channels
    assert coarse.resolve("0.501") == coarse.resolve("0.5")


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_draws_are_seeded_and_cover_the_space(config):
    space = build_space(config)
    assert space.sample(3) == space.sample(3) == space.sample(random.Random(3))
    assert space.sample_distinct(3, 5) == space.sample_distinct(3, 5)
    rng = random.Random(0)
    assert all(space.sample(rng) in space for _ in range(50))
    count = min(len(space), 12)
    assert len(set(space.sample_distinct(count, 1))) == count
    with pytest.raises(UserError, match="cannot draw"):
        space.sample_distinct(len(space) + 1, 0)


def test_draws_are_uniform():
    space = build_space(SMALL)
    rng = random.Random(0)
    counts = Counter(space.sample(rng) for _ in range(1200))
    assert len(counts) == len(space) == 12
    assert min(counts.values()) > 60  # expected 100, sd 9.6


def test_neighbours_of_a_grid():
    space = build_space(SMALL)
    assert {n.name for n in space.neighbours(Subnet.parse("s8-w8.24-d1.1"))} == {
        "s8-w16.24-d1.1",
        "s8-w8.16-d1.1",
        "s8-w8.32-d1.1",
        "s8-w8.24-d2.1",
    }
    data = build_space("data_bottleneck")
    assert [n.name for n in data.neighbours(data.anchors["R50"])] == [
        "s64-w64.128.256.512-d3.4.5.3",
        "s64-w64.128.256.512-d3.4.7.3",
    ]


def test_neighbours_of_a_path_and_of_a_width():
    paths = build_space({"preset": "routed_resnet", "groups": 4})
    neighbours = paths.neighbours(paths[0])
    assert len(neighbours) == 4 * 3
    assert all(sum(neighbour.path) in (1, 2, 3) for neighbour in neighbours)
    widths = build_space("slimmable_resnet")
    assert widths.neighbours(widths[1]) == [widths[2], widths[0]]
    assert widths.neighbours(widths.max) == [widths[1]]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_evolution_stays_inside(config):
    space = build_space(config)
    for seed in range(40):
        parent, other = space.sample(seed), space.sample(-seed - 1)
        child = space.mutate(parent, seed, rate=0.3)
        assert child in space
        assert child != parent
        assert child == space.mutate(parent, seed, rate=0.3)
        assert space.crossover(parent, other, seed) in space
        assert space.crossover(parent, parent, seed) == parent


def test_mutation_rate_and_crossover_genes():
    space = build_space("data_bottleneck")

    def distance(a, b):
        pairs = zip(
            (a.stem, *a.widths, *a.depths), (b.stem, *b.widths, *b.depths), strict=True
        )
        return sum(x != y for x, y in pairs)

    assert {
        distance(space.max, space.mutate(space.max, s, 0.0)) for s in range(20)
    } == {1}
    assert distance(space.max, space.mutate(space.max, 0, 1.0)) == 9
    child = space.crossover(space.max, space.min, 1)
    for value, low, high in zip(
        (child.stem, *child.widths, *child.depths),
        (space.min.stem, *space.min.widths, *space.min.depths),
        (space.max.stem, *space.max.widths, *space.max.depths),
        strict=True,
    ):
        assert value in (low, high)
    # An off-grid parent (R50) gives only its on-grid choices.
    r50 = space.anchors["R50"]
    assert all(space.crossover(r50, r50, seed) in space for seed in range(5))
    assert all(space.mutate(r50, seed, 0.0) in space for seed in range(5))


def test_above_keeps_the_large_part():
    widths = build_space("slimmable_resnet")
    kept = [list(widths.above(floor)) for floor in (1, 2 / 3, 1 / 3, 0)]
    assert kept == [list(widths)[:n] for n in (1, 2, 3, 4)]
    data = build_space("data_bottleneck")
    assert list(data.above(1)) == [data.max]
    assert data.above(0).to_dict()["depths"] == data.to_dict()["depths"]
    middle = data.above(0.5)
    assert middle.max == data.max
    assert middle.min.name == "s48-w64.128.256.512-d3.4.17.3"
    paths = build_space("routed_resnet")
    assert len(paths.above(1)) == 256


def test_resolve_says_what_is_wrong():
    space = build_space("data_bottleneck")
    assert space.resolve("R50") == space.anchors["R50"]
    assert space.resolve("s48-w64.128.256.512-d1.1.1.1").stem == 48
    assert space.resolve(space.min.to_dict()) == space.min
    with pytest.raises(UserError, match="or name one of MAX, MIN, R50, R77, R101"):
        space.resolve("R51")
    for name in (
        "s64-w96.128.256.512-d3.4.6.3",
        "s64-w64.128.256.512-d3.4.31.3",
        "s80-w64.128.256.512-d3.4.6.3",
        "s64-w64.128.256-d3.4.6",
    ):
        with pytest.raises(UserError, match="does not fit into the space"):
            space.resolve(name)
    with pytest.raises(UserError, match="has a path"):
        space.resolve("s64-w64.128.256.512-d3.4.6.3-p0.0.0.0")


ARCH = ResNetArch("basic")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GridSpace(ARCH, (8,), ((8,),), ((),)), "empty"),
        (lambda: GridSpace(ARCH, (8, 8), ((8,),), ((1,),)), "name 8 twice"),
        (lambda: GridSpace(ARCH, (8,), ((8,), (8,)), ((1,),)), "per stage"),
        (lambda: GridSpace(ARCH, (8,), ((0, 8),), ((1,),)), "at least 1"),
        (lambda: GridSpace(ARCH, ("8", 16), ((8,),), ((1,),)), "whole numbers"),
        (lambda: GridSpace(ARCH, (8,), ((8,),), ((1,),), ((0, 1),)), "not routed"),
        (lambda: ListSpace(ARCH, []), "empty"),
        (lambda: ListSpace(ARCH, ["s8-w8-d1", "s08-w8-d1"]), "twice"),
        (lambda: ListSpace(ARCH, ["s8-w8-d1-p0"]), "not routed"),
        (lambda: ListSpace(ARCH, ["s8-w8-d1", "s4-w16-d1"]), "does not fit"),
        (lambda: ListSpace(ARCH, ["s8-w8-d1"], {"MAX": "s8-w8-d1"}), "cannot be set"),
        (lambda: ListSpace(ARCH, ["s8-w8-d1"]).mutate(Subnet(8, (8,), (1,)), 0), "one"),
    ],
)
def test_bad_spaces(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_stages_may_have_different_groups():
    space = build_space(
        {
            "preset": "routed_resnet",
            "depth": 10,
            "base_width": 8,
            "groups": [1, 1, 2, 4],
        }
    )
    routes = space.arch.routes
    assert routes.groups == (1, 1, 2, 4)
    assert routes.widths == (8, 16, 32, 64)
    assert routes.group == (4, 8, 8, 8)
    assert [net.path for net in space] == [
        (-1, -1, a, b) for a in range(2) for b in range(4)
    ]
    assert routes.active(space[0].path) == (8, 16, 24, 40)
    assert build_space(space.to_dict()).to_dict() == space.to_dict()
    with pytest.raises(UserError, match="at least 2 groups"):
        build_space({"preset": "routed_resnet", "groups": [1, 2, 2]})
