"""A selection's main figures, for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def summary_table(summary: Mapping[str, Any]) -> str:
    """Returns the main figures of summary.json, a line each."""
    similarity, queries = summary["similarity"], summary["queries"]
    chosen, anywhere = similarity["selected"], similarity["random_pool"]
    rows: list[tuple[str, Any]] = [
        ("selected", f"{summary['selected']:,} of {summary['pool']['images']:,}"),
        ("policy", f"{summary['policy']}, seed {summary['seed']}"),
        (
            "similarity to target (median)",
            f"{chosen['q50']:.3f} selected, {anywhere['q50']:.3f} random pool image",
        ),
        ("target images served", f"{queries['served']:,} of {queries['queries']:,}"),
        (
            "images per target image",
            f"{queries['images_per_query_min']} to {queries['images_per_query_max']}, "
            f"median {queries['images_per_query_median']:g}",
        ),
    ]
    if searched := summary.get("approximate"):
        found = f"{searched['recall']:.1%} of the nearest {searched['recall_k']:,}"
        rows.append(("approximate search", f"{found} found"))
    if copies := summary["pool"].get("copies"):
        rows.append(("copies in the pool", f"{copies:,} left out"))
    rows += [
        (
            f"for {Path(one['store']).name}",
            f"{one['selected']:,}"
            + (f" of {one['wanted']:,} wanted" if "wanted" in one else ""),
        )
        for one in summary["target"].get("selected", ())
    ]
    rows += [
        (
            f"source {name}",
            f"{share['selected_share']:6.1%} selected, "
            f"{share['pool_share']:6.1%} of the pool",
        )
        for name, share in summary.get("sources", {}).items()
    ]
    return "\n".join(f"  {name:<30} {value}" for name, value in rows)
