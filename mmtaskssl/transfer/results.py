"""What a training's work dir tells about it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..config.dumped_config import read_dumped_config
from ..utils.families import FileFormat, NotAResult, SystemRefused
from ..utils.inputs import open_text, parse_json
from ..utils.tables import head, row, spread

# The hosts' names, in the order of our tables.
METRICS = (
    "mAP",
    "mAP_11point",
    "AP50",
    "AP75",
    "bbox_mAP",
    "bbox_mAP_50",
    "bbox_mAP_75",
    "segm_mAP",
    "segm_mAP_50",
    "segm_mAP_75",
    "mIoU",
    "aAcc",
    "top1",
    "top5",
    "mean_per_class",
)
_SCALARS = "vis_data/scalars.json"
# Detection metrics are fractions, segmentation's and classification's per cent.
_FRACTIONS = ("pascal_voc/", "coco/")
# What may differ between runs that are compared: seed, place, logs, and the backbone,
# which has a name of its own.
_OWN = (
    "randomness.seed",
    "work_dir",
    "load_from",
    "resume",
    "launcher",
    "log_level",
    "experiment_name",
    "default_hooks.",
    "log_processor.",
    "train_cfg.val_interval",
    "export.",
    "model.backbone.",
    "data_root",
    "visualizer.",
    "vis_backends.",
    "env_cfg.",
)


@dataclass(frozen=True)
class Run:
    """One training on a downstream task.

    Attributes:
        folder: The work dir.
        task: Name of its config.
        backbone: Sub-net and weights; runs that differ in the seed alone share it.
        seed: None where the config fixes none.
        curves: Of each metric in per cent, and of "loss": pairs of step and value.
        options: The rest of its config, dotted keys and values as text.
    """

    folder: Path
    task: str
    backbone: str
    seed: int | None
    curves: dict[str, list[tuple[int, float]]] = field(repr=False)
    options: dict[str, str] = field(repr=False, default_factory=dict)

    @property
    def metrics(self) -> dict[str, float]:
        """Last value of each metric, in the order of `METRICS`."""
        return {
            name: self.curves[name][-1][1] for name in METRICS if name in self.curves
        }


def read_run(folder: str | Path) -> Run:
    """Reads the logs that mmengine left in a work dir.

    Args:
        folder: As given to ``tools/train.py --work-dir``; a training that was resumed
            has several logs in it, which are joined. Of trainings that began anew the
            last counts; logs of tools/test.py do not, beside a training's.

    Raises:
        UserError: No logs there, or damaged ones, or a dumped config that holds more
            than values: it is read, not run.
    """
    folder = Path(folder)
    curves: dict[str, dict[int, float]] = {}
    cfg: dict[str, Any] = {}
    for rows, cfg in _training_logs(folder):  # noqa: B007  the last one's config counts
        for name, curve in _curves(rows).items():
            curves.setdefault(name, {}).update(curve)
    export = cfg.get("export") or {}
    names = [path.stem for path in folder.glob("*.py")]
    return Run(
        folder,
        names[0] if len(names) == 1 else folder.name,
        _backbone(export),
        (cfg.get("randomness") or {}).get("seed"),
        {name: sorted(curve.items()) for name, curve in curves.items()},
        {
            key: value
            for key, value in _flat(cfg).items()
            if not key.startswith(_OWN) and not key.endswith(".data_root")
        },
    )


def _flat(value: Any, key: str = "") -> dict[str, str]:
    """Returns the leaves of a config as text, below dotted keys."""
    if isinstance(value, list | tuple) and any(isinstance(v, dict) for v in value):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return {key: str(value)}
    leaves = {}
    for name, item in value.items():
        leaves |= _flat(item, f"{key}.{name}" if key else str(name))
    return leaves


def _backbone(export: dict[str, str]) -> str:
    if not export:
        return "the config's own"
    if export["weights"] == "untrained":
        return f"{export['subnet']} untrained"
    # EXPORTS/NAME/weights.pth: a sub-net's own name does not tell methods apart.
    return "/".join(Path(export["weights"]).parts[-3:-1])


def training_rows(folder: str | Path) -> list[dict[str, Any]]:
    """Returns what the training in a work dir logged, in its order.

    Args:
        folder: See `read_run`. Steps that a resumed training did again count once.

    Raises:
        UserError: See `read_run`.
    """
    found: dict[tuple, dict[str, Any]] = {}
    for rows, _ in _training_logs(Path(folder)):
        for entry in rows:
            kind = "loss" if "loss" in entry else tuple(sorted(entry))
            found[kind, entry.get("step")] = entry
    return list(found.values())


def _training_logs(folder: Path) -> list[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Returns rows and config of each log of the last training that began anew."""
    logs = sorted(folder.glob(f"*/{_SCALARS}"))
    if not logs:
        raise NotAResult(f"{folder} is no work dir of a training: no */{_SCALARS}")
    found: list[tuple[list[dict[str, Any]], dict[str, Any]]] = []
    trained = False
    for log in logs:
        rows = list(_rows(log))
        trains = any("loss" in row for row in rows)
        if trained and not trains:
            continue
        config = log.parent / "config.py"
        cfg = read_dumped_config(config) if config.exists() else {}
        if not cfg.get("resume"):
            found, trained = [], False
        found.append((rows, cfg))
        trained = trained or trains
    return found


def _curves(rows: list[dict[str, Any]]) -> dict[str, dict[int, float]]:
    curves: dict[str, dict[int, float]] = {}
    trained = 0
    for entry in rows:
        step = entry.get("step", 0)
        if "loss" in entry:
            trained = step
        for key, value in entry.items():
            name = key.rsplit("/", 1)[-1]
            if name in METRICS:
                scale = 100 if key.startswith(_FRACTIONS) else 1
                # mmengine counts metrics in epochs, of which there may be none.
                curves.setdefault(name, {})[max(step, trained)] = scale * value
            elif key == "loss":
                curves.setdefault(name, {})[step] = value
    return curves


def _rows(log: Path) -> Iterator[dict[str, Any]]:
    lines = 0
    try:
        with open_text(log) as file:
            for line in file:
                lines += 1
                row = parse_json(line)
                if not isinstance(row, dict):
                    raise FileFormat(f"{log}, line {lines}, is no JSON object")
                yield row
    except (OSError, UnicodeDecodeError) as error:
        raise SystemRefused(f"log {log} cannot be read: {error}") from error
    except ValueError as error:
        raise FileFormat(f"{log}, line {lines}, is no JSON ({error})") from error


def find_runs(folders: Iterable[str | Path]) -> list[Run]:
    """Reads work dirs, or folders that hold work dirs at any depth.

    Raises:
        UserError: One of them holds none.
    """
    runs = []
    for folder in map(Path, folders):
        below = {log.parents[2] for log in folder.glob(f"**/{_SCALARS}")}
        if not below:
            raise NotAResult(f"{folder} holds no work dir of a training")
        runs += [read_run(path) for path in sorted(below)]
    return runs


def comparison_table(rows: dict[str, list[dict[str, float]]], first: str) -> str:
    """Returns a Markdown table, a row for each group of seeds.

    Args:
        rows: Metrics of every seed, by the row's title.
        first: Title of the column of titles.
    """
    found = [
        m for m in METRICS if any(m in run for runs in rows.values() for run in runs)
    ]
    lines = head([first, "seeds", *found])
    for title, runs in rows.items():
        cells = []
        for metric in found:
            values = [run[metric] for run in runs if metric in run]
            cells.append(spread(values) if values else "")
        lines.append(row([title, str(len(runs)), *cells]))
    return "\n".join(lines) + "\n"
