"""The test of a config's own package, as a function of values."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..config import default_work_dir, load_config
from ..runs import OutputFile
from .isolation import isolated
from .run import test


def run_test(
    config: str | os.PathLike | Config,
    checkpoint: str | os.PathLike,
    *,
    work_dir: str | os.PathLike | None = None,
    predictions: str | os.PathLike | None = None,
    overwrite: bool = False,
    cfg_options: Mapping[str, Any] | None = None,
    launcher: str = "none",
    trust: bool = False,
) -> dict[str, float]:
    """Tests a checkpoint with its config's own test data and evaluators.

    Args:
        config: See `pretrain`, as for ``cfg_options``, ``launcher`` and
            ``trust``.
        checkpoint: Of a training with this config.
        work_dir: Receives logs; see `pretrain`.
        predictions: A ``.pkl`` file that receives the predictions.
        overwrite: Replace a file that stands there.
        cfg_options: See above.
        launcher: See above.
        trust: See above.

    Returns:
        Metrics by name, as the config's evaluators call and scale them.

    Raises:
        UserError: The config has no test, or cannot be used; or ``predictions`` exists.
    """
    if predictions is not None:
        OutputFile(Path(predictions)).check(overwrite)
    with isolated():
        cfg = load_config(config, cfg_options)
        name = cfg.filename if isinstance(config, Config) else os.fspath(config)
        cfg.work_dir = str(work_dir or default_work_dir(cfg, name or "config.py"))
        cfg.launcher = launcher
        cfg.load_from, cfg.resume = os.fspath(checkpoint), False
        dump = None if predictions is None else os.fspath(predictions)
        return test(cfg, dump, trust)
