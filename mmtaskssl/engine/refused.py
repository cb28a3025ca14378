"""What a training leaves that was refused before its first step."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.runner import BaseLoop, Runner

from mmtaskssl.utils.atomic import atomic_path
from mmtaskssl.utils.errors import UserError

# Of mmengine, beside its checkpoints: the log, and the config by its name.
_LOGS = ("*.log", "vis_data/config.py")


class Begun:
    """Whether a training got as far as its first step.

    Attributes:
        runner: What trains; None: it could not be built.
    """

    runner: Runner | None = None

    def __bool__(self) -> bool:
        # Not `runner.iter`, which would build the loop.
        loop = getattr(self.runner, "_train_loop", None)
        return isinstance(loop, BaseLoop) and loop.iter > 0


@contextlib.contextmanager
def tidied(work_dir: Path) -> Iterator[Begun]:
    """Leaves of a run that was refused what was there before, and maybe its log.

    Args:
        work_dir: Of the training; made if absent, and removed again if it stays empty.

    Raises:
        UserError: As within.
    """
    fresh = not work_dir.exists()
    work_dir.mkdir(parents=True, exist_ok=True)
    before, begun = {*work_dir.iterdir()}, Begun()
    # Those of earlier trainings, in whose place this one writes its own.
    configs = {p: p.read_bytes() for p in before if p.suffix == ".py" and p.is_file()}
    try:
        yield begun
    except UserError:
        if not begun and is_main_process():
            _remove({*work_dir.iterdir()} - before)
            for path, content in configs.items():
                if path.read_bytes() != content:
                    with atomic_path(path) as temporary:
                        temporary.write_bytes(content)
            if fresh:
                with contextlib.suppress(OSError):  # it holds something
                    work_dir.rmdir()
        raise


def _remove(new: set[Path]) -> None:
    for path in new:
        if path.is_file() and path.suffix == ".py":  # the config, as it was read
            path.unlink()
        elif path.is_dir():
            files = {file for file in path.rglob("*") if file.is_file()}
            if files == {file for name in _LOGS for file in path.glob(name)}:
                shutil.rmtree(path)
