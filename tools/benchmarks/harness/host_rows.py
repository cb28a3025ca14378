"""What became of the hosts' configs: rows, counts, and refusals by their reasons."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]


def reason_of(text: str) -> str:
    """Returns what refusals of one reason have in common, as a sentence of its own.

    Args:
        text: The refusal, which may name an export and a config.
    """
    text = " ".join(text.split()).removeprefix("refused: ")
    text = re.sub(r"^config \S+( cannot be read)?: ", "the config\\1: ", text)
    text = re.sub(r"export s\d\S*", "the export", text)
    text = re.sub(r"\d+(, \d+)+", "N, ...", text)
    text = re.sub(r"(No module named '\w+'\)): .*", r"\1", text)
    text = re.sub(r"""(?<![\w.:])/(?:[^\s/"']+/)+(?:\./)*""", "", text)
    return text[:1].upper() + text[1:]


def _is(row: Row, word: str) -> bool:
    return word in (_word(row["rewired"]), _word(row.get("step", "")))


def _word(text: str) -> str:
    return text.partition(":")[0]


def _why(row: Row) -> str:
    refused = _word(row["rewired"]) == "refused"
    return row["rewired"] if refused else row["step"]


def summary(rows: Iterable[Row]) -> dict[str, Any]:
    """Returns the counts a host, and the refused configs by reason.

    Of a combination of backbone, neck and head types whose step was refused, each
    config is.

    Args:
        rows: A line of rewire_hosts.py's file each.

    Returns:
        ``hosts``: ``tried``, ``rewired``, ``refused`` and ``traceback`` are numbers of
        configs, ``combinations`` and ``trained`` of combinations of types, by host;
        ``refused``: names of configs by reason.
    """
    rows = list(rows)
    steps = {r["combination"]: r["step"] for r in rows if r.get("step")}
    hosts: dict[str, Counter[str]] = defaultdict(Counter)
    refused: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        count = hosts[row["config"].partition("::")[0]]
        count["tried"] += 1
        taken = row.get("step")
        if row["rewired"] == "fits":
            count["rewired"] += 1
            row = {**row, "step": steps[row["combination"]]}
        if taken:
            count["combinations"] += 1
            count["trained"] += taken == "trained"
        count["refused"] += _is(row, "refused")
        count["traceback"] += _is(row, "traceback")
        if _is(row, "refused"):
            refused[reason_of(_why(row))].append(row["config"])
    return {
        "hosts": {host: dict(count) for host, count in hosts.items()},
        "refused": dict(sorted(refused.items(), key=lambda one: (-len(one[1]), one))),
    }


def run_table(found: Mapping[str, Any]) -> str:
    """Returns the counts a host, in Markdown.

    Args:
        found: See `summary`.
    """
    columns = {
        "tried": "configs tried",
        "rewired": "rewired",
        "combinations": "combinations of types",
        "trained": "trained one step",
        "refused": "configs refused with a sentence",
        "traceback": "traceback",
    }
    lines = [f"| host | {' | '.join(columns.values())} |"]
    lines.append(f"| --- |{' ---: |' * len(columns)}")
    total: Counter[str] = Counter()
    for host, count in found["hosts"].items():
        total.update(count)
        lines.append(_line(host, [count.get(key, 0) for key in columns]))
    lines.append(_line("all", [total[key] for key in columns]))
    return "\n".join(lines)


def exceptions(found: Mapping[str, Any]) -> str:
    """Returns the refused configs by reason, in Markdown: folders, and how many each.

    Args:
        found: See `summary`.
    """
    lines = ["| configs | why not | which |", "| ---: | --- | --- |"]
    for reason, names in found["refused"].items():
        folders = Counter(name.rpartition("/")[0].replace("::", "/") for name in names)
        which = ", ".join(
            f"{folder} ({times})" if times > 1 else folder
            for folder, times in folders.items()
        )
        lines.append(_line(str(len(names)), [reason.replace("|", "\\|"), which]))
    return "\n".join(lines)


def with_tables(page: str, found: Mapping[str, Any]) -> str:
    """Returns a page with the tables between its marks made anew.

    Args:
        page: Markdown with ``<!-- hosts: run -->`` and ``<!-- hosts: refused -->``,
            each before an ``<!-- hosts: end -->``.
        found: See `summary`.
    """
    for name, table in (("run", run_table(found)), ("refused", exceptions(found))):
        mark, end = f"<!-- hosts: {name} -->", "<!-- hosts: end -->"
        before, _, rest = page.partition(f"{mark}\n")
        after = rest.partition(end)[2]
        page = f"{before}{mark}\n{table}\n{end}{after}"
    return page


def tracebacks(rows: Iterable[Row]) -> str:
    """Returns what should not be there, a config and its last lines each.

    Args:
        rows: See `summary`.
    """
    parts = []
    for row in rows:
        for text in (row["rewired"], row.get("step") or ""):
            if _word(text) == "traceback":
                parts.append(f"{row['config']}\n{text}")
    return "\n".join(parts)


def _line(first: str, rest: Iterable[object]) -> str:
    return f"| {' | '.join([first, *map(str, rest)])} |"
