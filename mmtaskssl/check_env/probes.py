"""What `check_env` tries; each returns a note, or raises what is wrong.

Nothing but the standard library is imported before a probe runs.
"""

import importlib
import os
import platform
import sys
import tempfile
from importlib import metadata
from pathlib import Path


class Doubt(Exception):
    """It works, but the user should know this. A second argument is the command."""


def system() -> str:
    """The operating system is one that we run on."""
    if os.name == "nt":
        raise RuntimeError("mmtaskssl runs on Linux and macOS")
    name = f"{platform.system()} {platform.machine()}"
    if sys.platform != "linux":
        raise Doubt(f"{name}: tested on Linux alone, see docs/platforms.md")
    return name


def python() -> str:
    """The interpreter is one that we run on."""
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        raise RuntimeError(f"Python {sys.version.split()[0]}, wanted 3.10 to 3.13")
    return sys.version.split()[0]


def torch() -> str:
    """A convolution runs forward and backward, and arrays of numpy become tensors."""
    import numpy as np
    import torch

    from mmtaskssl.utils.number_formats import has_native_bfloat16

    x = torch.from_numpy(np.ones((1, 1, 4, 4), dtype=np.float32))
    layer = torch.nn.Conv2d(1, 1, 3)
    layer(x).sum().backward()
    formats = "bfloat16" if has_native_bfloat16() else "float32 (bfloat16 is emulated)"
    return f"convolution, gradient and numpy {np.__version__}; CPU: {formats}"


def torchvision() -> str:
    """Its compiled operators run."""
    import torch
    from torchvision.ops import nms, roi_align

    nms(torch.tensor([[0.0, 0, 1, 1]]), torch.ones(1), 0.5)
    roi_align(torch.ones(1, 1, 4, 4), torch.tensor([[0.0, 0, 0, 2, 2]]), 2)
    return "nms and roi_align"


def opencv() -> str:
    """It resizes an image."""
    import cv2
    import numpy as np

    cv2.resize(np.zeros((2, 2, 3), dtype=np.uint8), (4, 4))
    return "resizes"


def mmengine() -> str:
    """It loads a checkpoint of its own."""
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


def mmcv() -> str:
    """Its operators run, compiled or as our stand-ins."""
    import torch
    from mmcv.ops import nms

    from mmtaskssl.compat.stand_in import is_stand_in

    nms(torch.tensor([[0.0, 0, 1, 1]]), torch.ones(1), 0.5)
    if is_stand_in(sys.modules["mmcv._ext"]):
        return "operators: torchvision's kernels"
    return "operators: compiled"


def mmselfsup() -> str:
    """Its registry builds a model."""
    from mmengine.registry import MODELS

    neck = {"type": "mmselfsup.NonLinearNeck"}
    MODELS.build({**neck, "in_channels": 2, "hid_channels": 2, "out_channels": 2})
    return "builds a model"


def imports(module: str) -> str:
    """A module can be imported."""
    importlib.import_module(module)
    return f"{module} imports"


def faiss() -> str:
    """It finds a vector, and is installed once."""
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


def cuda() -> str:
    """A device computes, with torchvision, too."""
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


def threads() -> str:
    """There are no more threads than cores."""
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
