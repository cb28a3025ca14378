"""Convolutions of few pixels: the library's against those by taps, and the whole step.

    speed_convolutions.py [--batch 128] [--rounds 5] [--config CONFIG]

Forward and backward pass, channels-last, of the shapes that networks have in their last
stages; the error is the largest difference over the largest value. With --config, steps
of that training in three ways that take turns: contiguous, channels-last, by taps. CPU
seconds on one thread, medians.
"""

import argparse
import logging
import os
import statistics
from collections.abc import Callable, Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import torch
import torch.nn.functional as F
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from harness.clock import Clock, in_turns
from mmtaskssl.config import load_config
from mmtaskssl.models import tap_conv
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import BadValue
from mmtaskssl.utils.tables import head, quartiles, row

#: Input and output channels, kernel, stride, side of the input.
SHAPES = (
    *((512, 512, 3, 1, 1), (512, 512, 3, 1, 2), (512, 512, 3, 1, 3)),
    *((256, 512, 3, 2, 4), (256, 512, 1, 2, 4)),
    *((256, 256, 3, 1, 3), (256, 256, 3, 1, 4)),
    *((128, 256, 3, 2, 5), (128, 256, 3, 2, 8)),
    *((128, 128, 3, 1, 2), (128, 128, 3, 1, 4), (128, 128, 3, 1, 8)),
)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--config", help="of a training, for whole steps")
    return parser.parse_args(argv)


def compare_shape(shape: Sequence[int], batch: int, rounds: int) -> str:
    """Returns a row: both times, and how far the results are apart."""
    inputs, outputs, kernel, stride, side = shape
    last = torch.channels_last
    x = torch.randn(batch, inputs, side, side).contiguous(memory_format=last)
    weight = torch.randn(outputs, inputs, kernel, kernel).contiguous(memory_format=last)
    options = (stride, stride), (kernel // 2, kernel // 2)
    x.requires_grad_(), weight.requires_grad_()
    grad = torch.randn_like(F.conv2d(x, weight, None, *options))

    def results(convolve: Callable) -> list[torch.Tensor]:
        y = convolve()
        return [y.detach(), *torch.autograd.grad(y, (x, weight), grad)]

    ways = {
        "library": lambda: results(lambda: F.conv2d(x, weight, None, *options)),
        "taps": lambda: results(lambda: tap_conv.by_taps(x, weight, *options)),
    }
    pairs = zip(*(way() for way in ways.values()), strict=True)
    error = max(((a - b).abs().max() / a.abs().max()).item() for a, b in pairs)
    spent = in_turns(ways, rounds, Clock())
    library, taps = (statistics.median(values) for values in spent.values())
    names = [
        f"{inputs} to {outputs}",
        f"{kernel}x{kernel}",
        str(stride),
        f"{side}x{side}",
    ]
    times = [f"{1e3 * library:.1f}", f"{1e3 * taps:.1f}", f"{library / taps:.2f}"]
    return row([*names, *times, f"{error:.0e}"])


def compare_steps(config: str, batch: int, rounds: int) -> list[str]:
    """Returns the lines on whole training steps, views included."""
    init_default_scope("mmtaskssl")
    cfg = load_config(config)
    size = (
        3,
        cfg.model.data_preprocessor.view_size,
        cfg.model.data_preprocessor.view_size,
    )
    images = list(torch.randint(256, (batch, *size), dtype=torch.uint8))

    def step(layout: torch.memory_format, taps: bool) -> Callable:
        torch.manual_seed(0)
        model = MODELS.build(cfg.model).train().to(memory_format=layout)
        if taps:
            tap_conv.use_taps(model)
        options = {**cfg.optim_wrapper, "type": "OptimWrapper"}
        wrapper = build_optim_wrapper(model, options)
        return lambda: model.train_step({"inputs": images}, wrapper)

    ways = {
        "contiguous": step(torch.contiguous_format, False),
        "channels-last": step(torch.channels_last, False),
        "channels-last, by taps": step(torch.channels_last, True),
    }
    spent = in_turns(ways, rounds, Clock(), rotate=True)
    lines = head(["step", "CPU s", "contiguous takes times"])
    for name, values in spent.items():
        ratios = [a / b for a, b in zip(spent["contiguous"], values, strict=True)]
        lines.append(row([name, quartiles(values, 2), quartiles(ratios, 2)]))
    return lines


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if args.batch < 1 or args.rounds < 2:
        raise BadValue("--batch must be at least 1, and --rounds 2, for a spread")
    torch.set_num_threads(1)
    MMLogger.get_current_instance().setLevel(logging.ERROR)
    if args.config:
        print(*compare_steps(args.config, args.batch, args.rounds), sep="\n")
        return
    names = ["channels", "kernel", "stride", "map"]
    lines = head([*names, "library ms", "taps ms", "ratio", "error"])
    print(*lines, sep="\n")
    for shape in SHAPES:
        print(compare_shape(shape, args.batch, args.rounds), flush=True)


if __name__ == "__main__":
    run_tool(main)
