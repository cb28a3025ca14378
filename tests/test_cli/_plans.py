"""Plans beside what the commands then take."""

from pathlib import Path

import pytest

from mmtaskssl.cli import plans

NETWORK = ["--model", "torchvision:resnet18", "--weights", "random", "--device", "cpu"]
NETWORK += ["--image-size", "32", "--workers", "0"]


def plan_and_run(command, plan, argv, out):
    """Returns the plan, and the bytes that the command then wrote."""
    args = command.make_parser().parse_args([*argv, "--dry-run"])
    found = getattr(plans, plan)(args, [*argv, "--dry-run"])
    assert not Path(out).exists() and found.seconds > 0 and found.memory > 1e7
    command.main(argv)
    return found, sum(p.stat().st_size for p in Path(out).rglob("*") if p.is_file())


def near(planned, found):
    return planned == pytest.approx(found, rel=0.15)
