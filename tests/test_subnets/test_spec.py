import copy
import json
import pickle

import numpy as np
import pytest

from mmtaskssl.subnets import ALL, Subnet
from mmtaskssl.utils.errors import UserError

NAMES = [
    "s64-w64.128.256.512-d3.4.6.3",
    "s8-w8-d1",
    "s64-w64.128.256.512-d3.4.6.3-p0.3.1.2",
    "s64-w64.128.256.512-d3.4.6.3-px.x.x.12",
    "s16-w16.24.40.80.112.160-d1.2.3.4.2.3-m0.35",
    "s16-w16.24-d1.2-m0.0625-p0.1",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_reads_back_and_so_does_everything_else(name):
    subnet = Subnet.parse(name)
    assert subnet.name == str(subnet) == name
    assert Subnet.from_dict(subnet.to_dict()) == subnet
    assert Subnet.from_json(subnet.to_json()) == subnet
    assert Subnet.of(name) == Subnet.of(subnet.to_dict()) == Subnet.of(subnet)
    assert eval(repr(subnet)) == subnet
    assert copy.deepcopy(subnet) == pickle.loads(pickle.dumps(subnet)) == subnet
    assert {subnet: 1}[Subnet.parse(name)] == 1
    assert json.loads(json.dumps(subnet.to_dict())) == subnet.to_dict()


def test_fields_of_a_parsed_name():
    subnet = Subnet.parse("s64-w48.96-d3.4-px.2")
    assert (subnet.stem, subnet.widths, subnet.depths) == (64, (48, 96), (3, 4))
    assert subnet.path == (ALL, 2)
    assert subnet.multiplier == 1


def test_one_value_has_one_name():
    plain = Subnet(64, (64,), (3,))
    assert Subnet(64, [64], [3], [ALL], 1.00001) == plain
    assert Subnet(np.int64(64), np.array([64]), np.array([3])) == plain
    assert type(Subnet(np.int64(64), np.array([64]), (3,)).widths[0]) is int
    assert Subnet.parse(" s064-w64-d3-m1.000-px ").name == "s64-w64-d3"
    assert Subnet(16, (16,), (1,), multiplier=0.1 + 0.2).name == "s16-w16-d1-m0.3"


def test_immutable():
    with pytest.raises(AttributeError):
        Subnet(64, (64,), (3,)).stem = 32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, (64,), (3,)), "stem must be at least 1"),
        (("64", (64,), (3,)), "stem must be whole numbers"),
        ((64, (64.0,), (3,)), "widths must be whole numbers"),
        ((64, (), ()), "widths must be whole numbers"),
        ((64, 64, (3,)), "widths must be whole numbers"),
        ((64, (64, -1), (3, 3)), "widths must be at least 1"),
        ((64, (64,), (0,)), "depths must be at least 1"),
        ((64, (64, 128), (3,)), "2 widths and 1 depths"),
        ((64, (64,), (3,), (1, 2)), "2 groups for 1 stages"),
        ((64, (64,), (3,), (-2,)), "path must be at least -1"),
        ((64, (64,), (3,), None, 0), "multiplier must be above 0"),
        ((64, (64,), (3,), None, 1.5), "multiplier must be above 0"),
        ((64, (64,), (3,), None, "wide"), "multiplier must be above 0"),
        ((64, (64,), (3,), None, float("nan")), "multiplier must be above 0"),
    ],
)
def test_bad_values(arguments, message):
    with pytest.raises(UserError, match=message):
        Subnet(*arguments)


@pytest.mark.parametrize(
    "name",
    ["", "R50", "s64-w64", "s64-w64.-d3", "s64-w64-d3-p", "s64-w64-d3-p0-m0.5",
     "s-1-w64-d3", "s٦٤-w64-d3", 64, None],
)  # fmt: skip
def test_bad_names(name):
    with pytest.raises(UserError, match="not the name of a sub-net"):
        Subnet.parse(name)


def test_bad_dicts_and_json():
    with pytest.raises(UserError, match="lacks depths, widths"):
        Subnet.from_dict({"stem": 64})
    with pytest.raises(UserError, match="unknown keys: depth"):
        Subnet.from_dict({"stem": 6, "widths": [1], "depths": [1], "depth": 1})
    with pytest.raises(UserError, match="not JSON"):
        Subnet.from_json("{")
    with pytest.raises(UserError, match="must be an object"):
        Subnet.from_json("[1]")
