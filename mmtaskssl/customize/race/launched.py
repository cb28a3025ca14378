"""Trainings that are started as on a cluster: by torchrun, by SLURM, by submitit."""

import functools
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

from ...utils.apart import call_apart
from ...utils.errors import option
from ...utils.families import BadLaunch, PackageMissing
from ...utils.paths import resource_root
from ...utils.steps import Steps, failure

LAUNCHERS = ("none", "pytorch", "slurm", "submitit")
_MOST_JOBS = 64
_NODE = 8  # processes that tools/slurm_train.sh starts unless GPUS says how many


def make_steps(
    launcher: str, log_dir: Path, show: Callable[[str], None], jobs: Mapping[str, str]
) -> Steps:
    """Returns what runs trainings.

    Args:
        launcher: ``none``: processes of this machine, two at a time; ``pytorch``: one
            after another, each in GPUS processes of this machine; ``slurm``: jobs of
            GPUS processes in PARTITION, at once; ``submitit``: jobs of one process,
            at once, on the cluster that submitit finds, or on this machine.
        log_dir: See `Steps`.
        show: See `Steps`.
        jobs: Settings of jobs: those of the environment that tools/dist_train.sh and
            tools/slurm_train.sh read (GPUS, PARTITION, SRUN_ARGS, ...); of submitit the
            parameters of its executor, such as ``timeout_min``.

    Raises:
        UserError: SLURM without a partition, or submitit is not installed.
    """
    if launcher == "none":
        return Steps(log_dir, show, preload=("mmtaskssl.engine.pretrain",))
    if launcher == "submitit":
        return SubmittedSteps(log_dir, show, jobs)
    if launcher == "slurm" and not jobs.get("PARTITION", os.environ.get("PARTITION")):
        raise BadLaunch(
            f"{option('launcher')} slurm needs a partition: {option('jobs')} "
            "PARTITION=NAME"
        )
    return ScriptedSteps(log_dir, show, launcher, jobs)


