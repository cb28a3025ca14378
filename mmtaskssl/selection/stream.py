"""Reads a feature store block by block."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from ..features.store import FeatureStore

# A tile of scores (rows x queries) stays in cache and bounds the memory.
BLOCK_ROWS = 2048
TILE_QUERIES = 1024
# A search keeps no more than a mask of a block, and its features in cache.
_SEARCH_BYTES = 2**22


def search_rows(dim: int) -> int:
    """Returns how many pool rows of ``dim`` features a search takes at a time."""
    return max(512, min(8192, _SEARCH_BYTES // (4 * dim)))


Progress = Callable[[int], None]
Block = tuple[torch.Tensor, torch.Tensor, int]


def iter_blocks(
    pool: FeatureStore,
    skip: np.ndarray | None = None,
    block_rows: int = BLOCK_ROWS,
    device: str | torch.device = "cpu",
) -> Iterator[Block]:
    """Streams the rows of a store in order.

    The features of a block are overwritten by the next one.

    Args:
        pool: The store.
        skip: (N,) bool, rows to leave out.
        block_rows: Most rows a block.
        device: Where the blocks go.

    Yields:
        Row numbers (B,) int64, features (B, D) float32, and how many rows of the
        store have been read so far.
    """
    half = np.empty((block_rows, pool.dim), dtype=np.float16)
    full = torch.empty((block_rows, pool.dim), dtype=torch.float32, device=device)
    for first, shard in pool.iter_shards(skip):
        for begin in range(0, len(shard), block_rows):
            block = shard[begin : begin + block_rows]
            start, stop = first + begin, first + begin + len(block)
            numbers = np.arange(start, stop)
            if skip is not None and skip[start:stop].any():
                keep = ~skip[start:stop]
                numbers, block = numbers[keep], block[keep]
            if len(numbers):
                half[: len(block)] = block
                rows = full[: len(block)].copy_(torch.from_numpy(half[: len(block)]))
                yield torch.from_numpy(numbers).to(device), rows, stop
