"""Short trainings of the debug configs."""

import itertools

from mmtaskssl.config import load_config
from mmtaskssl.engine.run import build_runner
from mmtaskssl.engine.run_checks import check_batches

ALGORITHMS = ("mocov2", "byol", "simsiam", "lejepa")
_COUNTER = itertools.count()


def debug_config(algorithm, work_dir, **options):
    """The algorithm's debug config; a dot in an option's key is written ``__``."""
    options = {key.replace("__", "."): value for key, value in options.items()}
    name = f"{algorithm}_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
    cfg = load_config(f"configs/selfsup/{algorithm}/{name}", options)
    cfg.work_dir = str(work_dir)
    cfg.launcher = "none"
    # mmengine's own names have the resolution of a second, and equal names share
    # their state.
    cfg.experiment_name = f"test{next(_COUNTER)}"
    cfg.log_level = "WARNING"
    return cfg


def run(cfg):
    """Trains; returns the runner, whose optimizer and data are still there."""
    runner = build_runner(cfg)
    check_batches(runner)
    runner.train()
    return runner
