"""How sub-nets and their results are shown."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..subnets import SearchSpace, Subnet
from ..utils.tables import aligned


def anchor_names(space: SearchSpace, subnet: Subnet) -> str:
    """Returns the names of a sub-net that a space has for it, such as "MIN 0.25".

    Args:
        space: Its anchors have names.
        subnet: Any; "" for one that is no anchor.
    """
    return " ".join(n for n, anchor in space.anchors.items() if anchor == subnet)


def short_name(space: SearchSpace, subnet: Subnet) -> str:
    """Returns the most telling name of a sub-net, such as 0.5, R18 or MAX.

    Args:
        space: Its anchors have names; those of its own come before MAX and MIN.
        subnet: Any. One without an anchor has its canonical name.
    """
    return anchor_names(space, subnet).rpartition(" ")[2] or subnet.name


def format_subnets(
    rows: Sequence[Mapping[str, Any]], methods: Sequence[str], image_size: int
) -> str:
    """Returns one line per sub-net: costs, what each method found, and the rank.

    Args:
        rows: As `evaluate_subnets` makes them.
        methods: The keys of their ``results`` to show.
        image_size: Side of the images, which MACs are counted at.
    """
    first = rows[0]["results"][methods[0]]
    metric = next(iter(first["metrics"]))
    head = ["name", "sub-net", "M MACs", "M params", "dim"]
    table = [[*head, *(f"{name} {metric}" for name in methods), "rank"]]
    for row in rows:
        costs = [f"{row[key] / 1e6:.3f}" for key in ("macs", "params")]
        scores = [_score(row["results"][name]["metrics"][metric]) for name in methods]
        rank = f"{row['effective_rank']:.1f}"
        table.append(
            [row["name"], row["subnet"], *costs, str(row["dim"]), *scores, rank]
        )
    lines = aligned(table, names=2)
    shots = f", {first['shots']} shots a class" if first["shots"] else ""
    lines.append(
        f"{first['train_images']:,} training images{shots}, "
        f"{first['test_images']:,} test images, {first['classes']} classes; {metric} "
        f"in %, MACs at {image_size} px, effective rank of the test features"
    )
    return "\n".join(lines + [f"note: {note}" for note in first["notes"]])


def _score(value: dict[str, Any]) -> str:
    spread = "" if value["std"] is None else f" +- {value['std']:.2f}"
    return f"{value['mean']:.2f}{spread}"
