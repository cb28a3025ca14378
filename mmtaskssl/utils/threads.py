"""How many threads some arithmetic is worth."""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def one_thread(only: bool = True) -> Iterator[None]:
    """Computes in one thread on the CPU meanwhile.

    Thousands of short operations gain little from more, and where other work takes the
    cores each of them waits for a thread that is not running: a hundredfold.

    Args:
        only: Whether to; else as many as before.
    """
    before = torch.get_num_threads()
    if not only or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
