"""Writes a teacher that lightly-train can open, drawn at random, and what it answers.

    lightly_train_teacher.py NAME SIZE WEIGHTS ANSWER

ANSWER's "answer": features (4, D) of the images that `torch.rand` draws with seed 0.
"""

import os
import sys

os.environ["LIGHTLY_TRAIN_EVENTS_DISABLED"] = "1"

import torch
from lightly_train._methods.distillation.distillation import get_teacher


def main() -> None:
    name, size, weights, answer = sys.argv[1:]
    torch.manual_seed(0)
    teacher = get_teacher(name, num_input_channels=3)
    torch.save(teacher.state_dict(), weights)
    torch.manual_seed(0)
    with torch.no_grad():
        images = torch.rand(4, 3, int(size), int(size))
        torch.save({"answer": teacher(images)}, answer)


main()
