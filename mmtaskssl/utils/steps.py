"""Journeys of several tools: each step once, in a log of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .errors import UserError
from .paths import resource_root
from .warm import run_warm, start_server

_AFFINITY = hasattr(os, "sched_getaffinity")


class Steps:
    """Runs tools, each unless an earlier run finished it.

    Args:
        log_dir: Gets ``NAME.log`` for each step.
        show: Receives a line of progress for each step.
        env: Added to the environment of every step.
        preload: Modules that the tools import: imported once for all steps, from now
            on (see `start_server`). Not with ``env``.
    """

    def __init__(
        self,
        log_dir: Path,
        show: Callable[[str], None],
        env: Mapping[str, str] | None = None,
        preload: Sequence[str] = (),
    ) -> None:
        self.log_dir = Path(log_dir)
        self.show = show
        self.env = {**os.environ, **(env or {})}
        self.seconds: dict[str, float] = {}
        # Libraries read their environment while they are imported.
        self._threads: int | None = None
        self._warm = bool(preload) and not env and start_server(preload)

    def run(
        self,
        name: str,
        done: Path | Callable[[], bool],
        tool: str,
        *arguments: object,
        options: Sequence[str] = (),
    ) -> None:
        """Runs ``tools/TOOL.py ARGUMENTS`` unless it is done.

        Args:
            name: Of the step, for the log and the progress line.
            done: A file that a complete step leaves behind, or a test for it.
            tool: Name of a tool, such as ``train``.
            *arguments: Its command line, each turned into a string.
            options: ``key=value`` pairs for ``--cfg-options``.

        Raises:
            UserError: The tool failed, or is not ``done`` after all; repeats the
                tool's own sentence where it said one.
        """
        is_done = done.exists if isinstance(done, Path) else done
        if is_done():
            self.show(f"{name}: done before")
            return
        script = resource_root("tools") / f"{tool}.py"
        command = [str(argument) for argument in arguments]
        if options:
            command += ["--cfg-options", *options]
        self.log_dir.mkdir(parents=True, exist_ok=True)
        log = self.log_dir / f"{name.replace('/', '-').replace(' ', '-')}.log"
        begin = time.monotonic()
        status = self._execute(script, command, log)
        if status != 0 or not is_done():
            reason = f"tools/{tool}.py: {_reason(log)}"  # whose flags it may name
            raise UserError(f"step {name!r} failed: {reason} (log: {log})")
        self.seconds[name] = time.monotonic() - begin
        self.show(f"{name}: {self.seconds[name]:.0f} s")

    def run_two_at_a_time(self, calls: Iterable[Callable[[], None]]) -> None:
        """Makes calls, each of `run`, two at a time with half of the cores each.

        Small tools gain less from more threads than from a core of their own.

        Args:
            calls: Independent of each other.

        Raises:
            UserError: A tool failed; the others have ended.
        """
        cores = len(os.sched_getaffinity(0)) if _AFFINITY else os.cpu_count() or 1
        at_once = min(2, cores)
        self._threads = cores // at_once
        limit = self.env.get("OMP_NUM_THREADS", "")
        if limit.isdecimal():
            self._threads = max(1, min(self._threads, int(limit)))
        try:
            with ThreadPoolExecutor(at_once) as pool:
                for result in [pool.submit(call) for call in calls]:
                    result.result()
        finally:
            self._threads = None

    def _execute(self, script: Path, command: list[str], log: Path) -> int:
        if self._warm:
            return run_warm(script, command, log, self._threads)
        env = dict(self.env)
        if self._threads is not None:
            env["OMP_NUM_THREADS"] = str(self._threads)
        with open(log, "w", encoding="utf-8") as file:
            return subprocess.run(
                [sys.executable, str(script), *command],
                stdout=file,
                stderr=subprocess.STDOUT,
                env=env,
            ).returncode


def _reason(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1].removeprefix("error: ")
    return lines[-1].strip() if lines else "it wrote nothing"
