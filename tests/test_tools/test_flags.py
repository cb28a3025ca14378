"""Flags that errors name: every tool that can need one has it, by the same name."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from mmtaskssl.datasets.pixel_limit import MAX_PIXELS_VARIABLE
from mmtaskssl.utils.paths import resource_root
from tests.test_tools._tools import load_tool

# What the tools read that others may have made.
_CHECKPOINTS = {
    "analysis_tools/draw_predictions",
    "benchmarks/classification/finetune_grid",
    "benchmarks/speed_subnet_search",
    "branch",
    "calibrate_bn",
    "cluster_data",
    "controls",
    "eval_knn",
    "eval_linear",
    "eval_transfer",
    "evaluate",
    "export_subnet",
    "extract_features",
    "line_search",
    "model_converters/convert_names",
    "model_converters/publish_model",
    "route_subnet",
    "search_subnet",
    "select_data",
    "test",
    "train",
}
_IMAGES = {
    "benchmarks/customize_evidence",
    "benchmarks/data_evidence",
    "benchmarks/dspnet_evidence",
    "benchmarks/duplicates_evidence",
    "benchmarks/export_hosts",
    "benchmarks/leak_evidence",
    "benchmarks/objectives_evidence",
    "benchmarks/queue_evidence",
    "benchmarks/routed_evidence",
    "benchmarks/sdr_evidence",
    "benchmarks/search_evidence",
    "benchmarks/selection_policies",
    "benchmarks/sept_evidence",
    "benchmarks/specialists_evidence",
    "benchmarks/starts_evidence",
    "benchmarks/students_evidence",
    "benchmarks/transfer_evidence",
    "customize",
    "deduplicate",
    "quickstart",
    *_CHECKPOINTS,
} - {
    "export_subnet",
    "model_converters/convert_names",
    "model_converters/publish_model",
}


# One of them is in whatever has a command line.
_PARSERS = ("argparse", "mmtaskssl.cli", "study_parser")


def _tools():
    root = resource_root("tools")
    files = sorted(
        p
        for p in root.rglob("*.py")
        if p.parent.name not in ("studies", "harness")  # parts of scripts
        and any(word in p.read_text() for word in _PARSERS)
    )
    return [p.relative_to(root).with_suffix("").as_posix() for p in files]


def _help(name):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit):
        load_tool(name).main(["--help"])
    return said.getvalue()


@pytest.mark.parametrize("name", _tools())
def test_a_tool_has_the_flags_of_what_it_reads(name):
    flags = set(re.findall(r"--[a-z-]+", _help(name)))
    assert ("--trust-checkpoint" in flags) == (name in _CHECKPOINTS)
    assert ("--max-pixels" in flags) == (name in _IMAGES)
    assert not flags & {"--unsafe", "--trust", "--allow-pickle", "--weights-only"}


def test_no_other_flag_opens_a_pickle():
    """The sentences of the doors name these two flags alone."""
    package = Path(__file__).resolve().parents[2] / "mmtaskssl"
    doors = [*package.glob("weights/*.py"), package / "datasets" / "pixel_limit.py"]
    named = set()
    for path in doors:
        named |= set(re.findall(r"--[a-z][a-z-]+", path.read_text(encoding="utf-8")))
    assert named == {"--trust-checkpoint", "--max-pixels"}


def test_the_limit_is_set_before_anything_is_read(monkeypatch):
    monkeypatch.setenv(MAX_PIXELS_VARIABLE, "7")
    from mmtaskssl.cli.select_data import make_parser
    from mmtaskssl.datasets.pixel_limit import max_pixels

    begin = ["--pool", "p", "--target", "t", "--budget", "1", "--out", "o"]
    make_parser().parse_args([*begin, "--max-pixels", "200000000"])
    assert max_pixels() == 200_000_000
