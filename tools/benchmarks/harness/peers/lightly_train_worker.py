"""lightly-train's own `pretrain`, in turns."""

import os

os.environ["LIGHTLY_TRAIN_EVENTS_DISABLED"] = "1"

import lightly_train
import torch
from lightning_turns import in_turns
from turns import read_task


def find_backbone(method):
    """Returns torchvision's network in a method."""
    name = "student_embedding_model"
    model = getattr(method, name, None) or method.embedding_model
    return model.wrapped_model.get_model()


def main() -> None:
    task = read_task()
    torch.set_num_threads(task["threads"])
    in_turns("lightly-train", find_backbone)
    method_args = None
    if task["method"].startswith("distillation"):
        name, _, weights = task["teacher"].partition("=")
        method_args = {"teacher": name, "teacher_weights": weights or None}
    lightly_train.pretrain(
        out=f"{task['work']}/out",
        data=task["images"],
        model="torchvision/resnet18",
        method=task["method"],
        method_args=method_args,
        batch_size=task["batch"],
        epochs=1000,
        num_workers=0,
        accelerator="cpu",
        devices=1,
        seed=0,
        transform_args={"image_size": (task["size"], task["size"])},
    )


main()
