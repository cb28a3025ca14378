"""Tools on files that somebody else made to do harm, and what came of it.

    python -m tests.test_tools._hostile        (from the top of the repository)

prints how many cases of each kind of file were refused with a sentence, and in how
many code ran. The same cases are tests, see ``test_hostile_files.py``.
"""

import collections
import contextlib
import io
import os
import pickle
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from mmtaskssl.utils.errors import run_tool
from tests.test_tools._tools import load_tool
from tests.test_weights._hostile import Payload

#: Seconds after which a tool hangs.
PATIENCE = 120
#: JSON, or Python, that is nested too deeply.
DEEP = "[" * 100_000


class _Hung(BaseException):
    """Nothing that a tool could take for an error of a file."""


@dataclass(frozen=True)
class Case:
    """A tool and a file.

    Attributes:
        kind: Of the file.
        name: Of the case.
        tool: ``tools/NAME.py``.
        make: Writes files into a folder, given it and the mark that code would leave;
            returns the tool's arguments.
        left_out: Words with which the tool says that it went on without the file;
            None: it must end with one sentence.
    """

    kind: str
    name: str
    tool: str
    make: Callable[[Path, Path], list[str]]
    left_out: str | None = None


def outcome(case: Case, folder: Path) -> tuple[str, str]:
    """Runs a case; returns "refused", "code ran", "hung" or "traceback", and why."""
    mark = folder / "mark"
    stdout, stderr = io.StringIO(), io.StringIO()

    def hang(*_):
        raise _Hung

    before = signal.signal(signal.SIGALRM, hang)
    ended, reason = None, ""
    try:
        argv = [str(a) for a in case.make(folder, mark)]
        signal.alarm(PATIENCE)
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            run_tool(lambda _: load_tool(case.tool).main(argv))
    except SystemExit as end:
        ended = end.code
    except _Hung:
        reason = "hung"
    except BaseException:
        reason = traceback.format_exc()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    said = stderr.getvalue() + stdout.getvalue()
    if mark.exists():
        return "code ran", said
    if reason == "hung":
        return reason, said
    if reason:
        return "traceback", reason
    if case.left_out is not None:
        good = ended == 0 and case.left_out in said
        return ("refused" if good else "accepted"), said
    lines = [x for x in stderr.getvalue().splitlines() if x.startswith("error: ")]
    if ended == 2 and len(lines) == 1:
        return "refused", lines[0]
    return "accepted", said


def checkpoint(kind: str, path: Path, mark: Path) -> Path:
    """Writes a checkpoint that is none of tensors alone."""
    content = {"state_dict": {"w": torch.ones(1)}, "meta": {}, "x": Payload(mark)}
    if kind == "pickle":
        torch.save(content, path)
    elif kind == "old pickle":
        torch.save(content, path, _use_new_zipfile_serialization=False)
    elif kind == "bare pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        no_file(kind, path)
    return path


def quiet(folder, pictures=False):
    """Options of a run: equal names in one process share a folder."""
    options = ["log_level=ERROR", f"experiment_name={folder.name}"]
    return options + [f"visualizer.name={folder.name}"] * pictures


def no_file(kind: str, path: Path) -> Path:
    """Puts a pipe or a device under the name of a file."""
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    return path


def table(cases: list[Case], show: Callable[[str], None]) -> str:
    """Runs cases; returns a Markdown table, a row for each kind."""
    found: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    begin = time.monotonic()
    for number, case in enumerate(cases, 1):
        with tempfile.TemporaryDirectory() as folder:
            result, reason = outcome(case, Path(folder))
        found[case.kind][result] += 1
        if result != "refused":
            last = reason.strip().splitlines()[-1:] or [""]
            show(f"{case.tool}, {case.kind}, {case.name}: {result}: {last[0][:100]}")
        if number % 20 == 0:
            show(f"{number} of {len(cases)}, {time.monotonic() - begin:.0f} s")
    others = ("code ran", "hung", "traceback", "accepted")
    lines = ["| kind of file | cases | refused with a sentence | " + " | ".join(others)]
    lines = [lines[0] + " |", "| --- |" + " ---: |" * (2 + len(others))]
    total: collections.Counter = collections.Counter()
    for kind, counts in [*found.items(), ("all", total)]:
        if kind != "all":
            total.update(counts)
        cells = [sum(counts.values()), counts["refused"], *(counts[o] for o in others)]
        lines.append(f"| {kind} | " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main() -> None:
    from tests.test_tools._hostile_cases import CASES

    def show(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    words = sys.argv[1:]  # of kinds or tools; none: all
    chosen = [c for c in CASES if not words or {c.kind, c.tool} & set(words)]
    print(table(chosen, show))


if __name__ == "__main__":
    main()
