"""The table of past studies by which a diagnosis predicts gains, made anew.

    past_studies.py --data DIR --weights FILE --work-dir OUT [--records RECORD ...]

DIR holds pool/images and classification/NAME; FILE EfficientNet-Lite0's ImageNet
weights, by timm's names. Gains are read from results/starts.json, that of
starts_evidence.py: on test images, a continued start above the same start as it is.
Each target of it is diagnosed, at the side that it was measured at and at twice that,
as `customize` does; RECORDs are those of finished runs of `customize`, each of which
adds a target. The table is written to mmtaskssl/customize/diagnosis/past_studies.json.

Interrupted, it continues with the same command. Delete OUT to measure anew.
"""

import argparse
import json
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmtaskssl.customize import diagnosis
from mmtaskssl.customize.diagnosis.diagnose import diagnose
from mmtaskssl.customize.diagnosis.past_studies import FILE, PastStudies, PastStudy
from mmtaskssl.customize.diagnosis.recommend import LEVERS, figures_of
from mmtaskssl.customize.inspection.inspect import inspect
from mmtaskssl.customize.starts import Start
from mmtaskssl.features.extract import extract
from mmtaskssl.utils.atomic import write_text
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.inputs import read_json
from mmtaskssl.utils.tables import head, row
from studies.public import NETWORK

_STARTS = Path(__file__).parent / "results" / "starts.json"
_TABLE = Path(diagnosis.__file__).parent / FILE
_RESULT = re.compile(r"seed(\d+)/results/(\d+)px-(.+)-(\w+)\.json")
#: Arms of starts_evidence.py, by what `customize` calls them.
_ARMS = {"selfres-sept": "continued", "selfres-random": "continued-random"}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, type=Path, metavar="DIR")
    parser.add_argument("--weights", required=True, metavar="FILE")
    parser.add_argument("--work-dir", required=True, type=Path, metavar="OUT")
    parser.add_argument("--records", nargs="+", default=[], metavar="RECORD")
    parser.add_argument("--table", type=Path, default=_TABLE, help="where it goes")
    args = parser.parse_args(argv)
    rows = [*_of_starts(args), *(_of_record(read_json(r)) for r in args.records)]
    records = " --records RECORD ..." if args.records else ""
    command = f"past_studies.py --data DIR --weights FILE --work-dir OUT{records}"
    table = PastStudies(rows, command)
    write_text(args.table, _text(table))
    print("\n".join(_shown(table)))


def _of_starts(args: argparse.Namespace) -> Iterator[PastStudy]:
    """Joins the figures of starts_evidence.py with diagnoses of its targets."""
    tests: dict[tuple[int, str], dict[str, list[float]]] = {}
    for name, figures in read_json(_STARTS).items():
        _, side, arm, target = _RESULT.fullmatch(name).groups()
        arms = tests.setdefault((int(side), target), {})
        arms.setdefault(arm, []).append(figures["test"]["linear"])
    start = Start.parse(f"{NETWORK}={args.weights}")
    images = args.data / "pool" / "images"
    for (side, target), arms in sorted(tests.items()):
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
        public = arms["public"][0]
        yield PastStudy(
            "starts",
            target,
            NETWORK,
            side,
            min(len(arms[arm]) for arm in _ARMS),
            {k: round(v, 3) for k, v in figures_of(said.best, said.likeness).items()},
            {
                lever: round(statistics.fmean(arms[arm]) - public, 3)
                for arm, lever in _ARMS.items()
            },
        )


def _of_record(record: Mapping[str, Any]) -> PastStudy:
    """Reads the target of a finished run of `customize`."""
    said, arms = record["diagnosis"], {}
    for arm in record["arms"]:
        if arm["name"] in LEVERS and arm.get("test"):
            arms[arm["name"]] = arm
    own = arms["start"]
    begun = next(
        s for s in said["starts"] if s["name"] == said["recommendation"]["start"]
    )
    before = {"linear": begun["sides"][0]["mean"]["linear"]}
    if begun["headroom"]:
        before["headroom"] = begun["headroom"][0]
    if said["likeness"]["closest"] is not None:
        before["closeness"] = said["likeness"]["closest"]
    root = Path(said["inputs"]["target"]["root"])
    public = statistics.fmean(own["test"]["linear"])
    return PastStudy(
        "customize",
        root.parent.name if root.name == "train" else root.name,
        begun["name"],
        own["side"],
        min(
            len(arm["test"]["linear"]) for name, arm in arms.items() if name != "start"
        ),
        {k: round(v, 3) for k, v in before.items()},
        {
            name: round(statistics.fmean(arm["test"]["linear"]) - public, 3)
            for name, arm in arms.items()
            if name != "start"
        },
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
    yield from head(["study", "target", "headroom", *levers, "continued, predicted"])
    for one in table.rows:
        others = table.without(one.target)
        guess = others.predict("continued", one.before)
        yield row(
            [
                one.study,
                one.target,
                f"{one.before.get('headroom', float('nan')):.1f}",
                *(
                    f"{one.gains[name]:+.1f}" if name in one.gains else "-"
                    for name in levers
                ),
                "-" if guess is None else f"{guess.gain:+.1f}",
            ]
        )


if __name__ == "__main__":
    run_tool(main)
