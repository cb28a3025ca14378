"""One teacher in the layouts of two packages."""

import subprocess
from pathlib import Path

import torch
import torch.nn.functional as F

from mmtaskssl.utils.atomic import atomic_path
from mmtaskssl.utils.families import FileMissing, StepFailed, WeightsMismatch
from mmtaskssl.weights import load_state_dict

_OTHER, _OURS = "dinov3/vits16-notpretrained", "vit_small_patch16_dinov3"
_SIZE = 64


def ready_teacher(folder: Path, python: str | None) -> None:
    """Draws DINOv3's smallest ViT at random, unless its weights are there.

    Random weights cost what any others do; for accuracies put trained ones there.

    Args:
        folder: Receives ``teacher.pt``, as lightly-train reads it, ``teacher-timm.pt``.
        python: Interpreter of lightly-train's environment, which draws it.

    Raises:
        UserError: There is no interpreter, it fails, or the two answer differently.
    """
    theirs, ours = folder / "teacher.pt", folder / "teacher-timm.pt"
    if ours.is_file() and theirs.is_file():
        return
    if python is None:
        raise FileMissing(
            f"{folder} lacks {theirs.name} or {ours.name}: put both there, or name an "
            "interpreter by --lightly-train, which draws a teacher at random"
        )
    folder.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("lightly_train_teacher.py")
    answer = folder / "answer.pt"
    command = [python, str(script), _OTHER, str(_SIZE), str(theirs), str(answer)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or "it printed nothing").splitlines()[-1]
        raise StepFailed(f"lightly-train makes no teacher ({last.strip()})")
    _convert(theirs, ours, load_state_dict(answer)["answer"])
    answer.unlink()


def _convert(theirs: Path, ours: Path, answer: torch.Tensor) -> None:
    import timm
    from timm.models.eva import checkpoint_filter_fn

    network = timm.create_model(_OURS, num_classes=0).eval()
    state = load_state_dict(theirs)
    network.load_state_dict(checkpoint_filter_fn(state, network))
    torch.manual_seed(0)
    with torch.no_grad():
        images = torch.rand(len(answer), 3, _SIZE, _SIZE)
        token = network.forward_features(images)[:, 0]
    if F.cosine_similarity(token, answer).min() < 0.999:
        raise WeightsMismatch(f"{_OURS} of timm answers otherwise than {_OTHER}")
    with atomic_path(ours) as path:
        torch.save(network.state_dict(), path)
