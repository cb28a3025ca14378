"""What a release check finds: a row for each thing, and the table of them."""

import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

OK, FAILED, NOT_RUN = "ok", "failed", "not run"


@dataclass(frozen=True)
class Row:
    """One thing that was checked.

    Attributes:
        name: What it is.
        state: `OK`, `FAILED` or `NOT_RUN`.
        note: What was found, or why it was not looked at.
    """

    name: str
    state: str
    note: str = ""


def row(name: str, faults: Iterable[str], note: str = "") -> Row:
    """Returns the row of a check that looks for faults.

    Args:
        name: See `Row`.
        faults: Sentences; none: all is well.
        note: What is said where all is well.
    """
    found = list(faults)
    most = 4  # of a table's line; the rest is counted
    if not found:
        return Row(name, OK, note)
    more = f"; and {len(found) - most} more" if len(found) > most else ""
    return Row(name, FAILED, "; ".join(found[:most]) + more)


def tried(name: str, check: Callable[[], Row]) -> Row:
    """Runs a check; a file that is missing or cannot be read fails it in a sentence."""
    try:
        return check()
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Row(name, FAILED, f"{type(error).__name__}: {error}")


def table(rows: Sequence[Row]) -> str:
    """Returns rows as text, and a last line that counts them."""
    widths = [max(len(getattr(r, name)) for r in rows) for name in ("name", "state")]
    lines = [
        f"{r.name:{widths[0]}}  {r.state:{widths[1]}}  {r.note}".rstrip() for r in rows
    ]
    counts = (
        f"{sum(r.state == state for r in rows)} {state}"
        for state in (OK, FAILED, NOT_RUN)
    )
    return "\n".join([*lines, "", ", ".join(counts)])


def run(
    command: Sequence[str | Path], cwd: Path | None = None, timeout: float = 900
) -> tuple[int, str]:
    """Runs a program.

    Args:
        command: The program and its arguments.
        cwd: Where it runs.
        timeout: Seconds.

    Returns:
        Its status (as of a shell: 124, it took too long; 127, it does not start), and
        what it said.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 124, f"error: {words[0]} took more than {timeout:g} s"
    except OSError as error:
        return 127, f"error: {words[0]} does not start ({error.strerror})"
    return done.returncode, done.stdout + done.stderr


def last_line(text: str) -> str:
    """Returns the last line that says anything, such as pip's error."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["it said nothing"])[-1][:200]
