"""What a training changes in its process, put back."""

import contextlib
import gc
import logging
import multiprocessing
import os
import random
import sys
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.utils import ManagerMixin


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Runs a training as if in a process of its own.

    mmengine's Runner leaves behind a default scope, a logger, a message hub and a
    visualizer that whatever comes next takes for its own, random states, switches of
    torch, environment variables and a start method of processes. Within, there is none
    of the former to begin with; at the end all are as they were, logs are closed, and
    what the training held is freed. Of a process group that it joined, the process
    stays a member.
    """
    with _managed(), _environment(), _switches(), _random_states():
        yield
    gc.collect()  # a Runner and its hooks hold each other
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextlib.contextmanager
def _managed() -> Iterator[None]:
    """Puts aside what mmengine keeps by the names of trainings."""
    before = {kind: kind._instance_dict for kind in _kinds()}
    for kind in before:
        kind._instance_dict = OrderedDict()
    try:
        yield
    finally:
        for kind in _kinds():  # those of packages imported meanwhile, too
            for instance in kind._instance_dict.values():
                if isinstance(instance, logging.Logger):
                    _close(instance)
            kind._instance_dict = before.get(kind, OrderedDict())


def _kinds(of: Any = ManagerMixin) -> list[Any]:
    kinds = [of]
    for kind in of.__subclasses__():
        kinds += _kinds(kind)
    return kinds


def _close(logger: logging.Logger) -> None:
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.close()


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    start_method = multiprocessing.get_start_method(allow_none=True)
    try:
        yield
    finally:
        for name in {*os.environ} - {*before}:
            del os.environ[name]
        os.environ.update(before)
        multiprocessing.set_start_method(start_method, force=True)


@contextlib.contextmanager
def _switches() -> Iterator[None]:
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.deterministic
    strict = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    precision = torch.get_float32_matmul_precision()
    cv2 = sys.modules.get("cv2")
    threads = cv2 and cv2.getNumThreads()
    try:
        yield
    finally:
        cudnn.benchmark, cudnn.deterministic = before
        torch.use_deterministic_algorithms(strict, warn_only=warn_only)
        torch.set_float32_matmul_precision(precision)
        if cv2:
            cv2.setNumThreads(threads)


@contextlib.contextmanager
def _random_states() -> Iterator[None]:
    python, legacy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
