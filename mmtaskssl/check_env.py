"""``python -m mmtaskssl.check_env``: what is installed, what works, what mends it.

Each line comes from trying the thing, not from reading versions. Nothing but the
standard library is imported before a check runs, so a broken package is a line in the
table and no traceback. The exit status is 1 if a required line fails.
"""

import contextlib
import functools
import importlib
import io
import os
import sys
import tempfile
import textwrap
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from mmtaskssl.utils.errors import run_tool

_REQUIRED, _OPTIONAL = True, False


class Doubt(Exception):
    """It works, but the user should know this. A second argument is the command."""


@dataclass(frozen=True)
class Check:
    """One thing to try.

    Args:
        name: What the table calls it.
        module: Import name whose version is shown, or None.
        required: Whether mmtaskssl needs it.
        probe: Tries it; returns a note, raises `Doubt` or anything else.
        mend: Command that brings it in order.
    """

    name: str
    module: str | None
    required: bool
    probe: Callable[[], str]
    mend: str


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


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def _version(module: str) -> str:
    loaded = sys.modules.get(module)
    return str(getattr(loaded, "__version__", "") or "-")


def _python() -> str:
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        raise RuntimeError(f"Python {sys.version.split()[0]}, wanted 3.10 to 3.13")
    return sys.version.split()[0]


def _torch() -> str:
    import numpy as np
    import torch

    x = torch.from_numpy(np.ones((1, 1, 4, 4), dtype=np.float32))
    layer = torch.nn.Conv2d(1, 1, 3)
    layer(x).sum().backward()
    return f"convolution, gradient and numpy {np.__version__}"


def _torchvision() -> str:
    import torch
    from torchvision.ops import nms, roi_align

    nms(torch.tensor([[0.0, 0, 1, 1]]), torch.ones(1), 0.5)
    roi_align(torch.ones(1, 1, 4, 4), torch.tensor([[0.0, 0, 0, 2, 2]]), 2)
    return "nms and roi_align"


def _opencv() -> str:
    import cv2
    import numpy as np

    cv2.resize(np.zeros((2, 2, 3), dtype=np.uint8), (4, 4))
    return "resizes"


def _mmengine() -> str:
    import torch
    from mmengine.logging import MessageHub
    from mmengine.runner import load_checkpoint

    hub = MessageHub.get_instance("mmtaskssl.check_env")
    hub.update_scalar("train/loss", 1.0)
    layer = torch.nn.Linear(1, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint.pth")
        content = {"state_dict": layer.state_dict(), "message_hub": hub.state_dict()}
        torch.save(content, path)
        load_checkpoint(layer, str(path))
    return "loads its own checkpoints"


def _mmcv() -> str:
    import torch
    from mmcv.ops import nms

    from mmtaskssl.compat.stand_in import is_stand_in

    nms(torch.tensor([[0.0, 0, 1, 1]]), torch.ones(1), 0.5)
    if is_stand_in(sys.modules["mmcv._ext"]):
        return "operators: torchvision's kernels"
    return "operators: compiled"


def _mmselfsup() -> str:
    from mmengine.registry import MODELS

    neck = {"type": "mmselfsup.NonLinearNeck"}
    MODELS.build({**neck, "in_channels": 2, "hid_channels": 2, "out_channels": 2})
    return "builds a model"


def _imports(module: str) -> str:
    importlib.import_module(module)
    return f"{module} imports"


def _faiss() -> str:
    import faiss
    import numpy as np

    index = faiss.IndexFlatIP(2)
    index.add(np.eye(2, dtype=np.float32))
    _, found = index.search(np.array([[0, 1]], dtype=np.float32), 1)
    if found.item() != 1:
        raise RuntimeError("a search returned the wrong row")
    owners = sorted(set(metadata.packages_distributions().get("faiss", [])))
    if len(owners) > 1:
        raise Doubt(
            f"{' and '.join(owners)} overwrite each other's files; keep one",
            f"pip uninstall -y {' '.join(owners)} && pip install {owners[0]}",
        )
    return f"searches ({faiss.get_num_gpus()} GPUs)"


def _cuda() -> str:
    import torch
    from torchvision.ops import nms

    if not torch.cuda.is_available():
        if torch.version.cuda is None:
            raise Doubt(
                "this torch is built for the CPU only",
                "pip install --force-reinstall torch torchvision",
            )
        raise Doubt(f"torch for CUDA {torch.version.cuda} sees no device: CPU is used")
    ones = torch.ones(2, 2, device="cuda")
    (ones @ ones).sum().item()
    nms(torch.tensor([[0.0, 0, 1, 1]], device="cuda"), ones[0, :1], 0.5)
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return ", ".join(names)


def _threads() -> str:
    import torch

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    usable = usable or os.cpu_count() or 1
    threads = torch.get_num_threads()
    if threads > usable:
        raise Doubt(
            f"torch uses {threads} threads on {usable} cores and slows itself down",
            f"export OMP_NUM_THREADS={usable}",
        )
    return f"torch uses {threads} of {usable} cores"


_DET, _SEG, _LEARN = (
    functools.partial(_imports, module)
    for module in ("mmdet.models", "mmseg.models", "sklearn.datasets")
)

CHECKS = (
    Check("python", None, _REQUIRED, _python, "install Python 3.10 to 3.13"),
    Check(
        "torch", "torch", _REQUIRED, _torch, "pip install -U torch torchvision numpy"
    ),
    Check(
        "torchvision",
        "torchvision",
        _REQUIRED,
        _torchvision,
        "pip install -U torch torchvision",
    ),
    Check("opencv", "cv2", _REQUIRED, _opencv, "pip install opencv-python-headless"),
    Check(
        "mmengine",
        "mmengine",
        _REQUIRED,
        _mmengine,
        'pip install -U "mmengine>=0.11.0rc3"',
    ),
    Check(
        "mmcv",
        "mmcv",
        _REQUIRED,
        _mmcv,
        "pip uninstall -y mmcv mmcv-lite && pip install mmcv-lite==2.0.1",
    ),
    Check(
        "mmselfsup",
        "mmselfsup",
        _REQUIRED,
        _mmselfsup,
        "pip install mmselfsup==1.0.0 mmcls==1.0.0rc6",
    ),
    Check("mmdet", "mmdet", _OPTIONAL, _DET, 'pip install "mmdet>=3.3,<3.4"'),
    Check(
        "mmseg",
        "mmseg",
        _OPTIONAL,
        _SEG,
        'pip install "mmsegmentation>=1.2.2,<1.3" ftfy regex',
    ),
    Check("faiss", "faiss", _OPTIONAL, _faiss, "pip install faiss-cpu"),
    Check("scikit-learn", "sklearn", _OPTIONAL, _LEARN, "pip install scikit-learn"),
    Check("CUDA", None, _OPTIONAL, _cuda, "pip install -U torch torchvision"),
    Check("threads", None, _OPTIONAL, _threads, ""),
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
    failed = [r.name for r in results if r.failed]
    if failed:
        lines.append(f"\nmmtaskssl cannot run: {', '.join(failed)}")
    else:
        lines.append("\nmmtaskssl can run")
    lines.append(f"pip above is: {sys.executable} -m pip")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table; returns 1 if something required fails, else 0."""
    # What packages say while they are imported would tear the table apart.
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = [run_check(check) for check in CHECKS]
    print(format_table(results))
    return int(any(result.failed for result in results))


if __name__ == "__main__":
    run_tool(main)
