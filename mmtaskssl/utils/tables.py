"""Tables, in Markdown and aligned, and how repeated measurements stand in them."""

import statistics
from collections.abc import Iterable, Sequence


def row(cells: Iterable[str]) -> str:
    """Returns a line of a table."""
    return f"| {' | '.join(cells)} |"


def head(names: Sequence[str]) -> list[str]:
    """Returns the two lines that a table of columns ``names`` begins with."""
    return [row(names), row(["---"] * len(names))]


def aligned(table: Sequence[Sequence[str]], names: int) -> list[str]:
    """Returns the lines of a table for a terminal.

    Args:
        table: Rows of equally many cells.
        names: Columns that are set to the left; the others, numbers, to the right.
    """
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place < names else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]


def spread(values: Iterable[float], digits: int = 1, sign: bool = False) -> str:
    """Returns mean ± sample standard deviation.

    Args:
        values: One a repetition; of one the value, of none a dash.
        digits: Behind the point.
        sign: Whether a positive mean shows its own.
    """
    values = list(values)
    if not values:
        return "-"
    mean = f"{statistics.mean(values):{'+' if sign else ''}.{digits}f}"
    if len(values) < 2:
        return mean
    return f"{mean} ± {statistics.stdev(values):.{digits}f}"


def difference(values: Sequence[float]) -> str:
    """Returns the mean of paired differences ± its standard error."""
    if not values:
        return "-"
    mean = f"{statistics.mean(values):+.1f}"
    if len(values) < 2:
        return mean
    return f"{mean} ± {statistics.stdev(values) / len(values) ** 0.5:.1f}"


def quartiles(values: Sequence[float], digits: int, width: int = 0) -> str:
    """Returns median and quartiles.

    Args:
        values: Two or more.
        digits: Behind the point.
        width: Least number of characters of the median.
    """
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    median = f"{statistics.median(values):.{digits}f}"
    return f"{median:>{width}} [{low:.{digits}f}, {high:.{digits}f}]"
