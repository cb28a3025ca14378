"""A training step's network in each number format and memory layout of a CPU.

    speed_formats.py [--config CONFIG] [--batch 128] [--threads 1] [--repeats 4]

Forward and backward pass of the config's backbone; processor seconds, the best of some
repeats. The last line says what a training takes here.
"""

import argparse
from collections.abc import Sequence

import torch
from mmengine.registry import init_default_scope

from harness.clock import Clock, in_turns
from mmtaskssl.config import load_config
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.number_formats import has_native_bfloat16, prefers_channels_last

CONFIG = "selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py"


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default=CONFIG)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=4)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    cfg = load_config(args.config)
    init_default_scope(cfg.get("default_scope", "mmtaskssl"))
    side = cfg.model.data_preprocessor.view_size
    print(f"{args.batch} images of {side} px, {args.threads} thread(s)")
    for dtype in (torch.float32, torch.bfloat16):
        for layout in (torch.contiguous_format, torch.channels_last):
            torch.manual_seed(0)
            network = MODELS.build(cfg.model.backbone).train().to(memory_format=layout)
            images = torch.randn(args.batch, 3, side, side)
            half = dtype == torch.bfloat16

            def step(network=network, images=images, half=half) -> None:
                with torch.autocast("cpu", torch.bfloat16, enabled=half):
                    output = network(images)[-1]
                output.float().sum().backward()

            (spent,) = in_turns({"step": step}, args.repeats, Clock()).values()
            name = f"{dtype}, {layout}".replace("torch.", "")
            print(f"{name:<28}{min(spent):8.3f} s", flush=True)
    dtype = torch.bfloat16 if has_native_bfloat16() else torch.float32
    last = prefers_channels_last("cpu", dtype)
    layout = torch.channels_last if last else torch.contiguous_format
    print(f"chosen here: {dtype}, {layout}".replace("torch.", ""))


if __name__ == "__main__":
    run_tool(main)
