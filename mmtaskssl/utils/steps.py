"""Journeys of several steps: each once, in a process and with a log of its own."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .apart import call_apart, end_all, start_server
from .families import FAMILIES, StepFailed, UserError

_AFFINITY = hasattr(os, "sched_getaffinity")


class Steps:
    """Calls functions, each unless an earlier call finished it.

    Args:
        log_dir: Gets ``NAME.log`` for each step.
        show: Receives a line of progress for each step.
        env: Added to the environment of every step.
        preload: Modules that the functions import: imported once for all steps, from
            now on (see `start_server`). Not with ``env``.
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
        self.env = dict(env or {})
        self.seconds: dict[str, float] = {}
        # Libraries read their environment while they are imported.
        self._threads: int | None = None
        self._warm = bool(preload) and not env and start_server(preload)

    @property
    def processes(self) -> int:
        """Processes of a step."""
        return 1

    def call(
        self,
        name: str,
        done: Path | Callable[[], bool],
        function: Callable[..., Any] | str,
        *arguments: Any,
        **options: Any,
    ) -> None:
        """Calls a function in a process of its own, unless it is done.

        Args:
            name: Of the step, for the log and the progress line.
            done: A file that a complete step leaves behind, or a test for it.
            function: Of a module, at its top; see `call_apart`.
            *arguments: Plain values.
            **options: Plain values.

        Raises:
            UserError: The function failed, or is not ``done`` after all; repeats its
                own sentence where it said one.
        """
        is_done = done.exists if isinstance(done, Path) else done
        if is_done():
            self.show(f"{name}: done before")
            return
        self.log_dir.mkdir(parents=True, exist_ok=True)
        log = self.log_dir / f"{name.replace('/', '-').replace(' ', '-')}.log"
        begin = time.monotonic()
        status = self._start(function, arguments, options, log)
        if status != 0 or not is_done():
            raise failure(f"step {name!r} failed", log)
        self.seconds[name] = time.monotonic() - begin
        self.show(f"{name}: {self.seconds[name]:.0f} s")

    def _start(
        self,
        function: Callable[..., Any] | str,
        arguments: Sequence[Any],
        options: Mapping[str, Any],
        log: Path,
    ) -> int:
        """Calls a function somewhere else, and returns its exit status."""
        return call_apart(
            *(function, arguments, options, log),
            threads=self._threads,
            env=self.env,
            warm=self._warm,
        )

    def run(
        self,
        name: str,
        done: Path | Callable[[], bool],
        command: str,
        *arguments: object,
        options: Sequence[str] = (),
    ) -> None:
        """Runs a command of ``mmtaskssl`` unless it is done, see `call`.

        Args:
            name: Of the step.
            done: See `call`.
            command: Such as ``train``.
            *arguments: Its command line, each turned into a string.
            options: ``key=value`` pairs for ``--cfg-options``.

        Raises:
            UserError: See `call`.
        """
        line = [command, *map(str, arguments)]
        if options:
            line += ["--cfg-options", *options]
        self.call(name, done, "mmtaskssl.cli.main:run", line)

    def help(
        self, name: str, most: int, function: Callable[..., Any], *arguments: Any
    ) -> None:
        """Has others help with what this process is about to do, and waits for them.

        Nobody, unless a launcher has machines or devices that this process has not.

        Args:
            name: Of the work, for logs.
            most: So many can help.
            function: Of a module, at its top; shares the work with its like.
            *arguments: Plain values.
        """

    def run_several(self, calls: Iterable[Callable[[], None]]) -> None:
        """Makes calls that may be made at once, in the way that suits the machine.

        Args:
            calls: Independent of each other.

        Raises:
            UserError: A step failed; the others have ended.
        """
        self.run_two_at_a_time(calls)

    def run_two_at_a_time(self, calls: Iterable[Callable[[], None]]) -> None:
        """Makes calls, each of `call`, two at a time with half of the cores each.

        Small steps gain less from more threads than from a core of their own.

        Args:
            calls: Independent of each other.

        Raises:
            UserError: A step failed; the others have ended.
        """
        cores = len(os.sched_getaffinity(0)) if _AFFINITY else os.cpu_count() or 1
        at_once = min(2, cores)
        self._threads = cores // at_once
        limit = {**os.environ, **self.env}.get("OMP_NUM_THREADS", "")
        if limit.isdecimal():
            self._threads = max(1, min(self._threads, int(limit)))
        try:
            with ThreadPoolExecutor(at_once) as pool:
                results = [pool.submit(call) for call in calls]
                try:
                    for result in results:
                        result.result()
                except Exception:  # of one step: the others go on to their end
                    raise
                except BaseException:  # an interrupt: the threads would wait for them
                    for result in results:
                        result.cancel()
                    end_all()
                    raise
        finally:
            self._threads = None


def failure(what: str, log: Path, named: bool = True) -> UserError:
    """Returns the error of a process that failed, of the family that its log ends with.

    Args:
        what: Failed; stands before the sentence that the log ends with.
        log: What the process wrote.
        named: Whether the log is there to be looked at.
    """
    where = f" (log: {log})" if named else ""
    if not log.is_file():
        return StepFailed(f"{what}: its process did not begin{where}")
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    said = (errors or lines or ["it wrote nothing"])[-1].removeprefix("error: ").strip()
    sentence, _, code = said.removesuffix("]").rpartition(" [")
    family = FAMILIES.get(code) if said.endswith("]") else None
    if family is None:
        return StepFailed(f"{what}: {said}{where}")
    return family(f"{what}: {sentence}{where}")
