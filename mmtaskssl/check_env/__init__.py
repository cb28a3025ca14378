"""``python -m mmtaskssl.check_env``: what is installed, what works, what mends it.

Each line comes from trying the thing, not from reading versions. Nothing but the
standard library is imported before a check runs, so a broken package is a line in the
table and no traceback. The exit status is 1 if a required line fails.
"""

import contextlib
import functools
import importlib.util
import io
import sys
import textwrap
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import probes
from .probes import Doubt

_REQUIRED, _OPTIONAL = True, False


@dataclass(frozen=True)
class Check:
    """One thing to try.

    Args:
        name: What the table calls it.
        module: Import name whose version is shown, or None.
        required: Whether mmtaskssl needs it.
        probe: Tries it; returns a note, raises `Doubt` or anything else.
        mend: Command that brings it in order.
        needs: Names of checks without which this one says nothing.
    """

    name: str
    module: str | None
    required: bool
    probe: Callable[[], str]
    mend: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """One line of the table; ``works`` is "yes", "yes, but", "no" or "absent"."""

    name: str
    version: str
    works: str
    note: str
    mend: str
    required: bool

    @property
    def failed(self) -> bool:
        """Whether mmtaskssl cannot run for this."""
        return self.required and self.works in ("no", "absent")


def run_check(check: Check) -> Result:
    """Tries one thing; whatever goes wrong becomes part of the result."""
    works, note, mend = "yes", "", ""
    try:
        if check.module:
            importlib.import_module(check.module)
        note = check.probe()
    except Doubt as doubt:
        works, note, mend = "yes, but", doubt.args[0], "".join(doubt.args[1:])
    except ModuleNotFoundError as error:
        works, note, mend = "no", f"needs {error.name}", check.mend
        if error.name == check.module:
            works, note = "absent", "required" if check.required else "optional"
        elif any(error.name == other.module for other in CHECKS):
            mend = ""  # that one's own line has it
    # A broken binary raises OSError, a wrong version AssertionError, and so on.
    except Exception as error:
        works, note, mend = "no", _first_line(error), check.mend
    version = _version(check.module) if check.module else ""
    return Result(check.name, version, works, note, mend, check.required)


def run_checks(checks: Sequence[Check]) -> list[Result]:
    """Tries things in order; what stands on a broken one is not blamed for it.

    Args:
        checks: Those that others need come first.
    """
    results: dict[str, Result] = {}
    for check in checks:
        bad = [
            name
            for name in check.needs
            if name in results and results[name].works in ("no", "absent")
        ]
        absent = check.module and importlib.util.find_spec(check.module) is None
        if bad and not absent:  # the line of that one has the command
            how = "is absent" if results[bad[0]].works == "absent" else "does not work"
            note = f"needs {bad[0]}, which {how}"
            result = Result(check.name, "-", "no", note, "", check.required)
        else:
            result = run_check(check)
        results[check.name] = result
    return list(results.values())


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def _version(module: str) -> str:
    loaded = sys.modules.get(module)
    return str(getattr(loaded, "__version__", "") or "-")


_DET, _SEG, _LEARN = (
    functools.partial(probes.imports, module)
    for module in ("mmdet.models", "mmseg.models", "sklearn.datasets")
)
# What the OpenMMLab packages stand on.
_HOSTS = ("torch", "mmengine", "mmcv")

CHECKS = (
    Check(
        "system",
        None,
        _REQUIRED,
        probes.system,
        "wsl --install, and install mmtaskssl there",
    ),
    Check("python", None, _REQUIRED, probes.python, "install Python 3.10 to 3.13"),
    Check(
        "torch",
        "torch",
        _REQUIRED,
        probes.torch,
        "pip install -U torch torchvision numpy",
    ),
    Check(
        "torchvision",
        "torchvision",
        _REQUIRED,
        probes.torchvision,
        "pip install -U torch torchvision",
        ("torch",),
    ),
    Check(
        "opencv", "cv2", _REQUIRED, probes.opencv, "pip install opencv-python-headless"
    ),
    Check(
        "mmengine",
        "mmengine",
        _REQUIRED,
        probes.mmengine,
        'pip install -U "mmengine>=0.11.0rc3"',
        ("torch",),
    ),
    Check(
        "mmcv",
        "mmcv",
        _REQUIRED,
        probes.mmcv,
        "pip uninstall -y mmcv mmcv-lite && pip install mmcv-lite==2.0.1",
        ("torch", "mmengine"),
    ),
    Check(
        "mmselfsup",
        "mmselfsup",
        _REQUIRED,
        probes.mmselfsup,
        "pip install mmselfsup==1.0.0 mmcls==1.0.0rc6",
        _HOSTS,
    ),
    Check("mmdet", "mmdet", _OPTIONAL, _DET, 'pip install "mmdet>=3.3,<3.4"', _HOSTS),
    Check(
        "mmseg",
        "mmseg",
        _OPTIONAL,
        _SEG,
        'pip install "mmsegmentation>=1.2.2,<1.3" ftfy regex',
        _HOSTS,
    ),
    Check("faiss", "faiss", _OPTIONAL, probes.faiss, "pip install faiss-cpu"),
    Check("scikit-learn", "sklearn", _OPTIONAL, _LEARN, "pip install scikit-learn"),
    Check(
        "CUDA",
        None,
        _OPTIONAL,
        probes.cuda,
        "pip install -U torch torchvision",
        ("torch", "torchvision"),
    ),
    Check("threads", None, _OPTIONAL, probes.threads, "", ("torch",)),
)


def format_table(results: Sequence[Result]) -> str:
    """Lays the results out, one a row, commands indented below theirs."""
    widths = [max(len(r.name) for r in results), max(len(r.version) for r in results)]
    head = ["package", "version"]
    widths = [max(w, len(h)) for w, h in zip(widths, head, strict=True)]
    lines = [f"{head[0]:{widths[0]}}  {head[1]:{widths[1]}}  works"]
    for r in results:
        note = f" ({textwrap.shorten(r.note, 120)})" if r.note else ""
        lines.append(f"{r.name:{widths[0]}}  {r.version:{widths[1]}}  {r.works}{note}")
        if r.mend:
            lines.append(f"{'':{widths[0]}}  -> {r.mend}")
    failed = [r for r in results if r.failed]
    # What only stands on a broken one has nothing to mend, and is not named.
    if broken := [r.name for r in failed if r.mend] or [r.name for r in failed]:
        lines.append(f"\nmmtaskssl cannot run: {', '.join(broken)}")
    else:
        lines.append("\nmmtaskssl can run")
    lines.append(f"pip above is: {sys.executable} -m pip")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table; returns 1 if something required fails, else 0."""
    # What packages say while they are imported would tear the table apart.
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = run_checks(CHECKS)
    print(format_table(results))
    return int(any(result.failed for result in results))
