"""Every config of the installed hosts, with an export in the place of its backbone.

    rewire_hosts.py EXPORT_DIR [--every 20] [--hosts mmdet ...] [--rows ROWS.jsonl]
                    [--out HOSTS.json] [--page docs/robustness.md]

Each config is read as ``backbone=EXPORT_DIR`` reads it, which ends with one pass of the
rewired model on tensors without memory. Configs that build the same model are tried
once. Of each combination of backbone, neck and head types the first model that fits
is built, its layers shrunk, and trains one step on two tiny images. The tables say
how many fit, train, are refused in a sentence, by reason, and how many end in another
error, which none should. With --rows what was found is kept in a file, and a later
call goes on where an earlier one ended; --out receives the counts and the refused
configs by reason, --page the tables.
"""

import argparse
import hashlib
import importlib.util
import json
import logging
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.logging import MMLogger

from harness.host_rows import exceptions, run_table, summary, tracebacks, with_tables
from harness.host_step import combination, step
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


class Survey:
    """Tries configs, the same model and the same combination of types once.

    Args:
        export: Folder.
        rows: What an earlier call has found.
    """

    def __init__(self, export: str, rows: Sequence[dict[str, Any]] = ()) -> None:
        self.export = export
        self.models = {r["model"]: r for r in rows if "model" in r}
        self.stepped = {r["combination"] for r in rows if "step" in r}

    def row(self, name: str) -> dict[str, Any]:
        """Returns what became of a config.

        Args:
            name: Of the config.

        Returns:
            ``config``: the name; ``rewired``: "fits", "refused: ..." or "traceback:
            ..."; of what could be read ``model``, a hash of it, and ``combination``,
            its types; ``step``: "trained" or why not, of the first to take one.
        """
        try:
            model = load_config(name, {"load_from": None})
        except UserError as error:
            return {"config": name, "rewired": f"refused: {error}"}
        except Exception:  # what is counted here is what should not be
            return {"config": name, "rewired": f"traceback: {traceback.format_exc()}"}
        parts = (model.get("default_scope"), _without(model.get("model", {})))
        key = hash_of(repr(parts))
        row = {"config": name, "model": key}
        row["combination"] = combination(model.get("model", {}))
        if key in self.models:
            known = self.models[key]
            return {**row, "rewired": known["rewired"]}
        self.models[key] = {**row, **self._rewired(name, row["combination"])}
        return self.models[key]

    def _rewired(self, name: str, types: str) -> dict[str, str]:
        try:
            cfg = load_config(name, {"backbone": self.export, "load_from": None})
        except UserError as error:
            return {"rewired": f"refused: {error}"}
        except Exception:  # likewise
            return {"rewired": f"traceback: {traceback.format_exc()}"}
        if types in self.stepped:
            return {"rewired": "fits"}
        self.stepped.add(types)
        return {"rewired": "fits", "step": step(cfg)}


def hash_of(text: str) -> str:
    """Returns a short name of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _without(value: object) -> object:
    if isinstance(value, dict):
        return {k: _without(v) for k, v in value.items() if k not in _ASIDE}
    return [_without(v) for v in value] if isinstance(value, list | tuple) else value


def rows(
    names: Sequence[str], export: str, kept: Path | None
) -> Iterator[dict[str, Any]]:
    """Yields what became of each config, those of an earlier call first."""
    done: dict[str, dict[str, Any]] = {}
    if kept is not None and kept.exists():
        found = map(parse_json, kept.read_text(encoding="utf-8").splitlines())
        done = {row["config"]: row for row in found}
    survey = Survey(export, [*done.values()])
    for name in names:
        if name not in done:
            done[name] = survey.row(name)
            if kept is not None:
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(done[name]) + "\n")
        yield done[name]


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("export", help="folder that tools/export_subnet.py wrote")
    parser.add_argument("--hosts", nargs="+", choices=HOSTS, default=HOSTS)
    parser.add_argument("--every", type=int, default=1, help="of so many configs one")
    parser.add_argument("--rows", type=Path, help="keeps what was found, one a line")
    parser.add_argument("--out", type=Path, help="receives the counts and reasons")
    parser.add_argument("--page", type=Path, help="whose tables are made anew")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if args.every < 1:
        raise BadValue("--every must be 1 or more")
    warnings.filterwarnings("ignore")
    MMLogger.get_current_instance().setLevel(logging.ERROR)
    names = [n for host in args.hosts for n in configs_of(host)[:: args.every]]
    tried = [*rows(names, args.export, args.rows)]
    found = summary(tried)
    if args.page is not None:
        page = args.page.read_text(encoding="utf-8")
        args.page.write_text(with_tables(page, found), encoding="utf-8")
    if args.out is not None:
        args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("\n\n".join([run_table(found), exceptions(found), tracebacks(tried)]))


if __name__ == "__main__":
    run_tool(main)