class ScriptedSteps(Steps):
    """Steps that tools/dist_train.sh or tools/slurm_train.sh start.

    Args:
        log_dir: See `Steps`.
        show: See `Steps`.
        launcher: "pytorch" or "slurm".
        jobs: Added to the environment.
    """

    def __init__(
        self,
        log_dir: Path,
        show: Callable[[str], None],
        launcher: str,
        jobs: Mapping[str, str],
    ) -> None:
        super().__init__(log_dir, show, {"PYTHON": sys.executable, **jobs})
        self.launcher = launcher

    @property
    def processes(self) -> int:
        """See `Steps`; the scripts' own default is that of SLURM's nodes."""
        given = {**os.environ, **self.env}.get("GPUS")
        return int(given or (_gpus() if self.launcher == "pytorch" else _NODE))

    def command(self, line: Sequence[str]) -> list[str]:
        """Returns the command of a step.

        Args:
            line: Of ``mmtaskssl``: ``pretrain CONFIG`` and more.
        """
        config, *rest = line[1:]
        env = {**os.environ, **self.env}
        tools = resource_root("tools")
        if self.launcher == "pytorch":
            head = [
                "bash",
                f"{tools}/dist_train.sh",
                config,
                env.get("GPUS") or _gpus(),
            ]
        else:
            name = Path(config).stem
            head = ["bash", f"{tools}/slurm_train.sh", env["PARTITION"], name, config]
        return [*head, *rest]

    def help(
        self, name: str, most: int, function: Callable[..., Any], *arguments: Any
    ) -> None:
        """See `Steps`; of this machine's GPUs each, where there are several."""
        count = int({**os.environ, **self.env}.get("GPUS") or _gpus())
        if self.launcher != "pytorch" or min(count, most) < 2:
            return

        # Before any process is started, which takes the environment for a moment.
        devices = [_device(number) for number in range(min(count, most))]

        def call(number: int) -> None:
            env = {"CUDA_VISIBLE_DEVICES": devices[number]}
            log = _log_of(self.log_dir, name, number)
            if call_apart(function, arguments, {}, log, env=env):
                raise failure(f"{name} failed", log)

        _at_once(functools.partial(call, n) for n in range(len(devices)))

    def run_several(self, calls: Iterable[Callable[[], None]]) -> None:
        """See `Steps`."""
        if self.launcher == "pytorch":  # which each have all GPUs
            for call in calls:
                call()
        else:
            _at_once(calls)

    def _start(
        self,
        function: Callable[..., Any] | str,
        arguments: Sequence[Any],
        options: Mapping[str, Any],
        log: Path,
    ) -> int:
        with open(log, "wb") as file:
            return subprocess.run(
                self.command(arguments[0]),
                env={**os.environ, **self.env},
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode


class SubmittedSteps(Steps):
    """Steps that are jobs of submitit.

    Args:
        log_dir: See `Steps`; jobs' own files lie in ``jobs`` there.
        show: See `Steps`.
        parameters: Of submitit's executor; numbers are read as such.
    """

    def __init__(
        self,
        log_dir: Path,
        show: Callable[[str], None],
        parameters: Mapping[str, str],
    ) -> None:
        super().__init__(log_dir, show)
        submitit = _submitit()
        folder = self.log_dir / "jobs"
        cluster = parameters.get("cluster")
        given = {
            k: int(v) if v.isdecimal() else v
            for k, v in parameters.items()
            if k != "cluster"
        }
        try:
            self.executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
            self.executor.update_parameters(**given)
        except (ValueError, NameError, RuntimeError, TypeError) as error:
            raise BadLaunch(f"submitit refuses {option('jobs')}: {error}") from error

    def help(
        self, name: str, most: int, function: Callable[..., Any], *arguments: Any
    ) -> None:
        """See `Steps`; jobs."""

        def call(number: int) -> None:
            log = _log_of(self.log_dir, name, number)
            if self._start(function, arguments, {}, log):
                raise failure(f"{name} failed", log)

        _at_once(functools.partial(call, n) for n in range(min(most, _MOST_JOBS)))

    def run_several(self, calls: Iterable[Callable[[], None]]) -> None:
        """See `Steps`."""
        _at_once(calls)

    def _start(
        self,
        function: Callable[..., Any] | str,
        arguments: Sequence[Any],
        options: Mapping[str, Any],
        log: Path,
    ) -> int:
        job = self.executor.submit(
            call_apart, function, list(arguments), dict(options), log.absolute()
        )
        try:
            return int(job.result())
        except Exception as error:  # submitit's own kinds, and the cluster's
            with open(log, "a", encoding="utf-8") as file:
                file.write(f"\nerror: job {job.job_id} failed ({error})\n")
            return 1


def _submitit() -> ModuleType:
    """Imports submitit, which by itself would close every log file of the process.

    As it is imported it configures Python's logging, and that begins by closing all
    handlers there are, those of trainings that run or will be run here too.
    """
    name = "SUBMITIT_LOG_LEVEL"
    before = os.environ.get(name)
    os.environ[name] = "NOCONFIG"
    try:
        import submitit
    except ImportError as error:
        raise PackageMissing(
            f"{option('launcher')} submitit needs submitit: pip install submitit"
        ) from error
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before
    return submitit


def _at_once(calls: Iterable[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(_MOST_JOBS) as pool:
        for result in [pool.submit(call) for call in calls]:
            result.result()


def _log_of(folder: Path, name: str, number: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name.replace('/', '-').replace(' ', '-')}-{number}.log"


def _device(number: int) -> str:
    """Returns the name of a GPU that this process sees."""
    seen = [one for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
    return seen[number] if number < len(seen) else str(number)


def _gpus() -> str:
    import torch

    return str(max(1, torch.cuda.device_count()))
