import csv
import functools
import io

import pytest

from mmtaskssl.subnets import Cost, Latency, Subnet, build_space, cost
from mmtaskssl.subnets.report import (
    format_csv,
    format_table,
    make_rows,
    plot_space,
    summarize,
)
from mmtaskssl.utils.errors import UserError

WIDTHS = build_space("slimmable_resnet")
PRICE = functools.partial(cost, WIDTHS.arch, shape=64)


def test_table_without_latency():
    lines = format_table(make_rows(WIDTHS, WIDTHS, PRICE)).splitlines()
    assert lines[0].split() == ["sub-net", "anchor", "GMACs", "M", "params"]
    assert lines[1].split() == [WIDTHS.max.name, "MAX", "1", "0.334", "23.508"]
    assert lines[2].split() == [WIDTHS[1].name, "0.75", "0.189", "13.235"]
    assert len({len(line) for line in lines}) == 1


def test_table_and_csv_with_latency():
    rows = make_rows(WIDTHS, [WIDTHS.min], PRICE, lambda s: Latency(0.002, 0.001, 0.01))
    assert "2.00 (1.00-10.00)" in format_table(rows)
    (row,) = csv.DictReader(io.StringIO(format_csv(rows)))
    assert row == {
        "subnet": WIDTHS.min.name,
        "anchor": "MIN 0.25",
        "macs": str(PRICE(WIDTHS.min).macs),
        "params": str(PRICE(WIDTHS.min).params),
        "latency_s": "0.002",
    }


def test_summary_counts_every_member():
    space = build_space("data_basic")
    text = summarize(space, functools.partial(cost, space.arch))
    assert text.startswith("5,832 sub-nets; costs of all of them")
    assert "0.134" in text
    assert "0.807" in text
    bands = [line for line in text.splitlines() if line.startswith("[")]
    counts = [int(b.split(": ")[1].split(" ")[0].replace(",", "")) for b in bands]
    assert sum(counts) == 5832
    assert 4 <= len(bands) <= 20


def test_summary_of_a_huge_space_is_a_fixed_sample(monkeypatch):
    monkeypatch.setattr("mmtaskssl.subnets.report._MAX_COUNTED", 500)
    space = build_space(
        {
            "kind": "grid",
            "arch": {"kind": "resnet"},
            "stem": range(1, 101),
            "widths": [range(1, 101)] * 2,
            "depths": [[1], [1]],
        }
    )

    def price(subnet: Subnet) -> Cost:
        return Cost(subnet.stem * 10**9, 10**6)

    text = summarize(space, price)
    assert text.startswith("1,000,000 sub-nets; costs of 500 random of them")
    assert text == summarize(space, price)


@pytest.mark.parametrize("preset", ["data_basic", "slimmable_resnet", "routed_resnet"])
def test_plot(preset, tmp_path):
    pytest.importorskip("matplotlib")
    space = build_space(preset)
    price = functools.partial(cost, space.arch)
    rows = make_rows(space, [space[0]], price)
    plot_space(space, rows, price, tmp_path / "space.png")
    assert (tmp_path / "space.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UserError, match="cannot be written"):
        plot_space(space, rows, price, tmp_path / "space.xyz")
    assert [path.name for path in tmp_path.iterdir()] == ["space.png"]
