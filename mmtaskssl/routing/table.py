"""A routing as text."""

from collections.abc import Mapping
from typing import Any

from ..subnets import Subnet

_ROWS = 10


def routing_table(found: Mapping[str, Any]) -> str:
    """Returns the first of a ranking and MAX, and what may be concluded.

    Args:
        found: What routing.json holds.
    """
    unit = 1 if found["probe"] == "logme" else 100
    kind = "sub-net" if found.get("generic_label", "MAX") == "MAX" else "network"
    lines = [f"  {'rank':>4} {'score':>8} {'95 % interval':>18} {'behind':>8}  {kind}"]
    for rank, row in enumerate(found["ranking"], 1):
        is_largest = _is_generic(row["subnet"], found)
        if rank > _ROWS and not is_largest:
            continue
        cells = f"{'-':>8} {'-':>18} {'-':>8}"
        if row["score"] is not None:
            interval = f"{unit * row['low']:.2f} to {unit * row['high']:.2f}"
            cells = (
                f"{unit * row['score']:>8.2f} {interval:>18} "
                f"{unit * row['behind']:>8.2f}"
            )
        name = found.get("generic_label", "MAX") if is_largest else row["subnet"]
        lines.append(f"  {rank:>4} {cells}  {name}{'  tie' if row['tied'] else ''}")
    lines += [f"note: {note}" for note in found["notes"]]
    for name, row in found["regret"].items():
        lines.append(
            f"  {name:<10} would score {row['paths']} paths, "
            f"regret {unit * row['regret']:.2f}: {row['choice']}"
        )
    for row in found["soft"]:
        lines.append(
            f"  the first {row['first']} together ({row['how']}) score "
            f"{unit * row['score']:.2f}, ahead of the first by "
            f"{unit * row['ahead']:.2f} "
            f"({unit * row['ahead_low']:.2f} to {unit * row['ahead_high']:.2f})"
        )
    lines.append(
        f"\n{sum(found['seconds'].values()):.1f} s; {found['stages_run']} stems and "
        f"stages run in place of {found['stages_without_sharing']}"
    )
    return "\n".join(lines)


def _is_generic(name: str, found: Mapping[str, Any]) -> bool:
    if "generic" in found:
        return name == found["generic"]
    return Subnet.parse(name).path is None  # of an older version
