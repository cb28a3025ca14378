"""Every config of the installed hosts, with an export in the place of its backbone.

    rewire_hosts.py EXPORT_DIR [--every 20] [--hosts mmdet ...] [--out ROWS.jsonl]

Each config is read as ``backbone=EXPORT_DIR`` reads it, which ends with one pass of the
rewired model on tensors without memory. Configs that build the same model are tried
once. The table says how many fit, how many are refused in a sentence, by kind, and how
many end in another error, which none should. With --out what was found is kept in a
file, and a later call goes on where an earlier one ended.
"""

import argparse
import collections
import importlib.util
import json
import logging
import re
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.logging import MMLogger

from mmtaskssl.config import load_config
from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.families import BadValue, PackageMissing
from mmtaskssl.utils.inputs import parse_json

HOSTS = ("mmdet", "mmseg", "mmselfsup", "mmcls")
#: Of a model, what is no matter of shapes.
_ASIDE = ("data_preprocessor", "train_cfg", "test_cfg", "init_cfg", "pretrained")


def configs_of(host: str) -> list[str]:
    """Returns the names of the configs that a package brings, bases apart."""
    found = importlib.util.find_spec(host)
    if found is None or found.origin is None:
        raise PackageMissing(f"{host} is not installed: leave it out of --hosts")
    root = Path(found.origin).parent / ".mim" / "configs"
    paths = [p.relative_to(root) for p in root.rglob("*.py")]
    return sorted(f"{host}::{p}" for p in paths if "_base_" not in p.parts)


def outcome(name: str, export: str, known: dict[str, str]) -> str:
    """Returns "fits", a refusal, or "traceback: ..." for a config.

    Args:
        name: Of the config.
        export: Folder.
        known: Outcomes by model, which is added to.
    """
    try:
        model = load_config(name, {"load_from": None})
        key = repr((model.get("default_scope"), _without(model.get("model", {}))))
        if key not in known:
            known[key] = _rewired(name, export)
        return known[key]
    except UserError as error:
        return f"refused: {error}"


def _rewired(name: str, export: str) -> str:
    try:
        load_config(name, {"backbone": export, "load_from": None})
    except UserError as error:
        return f"refused: {error}"
    except Exception:  # what is counted here is what should not be
        return f"traceback: {traceback.format_exc()}"
    return "fits"


def _without(value: object) -> object:
    if isinstance(value, dict):
        return {k: _without(v) for k, v in value.items() if k not in _ASIDE}
    return [_without(v) for v in value] if isinstance(value, list | tuple) else value


def kind_of(text: str) -> str:
    """Returns what refusals of one kind have in common."""
    text = " ".join(text.split())
    unread = r"config \S+ cannot be read: .*?(\w+Error|No module|Failed)"
    text = re.sub(unread, r"\1", text)
    text = re.sub(r"export \S+", "export", text)
    return re.sub(r"\d+(, \d+)*", "N", text)[:160]


def rows(
    names: Sequence[str], export: str, out: Path | None
) -> Iterator[tuple[str, str]]:
    """Yields each config and its outcome, those of an earlier call first."""
    done: dict[str, str] = {}
    if out is not None and out.exists():
        done = dict(map(parse_json, out.read_text().splitlines()))
    known: dict[str, str] = {}
    for name in names:
        if name not in done:
            done[name] = outcome(name, export, known)
            if out is not None:
                with out.open("a") as file:
                    file.write(json.dumps([name, done[name]]) + "\n")
        yield name, done[name]


def table(found: Sequence[tuple[str, str]]) -> str:
    """Returns the counts a host, and the refusals by kind, in Markdown."""
    words = ("fits", "refused", "traceback")
    counts = collections.Counter(
        (name.split("::")[0], text.split(":")[0]) for name, text in found
    )
    lines = ["| host | tried | fits | refused | traceback |", "|---|--:|--:|--:|--:|"]
    for host in dict.fromkeys(name.split("::")[0] for name, _ in found):
        numbers = [counts[host, word] for word in words]
        row = [host, sum(numbers), *numbers]
        lines.append(f"| {' | '.join(map(str, row))} |")
    kinds = collections.Counter(kind_of(text) for _, text in found if text != "fits")
    lines += ["", "| times | why not |", "|--:|---|"]
    lines += [f"| {times} | {kind} |" for kind, times in kinds.most_common()]
    return "\n".join(lines)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("export", help="folder that tools/export_subnet.py wrote")
    parser.add_argument("--hosts", nargs="+", choices=HOSTS, default=HOSTS)
    parser.add_argument("--every", type=int, default=1, help="of so many configs one")
    parser.add_argument("--out", type=Path, help="keeps what was found, one a line")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if args.every < 1:
        raise BadValue("--every must be 1 or more")
    warnings.filterwarnings("ignore")
    MMLogger.get_current_instance().setLevel(logging.ERROR)
    names = [n for host in args.hosts for n in configs_of(host)[:: args.every]]
    print(table([*rows(names, args.export, args.out)]))


if __name__ == "__main__":
    run_tool(main)
