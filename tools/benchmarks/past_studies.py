"""The table of past studies by which a diagnosis predicts gains, made anew.

    past_studies.py --data DIR --weights FILE --work-dir OUT [--runs RUN ...]

DIR holds pool/images and classification/NAME; FILE EfficientNet-Lite0's ImageNet
weights, by timm's names. Gains are read from results/starts.json, that of
starts_evidence.py: on test images, a continued start above the same start as it is.
Each target of it is diagnosed, at the side that it was measured at and at twice that,
as `customize` does. All targets of results/customize.json and customize_long.json,
those of customize_evidence.py, are there once more, with gains on folds of the training
images; RUNs are folders of further finished runs of `customize`. The table is written
to mmtaskssl/customize/diagnosis/past_studies.json.

Interrupted, it continues with the same command. Delete OUT to measure anew.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmtaskssl.customize import diagnosis
from mmtaskssl.customize.diagnosis.diagnose import diagnose
from mmtaskssl.customize.diagnosis.past_studies import (
    FILE,
    UNTRAINED,
    PastStudies,
    PastStudy,
    Prediction,
)
from mmtaskssl.customize.diagnosis.recommend import before_of
from mmtaskssl.customize.inspection.inspect import inspect
from mmtaskssl.customize.starts import Start
from mmtaskssl.features.extract import extract
from mmtaskssl.utils.atomic import write_text
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.inputs import read_json
from mmtaskssl.utils.tables import head, row
from studies.customizing import figures_of
from studies.past import gains_of_starts, row_of_customization, rows_of_customizing
from studies.public import NETWORK

_RESULTS = Path(__file__).parent / "results"
_STARTS = _RESULTS / "starts.json"
_CUSTOMIZE = _RESULTS / "customize.json", _RESULTS / "customize_long.json"
_TABLE = Path(diagnosis.__file__).parent / FILE


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, type=Path, metavar="DIR")
    parser.add_argument("--weights", required=True, metavar="FILE")
    parser.add_argument("--work-dir", required=True, type=Path, metavar="OUT")
    parser.add_argument("--runs", nargs="+", default=[], type=Path, metavar="RUN")
    parser.add_argument("--table", type=Path, default=_TABLE, help="where it goes")
    args = parser.parse_args(argv)
    rows = [*_of_starts(args)]
    for file in _CUSTOMIZE:
        rows += rows_of_customizing(read_json(file))
    for run in args.runs:
        row = row_of_customization(run.resolve().name, figures_of(run))
        rows += [] if row is None else [row]
    runs = " --runs RUN ..." if args.runs else ""
    command = f"past_studies.py --data DIR --weights FILE --work-dir OUT{runs}"
    table = PastStudies(rows, command)
    write_text(args.table, _text(table))
    print("\n".join(_shown(table)))


def _of_starts(args: argparse.Namespace) -> Iterator[PastStudy]:
    """Joins the figures of starts_evidence.py with diagnoses of its targets."""
    start = Start.parse(f"{NETWORK}={args.weights}")
    images = args.data / "pool" / "images"
    for (side, target), (seeds, gains) in gains_of_starts(read_json(_STARTS)).items():
        found = inspect(
            images,
            args.data / "classification" / target,
            out=args.work_dir / f"inspected-{target}",
            log=print,
        )
        pool = extract(
            start.network,
            images,
            image_size=2 * side,
            out=args.work_dir / f"pool-{2 * side}px",
            log=print,
        )
        said = diagnose(
            found,
            [start],
            sides=(side, 2 * side),
            pool=pool,
            studies=PastStudies([]),  # which are being made
            out=args.work_dir / f"diagnosis-{side}px-{target}",
            log=print,
        )
        print(said)
        before = before_of(said.best, said.likeness)
        yield PastStudy(
            *("starts", target, NETWORK, side, seeds),
            {name: round(value, 3) for name, value in before.items()},
            gains,
        )


def _text(table: PastStudies) -> str:
    """Returns the file's content, a study a line."""
    found = table.to_dict()
    studies = ",\n".join(f"  {json.dumps(one)}" for one in found.pop("studies"))
    first = json.dumps(found)[1:-1]
    return f'{{{first}, "studies": [\n{studies}\n]}}\n'


def _shown(table: PastStudies) -> Iterator[str]:
    """Yields the table in Markdown, and each lever's cross-fitted predictions."""
    levers = sorted({lever for one in table.rows for lever in one.gains})
    yield from head(["study", "target", "start", "headroom", "lead", *levers])
    for one in table.rows:
        others = table.without(one.target)
        begun = one.start == UNTRAINED
        others = others.without_start() if begun else others.with_start()
        figures = (one.before.get(name) for name in ("headroom", "lead"))
        yield row(
            [
                *(one.study, one.target, one.start),
                *("-" if value is None else f"{value:.1f}" for value in figures),
                *(
                    _gain(one.gains.get(n), others.predict(n, one.before))
                    for n in levers
                ),
            ]
        )


def _gain(found: float | None, predicted: Prediction | None) -> str:
    """Returns a gain, and what was predicted without studies of its target."""
    gain = "-" if found is None else f"{found:+.1f}"
    return gain if predicted is None else f"{gain} ({predicted.gain:+.1f})"


if __name__ == "__main__":
    run_tool(main)
