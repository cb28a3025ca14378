"""Functions that are called in processes of their own."""

import json
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

from mmtaskssl.utils.errors import UserError


class Result:
    def table(self):
        return "a table"


def touch(path, text=""):
    print("touching", path)
    Path(path).write_text(str(text))


def refuse():
    raise UserError("the folder is empty")


def fail():
    raise ValueError("why")


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def threads(path):
    """What torch will read, or has read."""
    found = os.environ.get("OMP_NUM_THREADS")
    if "torch" in sys.modules:
        found = sys.modules["torch"].get_num_threads()
    Path(path).write_text(str(found))


def torch_threads(path):
    import torch

    Path(path).write_text(str(torch.get_num_threads()))


def environment(path, name):
    Path(path).write_text(os.environ.get(name, "none"))


def speak():
    print("warned", file=sys.stderr)
    os.system("echo a child")
    return Result()


def leave():
    json.left = 1


def look(path):
    Path(path).write_text(str(hasattr(json, "left")))


def start_worker(path):
    method = multiprocessing.get_start_method()
    process = multiprocessing.Process(target=touch, args=(path, method))
    process.start()
    process.join()


def see_gpu():
    """As in a fork of a server that has seen one."""
    import mmtaskssl.utils.cuda_seen as seen

    seen.CUDA_SEEN = True


def linger(path):
    """Says that it began, and much later that it ended."""
    # Whoever waits for the file reads it at once: it must not be seen empty.
    Path(f"{path}.begins").write_text(str(os.getpid()))
    os.replace(f"{path}.begins", f"{path}.began")
    time.sleep(100)
    Path(f"{path}.ended").touch()
