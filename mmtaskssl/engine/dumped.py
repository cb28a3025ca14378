"""The config that a training writes beside its checkpoints."""

from pathlib import Path

from mmengine.runner import Runner

from mmtaskssl.utils.atomic import write_text

_MARK = "# A config as it was spread for a training, written by mmtaskssl.\n"


def dump_config(runner: Runner) -> Path:
    """Writes a training's config, never over a file that somebody else wrote.

    Args:
        runner: Of the training.

    Returns:
        The file: of the config's name or, where that is taken, of the time.
    """
    given = runner.cfg.filename
    if given is not None:
        place = Path(runner.work_dir, Path(given).name).with_suffix(".py")
        if not place.exists() or _is_ours(place):
            write_text(place, _MARK + runner.cfg.pretty_text)
            return place
    other = Path(runner.work_dir, f"{runner.timestamp}.py")
    write_text(other, _MARK + runner.cfg.pretty_text)
    if given is not None:
        runner.logger.info(
            f"{place} is not of a training and stays: the config as it was spread is "
            f"{other.name}"
        )
    return other


def _is_ours(place: Path) -> bool:
    try:
        with open(place, encoding="utf-8", errors="replace") as file:
            return file.readline() == _MARK
    except OSError:
        return False
