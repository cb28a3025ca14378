"""Journeys of several tools: each step once, in a log of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .errors import UserError
from .paths import resource_root


class Steps:
    """Runs tools one after the other; what an earlier run finished is not run again.

    Args:
        log_dir: Gets ``NAME.log`` for each step.
        show: Receives a line of progress for each step.
        env: Added to the environment of every step.
    """

    def __init__(
        self,
        log_dir: Path,
        show: Callable[[str], None],
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.log_dir = Path(log_dir)
        self.show = show
        self.env = {**os.environ, **(env or {})}
        self.seconds: dict[str, float] = {}

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
        command = [sys.executable, str(resource_root("tools") / f"{tool}.py")]
        command += [str(argument) for argument in arguments]
        if options:
            command += ["--cfg-options", *options]
        self.log_dir.mkdir(parents=True, exist_ok=True)
        log = self.log_dir / f"{name.replace('/', '-').replace(' ', '-')}.log"
        begin = time.monotonic()
        with open(log, "w", encoding="utf-8") as file:
            status = subprocess.run(
                command, stdout=file, stderr=subprocess.STDOUT, env=self.env
            ).returncode
        if status != 0 or not is_done():
            reason = f"tools/{tool}.py: {_reason(log)}"  # whose flags it may name
            raise UserError(f"step {name!r} failed: {reason} (log: {log})")
        self.seconds[name] = time.monotonic() - begin
        self.show(f"{name}: {self.seconds[name]:.0f} s")


def _reason(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1].removeprefix("error: ")
    return lines[-1].strip() if lines else "it wrote nothing"
